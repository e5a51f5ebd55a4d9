INSERT INTO changes (what, number) VALUES ('alerts', 1);
ALTER TABLE payment_alerts ADD COLUMN seq BIGINT NOT NULL DEFAULT 0;
UPDATE payment_alerts SET seq = o.place FROM (SELECT id AS row, ROW_NUMBER() OVER (ORDER BY made_at, id) AS place FROM payment_alerts) o WHERE o.row = payment_alerts.id;
UPDATE changes SET number = 1 + (SELECT COUNT(*) FROM payment_alerts) WHERE what = 'alerts';
