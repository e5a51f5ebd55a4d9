CREATE TABLE exchanges (
    report TEXT NOT NULL, seq BIGINT NOT NULL, exhibit TEXT NOT NULL, sha256 TEXT NOT NULL, happened_at BIGINT NOT NULL,
    PRIMARY KEY (report, seq));
