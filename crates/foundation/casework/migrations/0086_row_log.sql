DROP TABLE touched;
CREATE TABLE touched (tbl TEXT NOT NULL, row_key TEXT NOT NULL, writer TEXT NOT NULL, before BYTEA, after BYTEA);
CREATE INDEX touched_by_writer ON touched (writer);
CREATE TABLE touch_seals (writer TEXT PRIMARY KEY, leaf BIGINT NOT NULL, mac TEXT NOT NULL);
CREATE TABLE row_faults (id TEXT PRIMARY KEY, tbl TEXT NOT NULL, row_key TEXT NOT NULL, what TEXT NOT NULL, found_at BIGINT NOT NULL);
