-- Digests of files whose bytes are not kept, sealed.
ALTER TABLE found_files ADD COLUMN digests_sealed TEXT;
