-- One row for entries, one for documents: whoever writes locks it to the end, so numbers come in the order of commits.
CREATE TABLE counters (
    name TEXT NOT NULL PRIMARY KEY,
    n BIGINT NOT NULL
);

INSERT INTO counters (name, n) VALUES ('entry', 0), ('document', 0);

-- What was seen on routes, in the order of `n`. `facts` is JSON: no prompt, no answer, no secret. `at`: as in `keys`.
CREATE TABLE entries (
    n BIGINT NOT NULL PRIMARY KEY,
    at DOUBLE PRECISION NOT NULL,
    route TEXT NOT NULL,
    kind TEXT NOT NULL,
    facts TEXT NOT NULL
);

CREATE INDEX entries_by_route ON entries (route, n);

CREATE INDEX entries_by_time ON entries (at);

-- What was concluded from the entries up to number `taken`. `notices` is JSON: what was not delivered yet.
CREATE TABLE documents (
    name TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL,
    taken BIGINT NOT NULL,
    version BIGINT NOT NULL,
    notices TEXT NOT NULL
);

CREATE INDEX documents_by_version ON documents (version);
