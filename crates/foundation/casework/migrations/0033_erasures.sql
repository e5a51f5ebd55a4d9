CREATE TABLE erasures (
    id TEXT PRIMARY KEY, case_id TEXT NOT NULL, appeal TEXT NOT NULL, exhibit TEXT NOT NULL,
    put_at BIGINT NOT NULL, not_before BIGINT NOT NULL, done_at BIGINT, log_index BIGINT);
CREATE INDEX erasures_waiting ON erasures (done_at, not_before);
CREATE TABLE restorations (
    id TEXT PRIMARY KEY, case_id TEXT NOT NULL, what TEXT NOT NULL, account_sealed TEXT,
    put_at BIGINT NOT NULL, done_at BIGINT, done_by TEXT);
