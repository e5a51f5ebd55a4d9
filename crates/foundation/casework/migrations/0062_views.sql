CREATE TABLE exhibit_keys (bytes_key TEXT NOT NULL, exhibit TEXT NOT NULL, PRIMARY KEY (bytes_key, exhibit));
CREATE INDEX exhibit_keys_by_exhibit ON exhibit_keys (exhibit);
