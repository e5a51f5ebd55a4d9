CREATE TABLE notices (
    id TEXT PRIMARY KEY, case_id TEXT NOT NULL, measure TEXT NOT NULL, language TEXT NOT NULL,
    code_key TEXT NOT NULL UNIQUE, made_by TEXT NOT NULL, made_at BIGINT NOT NULL);
CREATE INDEX notices_by_case ON notices (case_id);
