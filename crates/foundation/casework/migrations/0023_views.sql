CREATE TABLE exhibit_digests (
    exhibit TEXT PRIMARY KEY, bytes_key TEXT NOT NULL, sealed TEXT NOT NULL, kept_at BIGINT NOT NULL);
CREATE INDEX exhibit_digests_by_bytes ON exhibit_digests (bytes_key);
