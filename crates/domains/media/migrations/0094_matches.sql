CREATE INDEX media_matches_by_entry ON media_matches (list_id, entry);
