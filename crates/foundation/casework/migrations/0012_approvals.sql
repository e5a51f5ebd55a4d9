CREATE TABLE approvals (
    id TEXT PRIMARY KEY, report TEXT NOT NULL UNIQUE, person TEXT NOT NULL, name TEXT NOT NULL,
    approved_at BIGINT NOT NULL);
