CREATE INDEX reports_by_status ON reports (status, made_at, id);
