CREATE TABLE decisions (
    id TEXT PRIMARY KEY, case_id TEXT NOT NULL, person TEXT NOT NULL, name TEXT NOT NULL, ruling TEXT NOT NULL,
    grounds TEXT NOT NULL, scale TEXT NOT NULL, category TEXT NOT NULL, decided_at BIGINT NOT NULL);
