CREATE TABLE information_requests (
    deadline TEXT PRIMARY KEY, case_id TEXT NOT NULL, wanted TEXT NOT NULL, asked_by TEXT NOT NULL, answer_key TEXT);
CREATE INDEX information_requests_by_case ON information_requests (case_id, deadline);
