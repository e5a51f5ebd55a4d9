ALTER TABLE cases ADD COLUMN account_key TEXT NOT NULL DEFAULT '';
ALTER TABLE cases ADD COLUMN embargo_until BIGINT;
ALTER TABLE cases ADD COLUMN embargo_sealed TEXT;
CREATE INDEX cases_by_account ON cases (account_key);
