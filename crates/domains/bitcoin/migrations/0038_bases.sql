CREATE TABLE chain_bases (
    id TEXT PRIMARY KEY, case_id TEXT NOT NULL, basis TEXT NOT NULL, owner TEXT NOT NULL,
    person TEXT NOT NULL, recorded_at BIGINT NOT NULL, ends_at BIGINT NOT NULL);
CREATE INDEX chain_bases_by_case ON chain_bases (case_id);
