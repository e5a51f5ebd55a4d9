CREATE TABLE routes (
    id TEXT PRIMARY KEY, destination TEXT NOT NULL, provider_country TEXT NOT NULL, user_country TEXT NOT NULL,
    service TEXT NOT NULL, surface TEXT NOT NULL, from_day TEXT NOT NULL, until_day TEXT NOT NULL,
    unless_destination TEXT NOT NULL, basis TEXT NOT NULL, recorded_by TEXT NOT NULL, recorded_at BIGINT NOT NULL);
