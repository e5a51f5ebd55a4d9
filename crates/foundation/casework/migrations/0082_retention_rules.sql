CREATE TABLE retention_rules (
    filed_with TEXT PRIMARY KEY, days BIGINT NOT NULL, basis TEXT NOT NULL, person TEXT NOT NULL,
    set_at BIGINT NOT NULL);
