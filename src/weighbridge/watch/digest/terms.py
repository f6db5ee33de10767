"""What a licence tag means for an intended use, as far as our knowledge of terms goes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from weighbridge.inspection.licence.answer.judge import ANSWERS, judge
from weighbridge.inspection.licence.chain.families import family_named, licences_of_tag
from weighbridge.inspection.licence.terms import known, licence_of

if TYPE_CHECKING:
    from weighbridge.inspection.licence.answer.use import IntendedUse

__all__ = ["LicenceTag", "Outcome", "answer_for", "is_laxer_than_base", "licence_tag"]

Outcome = Literal["allowed", "duties", "ask", "excluded", "unknown"]

_OUTCOMES: dict[str, Outcome] = {
    "allowed": "allowed",
    "allowed with duties": "duties",
    "a human must decide": "ask",
    "needs a licence": "excluded",
    "forbidden": "excluded",
}
_FREE = frozenset({"mit", "apache-2.0", "bsd-2-clause", "bsd-3-clause", "isc", "unlicense", "cc0-1.0", "0bsd", "mit-0"})
_UNNAMED = frozenset({"", "other", "unknown"})
_LONGEST = 120


@dataclass(frozen=True, slots=True)
class LicenceTag:
    """A tag as a hub gives it; beside `other` the name says which."""

    tag: str = ""
    name: str = ""

    @property
    def shown(self) -> str:
        """Return the word that says most."""
        return self.name if self.tag in _UNNAMED and self.name else self.tag


def licence_tag(value: Any) -> LicenceTag:
    """Read the tag out of what an event holds: a text, or a table with `licence` and `licence_name`."""
    if isinstance(value, str):
        return LicenceTag(_word(value))
    if isinstance(value, dict):
        return LicenceTag(_word(value.get("licence")), _word(value.get("licence_name")))
    return LicenceTag()


def answer_for(tag: LicenceTag, repository: str, use: IntendedUse | None) -> Outcome:
    """Return what the terms behind a tag say of a use; the worst where the tag can stand for several.

    Where the tag names nothing, the family that the repository's name shows is asked. `unknown` where we know no terms
    or no use: it is then for a person to read.
    """
    ids = _ids(tag, repository)
    if not ids or use is None:
        return "unknown"
    found = [judge(use, one.gates, multimodal=None).answer for one in map(licence_of, ids) if one]
    return _OUTCOMES[max(found, key=ANSWERS.index)]


def is_laxer_than_base(tag: LicenceTag, base: str) -> bool:
    """Tell whether a free licence is claimed over a base that is known, by its name, to carry another."""
    family = family_named(base)
    return tag.tag in _FREE and family is not None and family.licence not in _FREE and family.licence in _terms()


@cache
def _terms() -> frozenset[str]:
    """Return the ids of the licences whose terms ship."""
    return frozenset(known())


def _ids(tag: LicenceTag, repository: str) -> tuple[str, ...]:
    terms = _terms()
    if found := tuple(one for one in licences_of_tag(tag.tag or None, tag.name or None) if one in terms):
        return found
    if slug := next((one for one in (tag.name, tag.tag) if one in terms), ""):
        return (slug,)
    # an unknown name beside `other` may be the family's own licence, but never a free one: that has a tag
    family = family_named(repository) if tag.tag in _UNNAMED else None
    return (family.licence,) if family and family.licence in terms - _FREE else ()


def _word(value: Any) -> str:
    """Return a tag in lower case with `-` for spaces; "" for what is none."""
    if isinstance(value, list):
        value = value[0] if value else ""
    return re.sub(r"[\s_]+", "-", value[:_LONGEST].strip().lower()) if isinstance(value, str) else ""
