INSERT INTO findings (id, case_id, subject, evidence, strength, source, seq, state, found_at)
SELECT 'finding-' || moved.id, moved.case_id,
    CASE cases.status WHEN 'cleared' THEN 'finding-' || moved.id ELSE moved.movement_key END, NULL,
    CASE cases.status WHEN 'cleared' THEN '' ELSE 'movement' END, 'chain',
    (SELECT COALESCE(MAX(known.seq), 0) FROM findings known WHERE known.case_id = moved.case_id)
        + ROW_NUMBER() OVER (PARTITION BY moved.case_id ORDER BY moved.found_at, moved.id),
    CASE WHEN moved.undone_at IS NULL AND cases.status <> 'cleared' THEN 'open' ELSE 'withdrawn' END, moved.found_at
FROM chain_movements moved JOIN cases ON cases.id = moved.case_id;
