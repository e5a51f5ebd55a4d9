CREATE TABLE outcomes (
    id TEXT PRIMARY KEY, report TEXT NOT NULL, source TEXT NOT NULL, code TEXT NOT NULL, at BIGINT NOT NULL,
    UNIQUE (report, source, code));
