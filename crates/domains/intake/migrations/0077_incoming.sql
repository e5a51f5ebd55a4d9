ALTER TABLE incoming ADD COLUMN worded BIGINT NOT NULL DEFAULT -5000;
DROP INDEX incoming_order;
CREATE INDEX incoming_order ON incoming (at_risk DESC, worded DESC, seq);
