CREATE TABLE banks (list TEXT PRIMARY KEY, enabled_millionths BIGINT NOT NULL, removed_at BIGINT);
CREATE TABLE bank_contents (
    id BIGINT PRIMARY KEY, list TEXT NOT NULL, disable_until BIGINT NOT NULL,
    note_sealed TEXT, about_sealed TEXT, signals_sealed TEXT, removed_at BIGINT);
