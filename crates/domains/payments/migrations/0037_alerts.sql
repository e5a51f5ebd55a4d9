CREATE TABLE payment_alerts (
    id TEXT PRIMARY KEY, case_id TEXT NOT NULL, party_key TEXT NOT NULL, side TEXT NOT NULL,
    role TEXT NOT NULL, scenario TEXT NOT NULL, score BIGINT NOT NULL, state TEXT NOT NULL,
    detail_sealed TEXT NOT NULL, first_at BIGINT NOT NULL, last_at BIGINT NOT NULL,
    made_at BIGINT NOT NULL, changed_at BIGINT NOT NULL);
CREATE INDEX payment_alerts_by_party ON payment_alerts (party_key, side, made_at);
CREATE INDEX payment_alerts_by_case ON payment_alerts (case_id);
CREATE TABLE payment_holds (
    id TEXT PRIMARY KEY, tx_key TEXT NOT NULL UNIQUE, tx_sealed TEXT NOT NULL, case_id TEXT NOT NULL,
    state TEXT NOT NULL, until_at BIGINT NOT NULL, person TEXT, made_at BIGINT NOT NULL, changed_at BIGINT NOT NULL);
