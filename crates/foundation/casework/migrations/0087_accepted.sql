CREATE TABLE acceptances (
    id TEXT PRIMARY KEY, code TEXT NOT NULL, person TEXT NOT NULL, because TEXT NOT NULL, differences TEXT NOT NULL,
    given_at BIGINT NOT NULL, carried_out BIGINT NOT NULL);
CREATE TABLE accepted_entries (log_index BIGINT PRIMARY KEY, acceptance TEXT NOT NULL);
