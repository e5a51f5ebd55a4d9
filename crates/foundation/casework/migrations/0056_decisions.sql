ALTER TABLE decisions ADD COLUMN file_categories TEXT NOT NULL DEFAULT '';
