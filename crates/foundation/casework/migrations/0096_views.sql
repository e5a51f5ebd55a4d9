CREATE INDEX views_by_person ON views (person, viewed_at);
