CREATE TABLE deadlines (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, basis TEXT NOT NULL,
    started_at BIGINT NOT NULL, due_at BIGINT NOT NULL, escalated_at BIGINT, ended_at BIGINT,
    ended_because TEXT, reference_sealed TEXT, process TEXT);
CREATE INDEX deadlines_running ON deadlines (ended_at, due_at);
CREATE INDEX deadlines_by_subject ON deadlines (subject);
