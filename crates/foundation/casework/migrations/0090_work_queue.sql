CREATE TABLE work_queue (
    case_id TEXT PRIMARY KEY, at_risk BIGINT NOT NULL, reasons TEXT NOT NULL, opened_at BIGINT NOT NULL,
    stale BIGINT NOT NULL, claimed_by TEXT, claimed_until BIGINT NOT NULL);
CREATE INDEX work_queue_in_order ON work_queue (at_risk DESC, opened_at, case_id);
CREATE INDEX work_queue_stale ON work_queue (case_id) WHERE stale <> 0;
-- A server ranks them from their facts once it runs.
INSERT INTO work_queue (case_id, at_risk, reasons, opened_at, stale, claimed_until)
    SELECT id, 0, '', opened_at, 1, 0 FROM cases WHERE status = 'open';
