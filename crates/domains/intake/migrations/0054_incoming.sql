INSERT INTO findings (id, case_id, subject, evidence, strength, source, seq, state, found_at)
SELECT 'finding-' || came.case_id || '-' || came.seq, came.case_id, 'in-' || came.seq, NULL, 'report', 'intake',
    (SELECT COALESCE(MAX(known.seq), 0) FROM findings known WHERE known.case_id = came.case_id)
        + ROW_NUMBER() OVER (PARTITION BY came.case_id ORDER BY came.seq),
    CASE cases.status WHEN 'cleared' THEN 'withdrawn' ELSE 'open' END, came.came_at
FROM incoming came JOIN cases ON cases.id = came.case_id;
