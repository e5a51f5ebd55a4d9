CREATE TABLE appeals (
    id TEXT PRIMARY KEY, case_id TEXT NOT NULL, reason_sealed TEXT NOT NULL, filed_at BIGINT NOT NULL,
    status_before TEXT NOT NULL, outcome TEXT, person TEXT, name TEXT, grounds TEXT, decided_at BIGINT);
