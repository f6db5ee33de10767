"""Which family each name names, for millions of names: DuckDB cuts out what decides, the knowledge tables decide.

`FamilyNames.find` looks at the words of families in a name, at the character on either side of each, and at a size
that follows one, of at most 30 characters. Names that agree in these name the same; millions of names make thousands
of such cores.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from weighbridge.adoption.listing.database import literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.adoption.listing.database import Database
    from weighbridge.knowledge.protocol import Known
    from weighbridge.knowledge.tables import Family

__all__ = ["name_families", "with_cores"]

_BATCH = 100_000
_LONGEST_SIZE = 31  # with the character behind it


def with_cores(source: str, known: Known) -> str:
    """Return SQL of `source` with `core` in the place of `name`: the part that says the family, NULL where no word is.

    It runs from the character before the first word of a family to the last size (`-7b`) behind the last, or to the
    character behind that. Ends are looked for in the name reversed, because words can share letters (`qwenemotron`).
    """
    words = sorted(_words(known.families), key=len, reverse=True)
    if not words:
        return f"SELECT * EXCLUDE (name), NULL::VARCHAR AS core FROM ({source})"  # noqa: S608 - texts of ours
    forwards, backwards = ("|".join(re.escape(word[::step]) for word in words) for step in (1, -1))
    first, last = literal(f"(?s).?(?:{forwards}).*"), literal(f"(?s)(?:{backwards}).*")
    # a select each: DuckDB would work out an expression again wherever it stands
    return f"""SELECT * EXCLUDE (begun, body, rest, size),
        reverse(body) || CASE WHEN size <> '' THEN size ELSE left(rest, 1) END AS core
    FROM (SELECT *, regexp_extract(rest, '(?s)^(?:.*[0-9])?[bm].?') AS size
    FROM (SELECT *, substr(begun, length(body) + 1, {_LONGEST_SIZE}) AS rest
    FROM (SELECT *, regexp_extract(reverse(begun), {last}) AS body
    FROM (SELECT * EXCLUDE (name), nullif(regexp_extract(translate(name, '_ ', '--'), {first}), '') AS begun
    FROM ({source})))))"""  # noqa: S608 - words of ours, escaped


def name_families(database: Database, known: Known) -> None:
    """Make `named` (core, family, maker) for the cores of `nodes`, those that name one, as `known.family_of` says."""
    columns = ("core VARCHAR", "family VARCHAR", "maker VARCHAR")
    database.keep("named", columns, [])
    cores = [str(core) for (core,) in database.rows("SELECT DISTINCT core FROM nodes WHERE core IS NOT NULL")]
    for start in range(0, len(cores), _BATCH):
        found = ((core, known.family_of(core)) for core in cores[start : start + _BATCH])
        database.keep("answered", columns, [(core, one.name, one.maker) for core, one in found if one])
        database.rows("INSERT INTO named SELECT * FROM answered")


def _words(families: Sequence[Family]) -> set[str]:
    """Return the texts by which families are found or ruled out, without their conditions."""
    patterns = (f"{family.pattern} {family.not_pattern}" for family in families)
    return {word.strip("^$#") for pattern in patterns for word in pattern.split()}
