-- 0x57425247 is "WBRG": how a Weighbridge store is told from any other SQLite file.
PRAGMA application_id = 1463964231;

-- `statement` is the canonical JSON (RFC 8785) of the whole statement: its SHA-256 is `id`.
-- `chain` is SHA-256 over the chain of the record before (nothing for the first) followed by `id`, both as text.
-- AUTOINCREMENT keeps the highest number ever given, so a cut tail shows.
CREATE TABLE evidence (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    recipe TEXT NOT NULL,
    made_on TEXT NOT NULL,
    statement TEXT NOT NULL,
    chain TEXT NOT NULL
) STRICT;

CREATE INDEX evidence_by_recipe ON evidence (recipe, n);
CREATE INDEX evidence_by_subject ON evidence (subject, kind, n);
CREATE INDEX evidence_by_kind ON evidence (kind, n);

-- Bodies are appended in a rowid table; only the small index on `recipe` is written at random places.
CREATE TABLE completions (
    recipe TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;

CREATE TRIGGER evidence_is_never_changed BEFORE UPDATE ON evidence
BEGIN
    SELECT RAISE(ABORT, 'evidence is append-only');
END;

CREATE TRIGGER evidence_is_never_deleted BEFORE DELETE ON evidence
BEGIN
    SELECT RAISE(ABORT, 'evidence is append-only');
END;

-- INSERT OR REPLACE deletes without asking the trigger above.
CREATE TRIGGER evidence_is_never_replaced BEFORE INSERT ON evidence
WHEN NEW.n <> (SELECT coalesce(max(n), 0) + 1 FROM evidence) OR EXISTS (SELECT 1 FROM evidence WHERE id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'evidence is append-only');
END;

CREATE TRIGGER completions_are_never_changed BEFORE UPDATE ON completions
BEGIN
    SELECT RAISE(ABORT, 'completions are append-only');
END;

CREATE TRIGGER completions_are_never_deleted BEFORE DELETE ON completions
BEGIN
    SELECT RAISE(ABORT, 'completions are append-only');
END;

-- The first completion kept under a recipe stays, whatever the statement says about conflicts.
CREATE TRIGGER completions_are_never_replaced BEFORE INSERT ON completions
WHEN EXISTS (SELECT 1 FROM completions WHERE recipe = NEW.recipe)
BEGIN
    SELECT RAISE(IGNORE);
END;
