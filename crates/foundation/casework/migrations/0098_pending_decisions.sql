-- Decisions made on a page that haven't taken effect yet, and those that couldn't.
CREATE TABLE pending_decisions (
    id TEXT PRIMARY KEY, case_id TEXT NOT NULL, person TEXT NOT NULL, sealed TEXT NOT NULL,
    due_at BIGINT NOT NULL, state TEXT NOT NULL, why TEXT NOT NULL);
CREATE UNIQUE INDEX pending_decisions_by_case ON pending_decisions (case_id) WHERE state <> 'refused';
CREATE INDEX pending_decisions_by_person ON pending_decisions (person);
CREATE INDEX pending_decisions_due ON pending_decisions (due_at);
