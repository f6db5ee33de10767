"""Which family each name names, for millions of names: DuckDB finds candidates, the knowledge tables decide."""

from __future__ import annotations

import re
from collections import Counter
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

    The answers are those of `known.family_of`. It is asked for every name that holds words of families, but for those
    that hold one word once, and one without conditions: for these the word decides. Names are read forwards and
    backwards, so that a word which shares letters with another (`qwenemotron`) hides it from one direction only.
    """
    columns = ("name VARCHAR", "family VARCHAR", "maker VARCHAR")
    database.keep("named", columns, [])
    words = _words(known.families)
    if not words:
        return
    forwards, backwards = (
        literal("|".join(re.escape(word[::step]) for word in sorted(words, key=len, reverse=True))) for step in (1, -1)
    )
    database.rows(
        f"""CREATE OR REPLACE TEMP TABLE worded AS
        SELECT name, words, list_transform(regexp_extract_all(reverse(plain), {backwards}),
            lambda word: reverse(word)) AS again
        FROM (SELECT name, plain, regexp_extract_all(plain, {forwards}) AS words
            FROM (SELECT DISTINCT name, translate(name, '_ ', '--') AS plain FROM nodes WHERE needs_name))
        WHERE len(words) > 0"""  # noqa: S608 - words of ours, escaped
    )
    plain = [(word, family.name, family.maker) for word, family in _plain_words(known.families)]
    database.keep("plain", ("word VARCHAR", "family VARCHAR", "maker VARCHAR"), plain)
    database.rows(
        """INSERT INTO named SELECT name, family, maker FROM worded JOIN plain ON words[1] = word
        WHERE len(words) = 1 AND words = again"""
    )
    asked = "SELECT name FROM worded WHERE len(words) > 1 OR words <> again OR words[1] NOT IN (SELECT word FROM plain)"
    doubtful = [str(name) for (name,) in database.rows(asked)]
    for start in range(0, len(doubtful), _BATCH):
        found = ((name, known.family_of(name)) for name in doubtful[start : start + _BATCH])
        records = [(name, family.name, family.maker) for name, family in found if family]
        database.keep("answered", columns, records)
        database.rows("INSERT INTO named SELECT * FROM answered")


def _words(families: Sequence[Family]) -> set[str]:
    """Return the texts by which families are found or ruled out, without their conditions."""
    patterns = (f"{family.pattern} {family.not_pattern}" for family in families)
    return {word.strip("^$#") for pattern in patterns for word in pattern.split()}


def _plain_words(families: Sequence[Family]) -> Iterator[tuple[str, Family]]:
    """Yield the words that decide alone: of one family, without conditions, and not ruled out by themselves."""
    owners = Counter(word.strip("^$#") for family in families for word in family.pattern.split())
    for family in families:
        rules_out = [word.strip("^$#") for word in family.not_pattern.split()]
        for word in family.pattern.split():
            if word.strip("^$#") == word and owners[word] == 1 and not any(one in word for one in rules_out):
                yield word, family
