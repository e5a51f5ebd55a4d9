CREATE TABLE views (
    id TEXT PRIMARY KEY, exhibit TEXT NOT NULL, person TEXT NOT NULL, extent TEXT NOT NULL,
    purpose TEXT NOT NULL, viewed_at BIGINT NOT NULL);
CREATE INDEX views_by_exhibit ON views (exhibit);
