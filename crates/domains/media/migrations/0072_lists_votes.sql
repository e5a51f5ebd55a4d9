-- What the owner of a list is to hear of an entry: proposed by one person, approved by another.
CREATE TABLE list_votes (
    list TEXT NOT NULL, entry TEXT NOT NULL, reason TEXT NOT NULL, proposed_by TEXT NOT NULL, proposed_at BIGINT NOT NULL,
    approved_by TEXT NOT NULL DEFAULT '', approved_at BIGINT, PRIMARY KEY (list, entry));
