CREATE TABLE touched (tbl TEXT NOT NULL, row_key TEXT NOT NULL, writer TEXT NOT NULL);
CREATE INDEX touched_rows ON touched (tbl, row_key);
CREATE TABLE leaves (
    seq BIGINT PRIMARY KEY, tbl TEXT NOT NULL, row_key TEXT NOT NULL, salt TEXT NOT NULL,
    commitment TEXT NOT NULL, gone BIGINT NOT NULL, mac TEXT NOT NULL, log_index BIGINT);
CREATE INDEX leaves_of_rows ON leaves (tbl, row_key, seq);
CREATE INDEX leaves_in_log ON leaves (log_index, seq);
CREATE TABLE log_heads (name TEXT PRIMARY KEY, size BIGINT NOT NULL, root TEXT NOT NULL, mac TEXT NOT NULL);
CREATE TABLE covered (tbl TEXT PRIMARY KEY);
INSERT INTO changes (what, number) VALUES ('leaves', 1);
