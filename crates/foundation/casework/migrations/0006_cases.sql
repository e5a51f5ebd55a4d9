CREATE TABLE cases (
    id TEXT PRIMARY KEY, group_key TEXT NOT NULL, status TEXT NOT NULL, account_sealed TEXT,
    opened_at BIGINT NOT NULL, changed_at BIGINT NOT NULL);
CREATE UNIQUE INDEX cases_one_open ON cases (group_key) WHERE status = 'open';
