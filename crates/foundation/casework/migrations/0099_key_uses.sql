-- When each key was used last, to within an hour.
CREATE TABLE key_uses (api_key TEXT PRIMARY KEY, used_at BIGINT NOT NULL);
