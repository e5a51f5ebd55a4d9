ALTER TABLE approvals ADD COLUMN empty_because TEXT;
ALTER TABLE approvals ADD COLUMN content_key TEXT NOT NULL DEFAULT '';
