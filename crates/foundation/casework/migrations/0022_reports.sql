ALTER TABLE reports ADD COLUMN with_victims BIGINT NOT NULL DEFAULT 0;
CREATE INDEX reports_by_case ON reports (case_id);
ALTER TABLE reports ADD COLUMN incident TEXT NOT NULL DEFAULT 'material';
ALTER TABLE reports ADD COLUMN retracted_because TEXT NOT NULL DEFAULT '';
