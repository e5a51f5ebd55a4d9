CREATE TABLE exposure_cap (cap TEXT PRIMARY KEY, looks BIGINT NOT NULL);
CREATE TABLE exposure_lifts (
    id TEXT PRIMARY KEY, person TEXT NOT NULL, day BIGINT NOT NULL, more BIGINT NOT NULL,
    lifted_by TEXT NOT NULL, lifted_at BIGINT NOT NULL);
CREATE INDEX exposure_lifts_by_day ON exposure_lifts (person, day);
