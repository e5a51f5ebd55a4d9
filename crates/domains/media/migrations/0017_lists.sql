ALTER TABLE lists ADD COLUMN distance BIGINT;
ALTER TABLE list_versions ADD COLUMN parent TEXT;
ALTER TABLE list_versions ADD COLUMN first_content BIGINT NOT NULL DEFAULT 1;
ALTER TABLE list_versions ADD COLUMN one_content BIGINT NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX list_versions_newest ON list_versions (list, sequence);
