CREATE TABLE determinations (
    id TEXT PRIMARY KEY, case_id TEXT NOT NULL, question TEXT NOT NULL, answers TEXT NOT NULL, grounds TEXT NOT NULL,
    person TEXT NOT NULL, name TEXT NOT NULL, determined_at BIGINT NOT NULL, seq BIGINT NOT NULL);
CREATE INDEX determinations_by_case ON determinations (case_id, seq);
INSERT INTO changes (what, number) VALUES ('determinations', 1);
