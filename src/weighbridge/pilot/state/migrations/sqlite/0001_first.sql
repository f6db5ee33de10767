-- 0x57425049 is "WBPI": how the state of a pilot is told from any other SQLite file.
PRAGMA application_id = 1463963721;

CREATE TABLE facts (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- These rows are locked while money is leased and while notes are handed over.
INSERT INTO facts (name, value) VALUES ('leases', ''), ('notes', '');

-- One row. Nodes look at it each half second to see that keys were changed.
CREATE TABLE key_version (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    n INTEGER NOT NULL
) STRICT;

INSERT INTO key_version (one, n) VALUES (1, 0);

-- `rights` is JSON: tenant, scopes, models, expires_at, limits, budget. Times are seconds since 1970 (UTC).
CREATE TABLE keys (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    parent TEXT NOT NULL,
    rights TEXT NOT NULL,
    created_at REAL NOT NULL,
    revoked_at REAL,
    version INTEGER NOT NULL
) STRICT;

CREATE INDEX keys_by_version ON keys (version);

-- `digest` is HMAC-SHA-256 of the whole key under the server's pepper, in hex. No key is kept anywhere.
CREATE TABLE secrets (
    digest TEXT NOT NULL PRIMARY KEY,
    key_id TEXT NOT NULL REFERENCES keys (id),
    until REAL
) STRICT;

CREATE INDEX secrets_by_key ON secrets (key_id);

-- Changes of keys from outside of a gateway, which alone may write its audit log: it takes them from here into it.
CREATE TABLE notes (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL,
    facts TEXT NOT NULL
) STRICT;

-- What budgets are charged with, in 1e-9 USD: leases to nodes, less what they gave back.
-- `period` is a day (2026-11-22), a month (2026-11) or `total`.
CREATE TABLE charges (
    key_id TEXT NOT NULL,
    period TEXT NOT NULL,
    nano_usd INTEGER NOT NULL,
    PRIMARY KEY (key_id, period)
) STRICT;

-- What was used, as upstreams count it; written behind, so a killed node loses the last second of it.
CREATE TABLE usage (
    day TEXT NOT NULL,
    key_id TEXT NOT NULL,
    route TEXT NOT NULL,
    requests INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    nano_usd INTEGER NOT NULL,
    PRIMARY KEY (day, key_id, route)
) STRICT;
