ALTER TABLE incoming ADD COLUMN understood TEXT NOT NULL DEFAULT 'true';
UPDATE incoming SET understood = 'false' WHERE format = 'unreadable';
