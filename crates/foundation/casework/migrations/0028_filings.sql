CREATE TABLE filings (
    report TEXT PRIMARY KEY, destination TEXT NOT NULL, state TEXT NOT NULL, remote TEXT NOT NULL,
    begun BIGINT NOT NULL, changed_at BIGINT NOT NULL, filed_at BIGINT, receipt TEXT, why TEXT);
