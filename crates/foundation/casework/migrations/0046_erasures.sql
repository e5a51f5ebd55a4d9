ALTER TABLE erasures ADD COLUMN kept_because TEXT;
CREATE TABLE settlements (
    case_id TEXT NOT NULL, domain TEXT NOT NULL, put_at BIGINT NOT NULL, done_at BIGINT, PRIMARY KEY (case_id, domain));
CREATE INDEX settlements_waiting ON settlements (done_at);
