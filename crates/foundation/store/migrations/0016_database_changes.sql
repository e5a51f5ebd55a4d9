CREATE TABLE changes (what TEXT PRIMARY KEY, number BIGINT NOT NULL);
INSERT INTO changes (what, number) VALUES ('matching', 1);
INSERT INTO changes (what, number) VALUES ('contents', 1);
