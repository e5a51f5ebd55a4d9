CREATE TABLE chain_watches (
    id TEXT PRIMARY KEY, case_id TEXT NOT NULL, network TEXT NOT NULL, address_key TEXT NOT NULL,
    address_sealed TEXT NOT NULL, person TEXT NOT NULL, recorded_at BIGINT NOT NULL,
    UNIQUE (case_id, network, address_key));
CREATE TABLE chain_movements (
    id TEXT PRIMARY KEY, case_id TEXT NOT NULL, movement_key TEXT NOT NULL UNIQUE,
    movement_sealed TEXT NOT NULL, found_at BIGINT NOT NULL);
CREATE INDEX chain_movements_by_case ON chain_movements (case_id, found_at);
