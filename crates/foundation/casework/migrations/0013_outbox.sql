CREATE TABLE outbox (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, put_at BIGINT NOT NULL,
    claimed_by TEXT NOT NULL, claimed_until BIGINT NOT NULL, tries BIGINT NOT NULL,
    done_at BIGINT, UNIQUE (kind, subject));
CREATE INDEX outbox_waiting ON outbox (done_at, claimed_until);
