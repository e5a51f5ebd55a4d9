ALTER TABLE people ADD COLUMN removed_at BIGINT;
ALTER TABLE people_roles ADD COLUMN withdrawn_at BIGINT;
