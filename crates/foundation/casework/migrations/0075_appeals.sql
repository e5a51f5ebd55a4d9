CREATE INDEX appeals_by_case ON appeals (case_id);
