-- The soonest, those of a kind, and those that may have to be escalated. PostgreSQL takes no order
-- from an index that begins with a column that is only compared with NULL.
CREATE INDEX deadlines_due ON deadlines (due_at, id) WHERE ended_at IS NULL;
CREATE INDEX deadlines_due_by_kind ON deadlines (kind, due_at, id) WHERE ended_at IS NULL;
CREATE INDEX deadlines_to_escalate ON deadlines (due_at, id)
    WHERE ended_at IS NULL AND escalated_at IS NULL AND kind NOT IN ('preservation', 'child-in-danger');
