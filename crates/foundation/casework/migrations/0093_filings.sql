CREATE INDEX filings_by_state ON filings (state, changed_at);
