"""Which family each name names, for millions of names: DuckDB finds candidates, the knowledge tables decide."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from weighbridge.adoption.listing.database import literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from weighbridge.adoption.listing.database import Database
    from weighbridge.knowledge.protocol import Known
    from weighbridge.knowledge.tables import Family

__all__ = ["name_families"]

_BATCH = 100_000


def name_families(database: Database, known: Known) -> None:
    """Make `named` (name, family, maker) for the names of `nodes` with `needs_name`, those that name one.

    The answers are those of `known.family_of`. A name that holds just one word, which alone decides, needs no call:
    that word is free of conditions and part of no other, so nothing else of the name can matter.
    """
    columns = ("name VARCHAR", "family VARCHAR", "maker VARCHAR")
    words = sorted({word.strip("^$#") for family in known.families for word in family.pattern.split()}, key=len)
    database.keep("named", columns, [])
    if not words:
        return
    # two words that share letters (`qwenemotron`) are one longer word here, so that neither hides the other
    searched = sorted({*words, *_merged(words)}, key=len, reverse=True)
    pattern = literal("|".join(re.escape(word) for word in searched))
    database.rows(
        f"""CREATE OR REPLACE TEMP TABLE worded AS
        SELECT name, list_distinct(regexp_extract_all(translate(name, '_ ', '--'), {pattern})) AS words
        FROM (SELECT DISTINCT name FROM nodes WHERE needs_name) WHERE len(words) > 0"""  # noqa: S608 - words of ours, escaped
    )
    plain = [(word, family.name, family.maker) for word, family in _plain_words(words, known.families)]
    database.keep("plain", ("word VARCHAR", "family VARCHAR", "maker VARCHAR"), plain)
    database.rows(
        "INSERT INTO named SELECT name, family, maker FROM worded JOIN plain ON words[1] = word WHERE len(words) = 1"
    )
    asked = "SELECT name FROM worded WHERE len(words) > 1 OR words[1] NOT IN (SELECT word FROM plain)"
    doubtful = [str(name) for (name,) in database.rows(asked)]
    for start in range(0, len(doubtful), _BATCH):
        found = ((name, known.family_of(name)) for name in doubtful[start : start + _BATCH])
        records = [(name, family.name, family.maker) for name, family in found if family]
        database.keep("answered", columns, records)
        database.rows("INSERT INTO named SELECT * FROM answered")


def _plain_words(words: Sequence[str], families: Sequence[Family]) -> Iterator[tuple[str, Family]]:
    """Yield the words that decide alone: without conditions, of one family, and neither in another nor holding one."""
    for family in families:
        for word in family.pattern.split() if not family.not_pattern else ():
            is_apart = not any(word in other or other in word for other in words if other != word)
            owners = [one for one in families if word in one.pattern.split()]
            if is_apart and word.strip("^$#") == word and len(owners) == 1:
                yield word, family


def _merged(words: Sequence[str]) -> Iterator[str]:
    """Yield the texts in which the end of one word is the beginning of another."""
    for one in words:
        for other in words:
            for size in range(1, min(len(one), len(other))):
                if one.endswith(other[:size]):
                    yield one + other[size:]
