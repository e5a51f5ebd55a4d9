CREATE TABLE incoming (
    seq BIGINT PRIMARY KEY, format TEXT NOT NULL, came_at BIGINT NOT NULL, grp BIGINT NOT NULL,
    duplicate_of BIGINT, reupload_of BIGINT, at_risk BIGINT NOT NULL, reasons TEXT NOT NULL,
    rests_on TEXT NOT NULL, case_id TEXT NOT NULL, sealed BYTEA NOT NULL);
CREATE INDEX incoming_order ON incoming (at_risk DESC, seq);
CREATE INDEX incoming_by_group ON incoming (grp);
CREATE INDEX incoming_by_case ON incoming (rests_on);
CREATE TABLE incoming_tokens (token BIGINT PRIMARY KEY, seq BIGINT NOT NULL, seen BIGINT NOT NULL);
CREATE TABLE incoming_near (first_seq BIGINT PRIMARY KEY, sealed BYTEA NOT NULL);
