CREATE TABLE reports (
    id TEXT PRIMARY KEY, case_id TEXT NOT NULL, decision TEXT NOT NULL, destination TEXT NOT NULL,
    status TEXT NOT NULL, made_at BIGINT NOT NULL);
