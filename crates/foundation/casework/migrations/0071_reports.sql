-- The filed report that a report supplements; empty for a first report.
ALTER TABLE reports ADD COLUMN supplements TEXT NOT NULL DEFAULT '';
