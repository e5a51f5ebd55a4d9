CREATE TABLE chain_told (network TEXT PRIMARY KEY, height BIGINT NOT NULL, block TEXT NOT NULL);
ALTER TABLE chain_movements ADD COLUMN network TEXT NOT NULL DEFAULT '';
ALTER TABLE chain_movements ADD COLUMN undone_at BIGINT;
