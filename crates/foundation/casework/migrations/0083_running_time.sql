CREATE TABLE running_time (seq BIGINT PRIMARY KEY, wall BIGINT NOT NULL, running BIGINT NOT NULL);
CREATE INDEX running_time_by_wall ON running_time (wall, running);
CREATE INDEX running_time_by_sum ON running_time (running);
INSERT INTO changes (what, number) VALUES ('running_time', 1);
CREATE TABLE started (subject TEXT PRIMARY KEY, wall BIGINT NOT NULL, running BIGINT NOT NULL);
