CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT NOT NULL, folded TEXT NOT NULL UNIQUE, added_at BIGINT NOT NULL);
CREATE TABLE people_roles (person TEXT NOT NULL REFERENCES people(id), role TEXT NOT NULL, PRIMARY KEY (person, role));
