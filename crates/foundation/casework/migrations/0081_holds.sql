CREATE TABLE holds (
    id TEXT PRIMARY KEY, subject TEXT NOT NULL, asked_by TEXT NOT NULL, reference TEXT NOT NULL, until BIGINT,
    placed_by TEXT NOT NULL, placed_at BIGINT NOT NULL, released_at BIGINT);
CREATE INDEX holds_by_subject ON holds (subject);
CREATE TABLE hold_releases (
    hold TEXT NOT NULL, person TEXT NOT NULL, because TEXT NOT NULL, given_at BIGINT NOT NULL,
    PRIMARY KEY (hold, person));
CREATE TABLE extensions (
    id TEXT PRIMARY KEY, subject TEXT NOT NULL, until BIGINT NOT NULL, because TEXT NOT NULL, person TEXT NOT NULL,
    given_at BIGINT NOT NULL);
CREATE INDEX extensions_by_subject ON extensions (subject);
