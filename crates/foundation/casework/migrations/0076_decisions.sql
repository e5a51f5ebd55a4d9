-- The decision that a decision was carried over from; empty if a person made it for its own case.
ALTER TABLE decisions ADD COLUMN rests_on TEXT NOT NULL DEFAULT '';
CREATE INDEX decisions_resting ON decisions (rests_on) WHERE rests_on <> '';
