CREATE TABLE lists (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, purpose TEXT NOT NULL,
    basis TEXT NOT NULL, action TEXT NOT NULL, created_at BIGINT NOT NULL);
CREATE TABLE list_versions (
    list TEXT NOT NULL REFERENCES lists(id), version TEXT NOT NULL, sequence BIGINT NOT NULL,
    entries BIGINT NOT NULL, problems BIGINT NOT NULL, imported_by TEXT NOT NULL, imported_at BIGINT NOT NULL,
    hits_counted BIGINT NOT NULL, PRIMARY KEY (list, version));
CREATE TABLE list_signatures (
    list TEXT NOT NULL, version TEXT NOT NULL, person TEXT NOT NULL, name TEXT NOT NULL,
    signed_at BIGINT NOT NULL, PRIMARY KEY (list, version, person));
CREATE TABLE list_disputes (
    list TEXT NOT NULL, entry TEXT NOT NULL, disputed_by TEXT NOT NULL, reason TEXT NOT NULL,
    disputed_at BIGINT NOT NULL, lifted_at BIGINT, PRIMARY KEY (list, entry));
