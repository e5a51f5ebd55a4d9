ALTER TABLE outbox ADD COLUMN next_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX outbox_next ON outbox (done_at, next_at, put_at);
