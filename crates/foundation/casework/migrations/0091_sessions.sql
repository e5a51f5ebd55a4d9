CREATE TABLE sessions (
    digest TEXT PRIMARY KEY, api_key TEXT NOT NULL, person TEXT NOT NULL,
    begun_at BIGINT NOT NULL, used_at BIGINT NOT NULL);
CREATE INDEX sessions_by_use ON sessions (used_at);
