INSERT INTO findings (id, case_id, subject, evidence, strength, source, seq, state, found_at)
SELECT 'finding-' || alert.id, alert.case_id,
    CASE cases.status WHEN 'cleared' THEN 'finding-' || alert.id ELSE alert.id END, NULL,
    CASE cases.status WHEN 'cleared' THEN '' ELSE alert.scenario END, 'payments',
    (SELECT COALESCE(MAX(known.seq), 0) FROM findings known WHERE known.case_id = alert.case_id)
        + ROW_NUMBER() OVER (PARTITION BY alert.case_id ORDER BY alert.seq),
    CASE cases.status WHEN 'cleared' THEN 'withdrawn' ELSE 'open' END, alert.made_at
FROM payment_alerts alert JOIN cases ON cases.id = alert.case_id;
