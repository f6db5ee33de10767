CREATE TABLE facts (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- These rows are locked while money is leased and while notes are handed over.
INSERT INTO facts (name, value) VALUES ('leases', ''), ('notes', '');

-- One row. Nodes look at it each half second to see that keys were changed.
CREATE TABLE key_version (
    one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    n BIGINT NOT NULL
);

INSERT INTO key_version (one, n) VALUES (1, 0);

-- `rights` is JSON: tenant, scopes, models, expires_at, limits, budget. Times are seconds since 1970 (UTC).
CREATE TABLE keys (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    parent TEXT NOT NULL,
    rights TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    revoked_at DOUBLE PRECISION,
    version BIGINT NOT NULL
);

CREATE INDEX keys_by_version ON keys (version);

-- `digest` is HMAC-SHA-256 of the whole key under the server's pepper, in hex. No key is kept anywhere.
CREATE TABLE secrets (
    digest TEXT NOT NULL PRIMARY KEY,
    key_id TEXT NOT NULL REFERENCES keys (id),
    until DOUBLE PRECISION
);

CREATE INDEX secrets_by_key ON secrets (key_id);

-- Changes of keys from outside of a gateway, which alone may write its audit log: it takes them from here into it.
CREATE TABLE notes (
    n BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event TEXT NOT NULL,
    facts TEXT NOT NULL
);

-- What budgets are charged with, in 1e-9 USD: leases to nodes, less what they gave back.
-- `period` is a day (2026-11-22), a month (2026-11) or `total`.
CREATE TABLE charges (
    key_id TEXT NOT NULL,
    period TEXT NOT NULL,
    nano_usd BIGINT NOT NULL,
    PRIMARY KEY (key_id, period)
);

-- What was used, as upstreams count it; written behind, so a killed node loses the last second of it.
CREATE TABLE usage (
    day TEXT NOT NULL,
    key_id TEXT NOT NULL,
    route TEXT NOT NULL,
    requests BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    nano_usd BIGINT NOT NULL,
    PRIMARY KEY (day, key_id, route)
);
