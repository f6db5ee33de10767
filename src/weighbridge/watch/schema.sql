-- `watch.sqlite` of a workspace: what is followed, how it stood when it was last looked at, and what happened.
CREATE TABLE subscriptions (
    reference TEXT NOT NULL PRIMARY KEY,
    follows TEXT NOT NULL,           -- the reference that is asked for: another one after a rename
    added_at TEXT NOT NULL
) STRICT;

CREATE TABLE shelves (               -- one for each part of a publisher's shelf that somebody follows
    name TEXT NOT NULL PRIMARY KEY,  -- `hf:Qwen`, `hf:Qwen/Qwen3-8B`, `family:Qwen hf:Qwen`
    looked_at TEXT NOT NULL,         -- the end of the last look that missed nothing
    began_whole INTEGER NOT NULL     -- whether the first listing was complete: what comes later is then new
) STRICT;

CREATE TABLE snapshots (             -- one for each repository: the last look that was complete
    subject TEXT NOT NULL PRIMARY KEY,
    hub_id TEXT NOT NULL,
    is_gone INTEGER NOT NULL,
    entry TEXT NOT NULL,             -- JSON
    files BLOB                       -- zlib of JSON; NULL where the files were never read
) STRICT;
CREATE INDEX snapshots_by_hub_id ON snapshots (hub_id);

CREATE TABLE rounds (
    number INTEGER NOT NULL PRIMARY KEY,
    began_at TEXT NOT NULL,
    ended_at TEXT                    -- NULL while something of the round is still to be looked at
) STRICT;

CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    round INTEGER NOT NULL,
    place INTEGER NOT NULL,          -- of the kind, among the events of one repository and round
    id TEXT NOT NULL,
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    body TEXT NOT NULL               -- JSON
) STRICT;
CREATE INDEX events_by_id ON events (id);
CREATE INDEX events_by_subject ON events (subject);
CREATE TRIGGER events_are_kept BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_do_not_change BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
