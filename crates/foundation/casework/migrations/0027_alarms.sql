CREATE TABLE alarms (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, text TEXT NOT NULL,
    raised_at BIGINT NOT NULL, seen_at BIGINT, seen_by TEXT);
CREATE UNIQUE INDEX alarms_open ON alarms (kind, subject) WHERE seen_at IS NULL;
