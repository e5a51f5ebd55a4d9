-- Platforms ask what was decided since they last asked.
CREATE INDEX cases_by_change ON cases (changed_at, id);
