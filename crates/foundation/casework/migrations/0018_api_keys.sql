ALTER TABLE api_keys ADD COLUMN surface TEXT;
