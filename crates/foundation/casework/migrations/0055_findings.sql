ALTER TABLE found_files ADD COLUMN stopped BIGINT NOT NULL DEFAULT 0;
UPDATE findings SET strength = 'as-received' WHERE source = 'intake' AND strength = 'given';
-- Migration 50 took what a person opened from a report of others for a file of a case file.
UPDATE findings SET strength = 'as-received', source = 'intake' WHERE strength = 'given' AND source = 'person'
    AND case_id IN (SELECT other.case_id FROM findings other WHERE other.strength = 'report' AND other.source = 'intake')
    AND subject IN (SELECT subject FROM found_files WHERE surface = 'shared' AND uploaded_at IS NULL)
    AND NOT EXISTS (SELECT 1 FROM findings other WHERE other.case_id = findings.case_id AND other.strength = 'given'
        AND other.id <> findings.id);
