CREATE TABLE exports (
    id TEXT PRIMARY KEY, subject TEXT NOT NULL, exhibits TEXT NOT NULL, recipient TEXT NOT NULL, handed_to TEXT NOT NULL,
    purpose TEXT NOT NULL, asked_by TEXT NOT NULL, asked_at BIGINT NOT NULL, written_at BIGINT);
CREATE TABLE export_approvals (
    export TEXT NOT NULL, person TEXT NOT NULL, given_at BIGINT NOT NULL, PRIMARY KEY (export, person));
