DROP INDEX findings_by_case;
DROP INDEX findings_by_exhibit;
ALTER TABLE findings RENAME TO findings_until_50;
CREATE TABLE findings (
    id TEXT PRIMARY KEY, case_id TEXT, subject TEXT NOT NULL, evidence TEXT, strength TEXT NOT NULL,
    source TEXT NOT NULL, seq BIGINT NOT NULL, state TEXT NOT NULL, found_at BIGINT NOT NULL);
CREATE INDEX findings_by_case ON findings (case_id, seq);
CREATE INDEX findings_by_evidence ON findings (evidence);
CREATE INDEX findings_by_subject ON findings (subject);
CREATE TABLE found_files (
    subject TEXT PRIMARY KEY, name_sealed TEXT, surface TEXT NOT NULL, uploaded_at BIGINT);
INSERT INTO findings (id, case_id, subject, evidence, strength, source, seq, state, found_at)
SELECT old.id, old.case_id, old.screening, old.exhibit, old.what,
    CASE old.what WHEN 'given' THEN 'person' WHEN 'report-unreadable' THEN 'intake' ELSE 'media' END,
    ROW_NUMBER() OVER (PARTITION BY old.case_id ORDER BY old.found_at, old.screening, old.distance, old.id),
    CASE cases.status WHEN 'cleared' THEN 'withdrawn' ELSE 'open' END, old.found_at
FROM findings_until_50 old LEFT JOIN cases ON cases.id = old.case_id;
INSERT INTO found_files (subject, name_sealed, surface, uploaded_at)
SELECT screening, MAX(name_sealed), MIN(surface), MAX(uploaded_at) FROM findings_until_50 GROUP BY screening;
