-- One row for entries, one for documents: whoever writes locks it to the end, so numbers come in the order of commits.
CREATE TABLE counters (
    name TEXT NOT NULL PRIMARY KEY,
    n INTEGER NOT NULL
) STRICT;

INSERT INTO counters (name, n) VALUES ('entry', 0), ('document', 0);

-- What was seen on routes, in the order of `n`. `facts` is JSON: no prompt, no answer, no secret. `at`: as in `keys`.
CREATE TABLE entries (
    n INTEGER NOT NULL PRIMARY KEY,
    at REAL NOT NULL,
    route TEXT NOT NULL,
    kind TEXT NOT NULL,
    facts TEXT NOT NULL
) STRICT;

CREATE INDEX entries_by_route ON entries (route, n);

CREATE INDEX entries_by_time ON entries (at);

-- What was concluded from the entries up to number `taken`. `notices` is JSON: what was not delivered yet.
CREATE TABLE documents (
    name TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL,
    taken INTEGER NOT NULL,
    version INTEGER NOT NULL,
    notices TEXT NOT NULL
) STRICT;

CREATE INDEX documents_by_version ON documents (version);
