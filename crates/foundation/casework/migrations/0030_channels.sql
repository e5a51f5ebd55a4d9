CREATE TABLE channels (
    destination TEXT PRIMARY KEY, sealed TEXT NOT NULL, officer TEXT, production BIGINT NOT NULL,
    halted_because TEXT, changed_at BIGINT NOT NULL);
