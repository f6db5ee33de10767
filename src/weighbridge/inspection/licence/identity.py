"""What a reader of a licence text may say of it: the verdict, the name it may be filed under, and every difference."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Difference", "DifferenceKind", "Identity", "Part", "Verdict"]


class Verdict(StrEnum):
    """How a text stands to the licences that the base knows.

    IS          the very text of `licence_id`; what differs does not touch the terms
    REVISION    the same terms as `licence_id` under another date or as a recorded revision: `revision` says which
    ALTERED     built from `nearest`, with at least one material difference: never to be filed as `nearest`
    TRUNCATED   the beginning (or end) of a known text: the rest is missing
    RIDER       a known text in full, and more words before or after it
    SEVERAL     more than one known text in one file: see `parts`
    POINTER     no licence text, but words or an address that point to one
    UNKNOWN     nothing that may be named; `nearest` is a hint for a human, or None
    """

    IS = "is"
    REVISION = "revision"
    ALTERED = "altered"
    TRUNCATED = "truncated"
    RIDER = "rider"
    SEVERAL = "several"
    POINTER = "pointer"
    UNKNOWN = "unknown"


class DifferenceKind(StrEnum):
    """What a difference is about; the first group touches no term, the second always does."""

    SURROUNDING = "surrounding"  # headings, navigation, a title line: words around the text that bind nobody
    HEADING = "heading"
    NUMBERING = "numbering"
    COPYRIGHT = "copyright"
    DATE = "date"
    NAME = "name"  # of a product, company, person; an address
    SPELLING = "spelling"  # slips of the pen or of character recognition that make no other word
    WORDING = "wording"  # articles and the like

    NUMBER = "number"
    TERRITORY = "territory"
    NEGATION = "negation"
    MODAL = "modal"  # must, may, shall ...
    COMMERCIAL = "commercial"
    TITLE = "title"  # the licence's own name or version
    CHANGED = "changed"
    ADDED = "added"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where a text and its reference part.

    `text` and `reference` quote the words of either side, as written ("" where a side has none; long passages keep
    their beginning and end with " [...] " between). `place` is the line in the text read, from 1.
    """

    kind: DifferenceKind
    text: str
    reference: str
    is_material: bool
    place: int


@dataclass(frozen=True, slots=True)
class Part:
    """One licence among several in a file: its name, and the lines (from 1, both inclusive) that it fills."""

    verdict: Verdict
    licence_id: str | None
    nearest: str | None
    first_line: int
    last_line: int
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Identity:
    """What a licence text is.

    `licence_id` is the name that the text may be filed under; None whenever filing it so could mislead (altered, an
    added restriction, several licences, a pointer to more than one, unknown). A truncated text and one with an added
    disclaimer keep their name: read the verdict with it. `nearest` is the reference that it was compared with.
    `found` is the share (0 to 1) of the reference's words that the text holds in order, `explained` the share of the
    text's words that the reference holds.
    """

    verdict: Verdict
    licence_id: str | None = None
    revision: str | None = None
    nearest: str | None = None
    found: float = 0.0
    explained: float = 0.0
    differences: tuple[Difference, ...] = ()
    parts: tuple[Part, ...] = ()

    @property
    def material(self) -> tuple[Difference, ...]:
        """The differences that touch a term."""
        return tuple(difference for difference in self.differences if difference.is_material)
