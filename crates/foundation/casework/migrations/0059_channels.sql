CREATE TABLE channel_addresses (
    destination TEXT NOT NULL, address_key TEXT NOT NULL, sealed TEXT NOT NULL, officer TEXT, production BIGINT NOT NULL,
    changed_at BIGINT NOT NULL, PRIMARY KEY (destination, address_key));
