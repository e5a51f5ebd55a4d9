-- The bytes of a list version's sealed file, for checks without the keys. A table of its own: a column more in
-- list_versions would change rows that the vault's log has leaves of.
CREATE TABLE list_files (
    list TEXT NOT NULL, version TEXT NOT NULL, sealed_sha256 TEXT NOT NULL, PRIMARY KEY (list, version));
