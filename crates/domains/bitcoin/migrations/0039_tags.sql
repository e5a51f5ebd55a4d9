CREATE TABLE chain_tags (
    id TEXT PRIMARY KEY, tag_key TEXT NOT NULL UNIQUE, tag_sealed TEXT NOT NULL, person TEXT NOT NULL,
    recorded_at BIGINT NOT NULL);
