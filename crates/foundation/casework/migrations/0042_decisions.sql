INSERT INTO changes (what, number) VALUES ('decisions', 1);
ALTER TABLE decisions ADD COLUMN seq BIGINT NOT NULL DEFAULT 0;
UPDATE decisions SET seq = o.place FROM (SELECT id AS row, ROW_NUMBER() OVER (ORDER BY decided_at, id) AS place FROM decisions) o WHERE o.row = decisions.id;
UPDATE changes SET number = 1 + (SELECT COUNT(*) FROM decisions) WHERE what = 'decisions';
CREATE INDEX decisions_by_case ON decisions (case_id, seq);
