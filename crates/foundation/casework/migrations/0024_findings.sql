CREATE INDEX findings_by_exhibit ON findings (exhibit);
