CREATE TABLE destructions (
    id TEXT PRIMARY KEY, exhibit TEXT NOT NULL, because TEXT NOT NULL, asked_by TEXT NOT NULL, pending_at BIGINT NOT NULL,
    running_at BIGINT NOT NULL, done_at BIGINT, log_index BIGINT, cancelled_at BIGINT, cancelled_because TEXT);
CREATE UNIQUE INDEX destructions_pending ON destructions (exhibit) WHERE done_at IS NULL AND cancelled_at IS NULL;
CREATE TABLE destruction_confirmations (
    destruction TEXT NOT NULL, person TEXT NOT NULL, given_at BIGINT NOT NULL, vouches BIGINT NOT NULL,
    PRIMARY KEY (destruction, person));
