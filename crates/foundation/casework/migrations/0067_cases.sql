CREATE INDEX cases_by_opening ON cases (opened_at, id);
CREATE INDEX cases_by_status ON cases (status, opened_at, id);
CREATE INDEX cases_decided_by_change ON cases (changed_at, id) WHERE status <> 'open';
