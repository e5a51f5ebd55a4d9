-- Who admitted a second appeal decides nothing about it.
ALTER TABLE appeals ADD COLUMN admitted_by TEXT;
