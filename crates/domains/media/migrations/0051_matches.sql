CREATE TABLE media_matches (
    finding TEXT PRIMARY KEY, case_id TEXT NOT NULL, list_id TEXT NOT NULL, list TEXT NOT NULL,
    version TEXT NOT NULL, entry TEXT NOT NULL, hash_kind TEXT NOT NULL, distance BIGINT NOT NULL,
    quality BIGINT, purpose TEXT, action TEXT NOT NULL, scale TEXT NOT NULL, category TEXT NOT NULL);
CREATE INDEX media_matches_by_case ON media_matches (case_id);
INSERT INTO media_matches (finding, case_id, list_id, list, version, entry, hash_kind, distance, quality, purpose,
    action, scale, category)
SELECT id, case_id, list_id, list, version, entry, hash_kind, distance, quality, purpose, action, scale, category
FROM findings_until_50 WHERE what NOT IN ('given', 'report-unreadable');
DROP TABLE findings_until_50;
