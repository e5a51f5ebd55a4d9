CREATE TABLE legal_bases (
    id TEXT PRIMARY KEY, surface TEXT NOT NULL, basis TEXT NOT NULL, owner TEXT NOT NULL,
    recorded_at BIGINT NOT NULL, ends_at BIGINT NOT NULL);
