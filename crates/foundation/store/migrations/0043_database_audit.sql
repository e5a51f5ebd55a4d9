INSERT INTO changes (what, number) VALUES ('audit', 1);
ALTER TABLE audit ADD COLUMN seq BIGINT NOT NULL DEFAULT 0;
UPDATE audit SET seq = o.place FROM (SELECT id AS row, ROW_NUMBER() OVER (ORDER BY at, id) AS place FROM audit) o WHERE o.row = audit.id;
UPDATE changes SET number = 1 + (SELECT COUNT(*) FROM audit) WHERE what = 'audit';
CREATE INDEX audit_by_seq ON audit (seq);
