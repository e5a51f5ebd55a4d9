CREATE TABLE api_keys (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL UNIQUE, rights TEXT NOT NULL, person TEXT,
    made_at BIGINT NOT NULL, revoked_at BIGINT);
