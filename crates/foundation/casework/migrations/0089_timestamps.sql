CREATE TABLE timestamps (
    id TEXT PRIMARY KEY, size BIGINT NOT NULL, stamped_at BIGINT NOT NULL, authority TEXT NOT NULL,
    checkpoint TEXT NOT NULL, token TEXT NOT NULL);
