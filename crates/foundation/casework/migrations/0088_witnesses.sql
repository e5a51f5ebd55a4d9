CREATE TABLE witnesses (
    name TEXT PRIMARY KEY, url TEXT NOT NULL, key TEXT NOT NULL, person TEXT NOT NULL, since BIGINT NOT NULL,
    is_asked BIGINT NOT NULL, cosigned_since BIGINT);
CREATE TABLE cosigned_heads (witness TEXT PRIMARY KEY, note TEXT NOT NULL);
