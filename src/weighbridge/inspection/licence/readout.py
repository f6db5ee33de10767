"""Read the few terms out of a text that can be quoted safely: no commerce, thresholds with amounts, territories.

Used where a text is not known, or where it changes the clause that the base knows. What is read is a quotation and a
hint for a human; a text in which nothing is found says nothing by that.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from weighbridge.core.kinds.licence import TermBody

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["plain_letters", "read_out", "sentences"]

_MOST_CHARACTERS = 400_000
_LONGEST = 1200  # of a sentence; a longer one is no clause that can be quoted
_READ = "read from the text itself, not from a known licence"
_ITEM = re.compile(r"\s*(?:\(?[a-zA-Z0-9]{1,4}(?:\.\d+)*[.)、]|[-*•●#]+\s|第.{1,3}[条部章])")
_END = re.compile(r"(?<=[.;:!?])[\"\u201d\u2019)]?\s+(?=[\"\u201c(A-Z0-9])|(?<=[。\uff1b\uff01\uff1f])")
_NUMBER = r"(?:(?:US)?\$\s?|USD\s?\$?|€|EUR\s?)?\d[\d,.]*\s*(?:thousand|million|billion|万|亿)?"
_USERS = re.compile(rf"({_NUMBER})\s*(?:or more\s+)?(monthly|daily)\s+active\s+users", re.IGNORECASE)
_USERS_ZH = re.compile(rf"(?:(月活|日活|日均).{{0,20}}?)({_NUMBER})")
_MONEY = re.compile(
    rf"((?:US\$|\$|USD|€|EUR)\s?\$?\d[\d,.]*\s*(?:thousand|million|billion)?|{_NUMBER}\s*(?:US\s+)?dollars)",
    re.IGNORECASE,
)
_NO_COMMERCE = re.compile(
    r"(?:solely|only|exclusively|limited to|strictly)\W(?:\w+\W+){0,4}non-?commercial"
    r"|non-?commercial(?:\W+\w+){0,4}\W+(?:purposes?|uses?)\W+only"
    r"|commercial\s+(?:use|purposes?|exploitation)(?:\W+\w+){0,9}?\W+(?:is|are)\s+(?:strictly\s+|expressly\s+)?"
    r"(?:prohibited|forbidden|not\s+(?:permitted|allowed|licensed|granted))"
    r"|(?:may|must|shall|will)\s+not(?:\W+\w+){0,12}?\W+for\s+(?:any\s+)?commercial\s+(?:use|purposes?|advantage)"
    r"|不[得可].{0,20}(?:任何)?商业(?:目的|用途)|(?:仅|只).{0,12}非商业",
    re.IGNORECASE,
)
_TERRITORY = re.compile(
    r"(?:not\s+(?:apply|granted|licensed|available|extend)|exclud\w*|except|outside)(?:\W+\w+){0,14}?\W+"
    r"(?:European Union|EU|EEA|United Kingdom|UK|South Korea|China|United States|Russia|Territory)\b",
    re.IGNORECASE,
)
_LAW = re.compile(r"govern(?:ed|ing)\b.{0,80}?\blaws? of (?:the )?([A-Z][^,.;]{3,60})", re.IGNORECASE | re.DOTALL)
_LETTERS = re.compile(r"[\W_]+")


def read_out(text: str) -> dict[str, TermBody]:
    """Return the terms that the words of a text state outright, each with its quotation; never raises."""
    found: dict[str, TermBody] = {}
    for sentence in sentences(text):
        for column, value in _terms(sentence):
            before = found.get(column)
            if before is None:
                found[column] = TermBody(value=value, quotes=[sentence], reason=_READ)
            elif sentence not in before.quotes and before.value != value:
                found[column] = TermBody(
                    value=f"{before.value}; {value}", quotes=[*before.quotes, sentence], reason=_READ
                )
    return found


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text, white space joined; a list item begins a new one."""
    block: list[str] = []
    for line in [*text[:_MOST_CHARACTERS].splitlines(), ""]:
        if not line.strip() or _ITEM.match(line):
            yield from _split(" ".join(block))
            block = []
        if line.strip():
            block.append(line.strip())
    yield from _split(" ".join(block))


def plain_letters(text: str) -> str:
    """Return letters and digits alone, in lower case: what is left when wrapping, quotes and mark-up are taken off."""
    return _LETTERS.sub("", text.casefold())


def _split(block: str) -> Iterator[str]:
    yield from (" ".join(part.split()) for part in _END.split(block) if part.strip())


def _terms(sentence: str) -> Iterator[tuple[str, str]]:
    """Yield what one sentence states."""
    if len(sentence) > _LONGEST:
        return
    if _NO_COMMERCE.search(sentence):
        yield "commercial_use", "no"
    if match := _USERS.search(sentence):
        yield "mau_threshold", f"{' '.join(match[1].split())} {match[2].lower()} active users"
    elif match := _USERS_ZH.search(sentence):
        yield "mau_threshold", f"{match[2].strip()} {'monthly' if match[1] == '月活' else 'daily'} active users"
    if re.search(r"revenue|turnover|营收|收入", sentence, re.IGNORECASE):
        for match in _MONEY.finditer(sentence):
            yield "revenue_threshold", f"{' '.join(match[1].split())} revenue"
    if _TERRITORY.search(sentence):
        yield "territory_limits", sentence
    if match := _LAW.search(sentence):
        yield "governing_law", match[1].strip()
