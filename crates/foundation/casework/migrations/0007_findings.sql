CREATE TABLE findings (
    id TEXT PRIMARY KEY, case_id TEXT NOT NULL, screening TEXT NOT NULL, what TEXT NOT NULL,
    list_id TEXT NOT NULL, list TEXT NOT NULL, version TEXT NOT NULL, entry TEXT NOT NULL,
    hash_kind TEXT NOT NULL, distance BIGINT NOT NULL, quality BIGINT, purpose TEXT, action TEXT NOT NULL,
    scale TEXT NOT NULL, category TEXT NOT NULL, surface TEXT NOT NULL, exhibit TEXT,
    name_sealed TEXT, uploaded_at BIGINT, found_at BIGINT NOT NULL);
CREATE INDEX findings_by_case ON findings (case_id, found_at);
