CREATE TABLE repeats (
    key TEXT PRIMARY KEY, request TEXT NOT NULL, answer_sealed TEXT, begun_at BIGINT NOT NULL);
