"""Records: the nouns that a dossier is arranged from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from weighbridge.core.digest import short

if TYPE_CHECKING:
    from weighbridge.core.evidence import Evidence
    from weighbridge.core.kinds import Body, EstimateBody, ItemBody

__all__ = ["BodyT", "Demand", "Flip", "Measured", "Record", "Source", "Tally", "anchor_of"]

BodyT = TypeVar("BodyT", bound="Body")


@dataclass(frozen=True, slots=True)
class Record(Generic[BodyT]):
    """One statement with its body read by its kind, and the anchor where the dossier shows it."""

    id: str
    anchor: str
    evidence: Evidence
    body: BodyT


@dataclass(frozen=True, slots=True)
class Tally:
    """How the rules came out, as the decision itself counts; a waived rule is neither not met nor unknown."""

    met: int
    not_met: int
    unknown: int
    waived: int

    @property
    def total(self) -> int:
        """Number of rules."""
        return self.met + self.not_met + self.unknown + self.waived


@dataclass(frozen=True, slots=True)
class Measured:
    """One share of the dossier: its record, the field it stands in, and the title of the measurement."""

    record: Record[Any]
    measure: str
    title: str
    chance: float | None

    @property
    def estimate(self) -> EstimateBody | None:
        """What was measured; None where too few answers could be marked."""
        found: EstimateBody | None = getattr(self.record.body, self.measure)
        return found


@dataclass(frozen=True, slots=True)
class Demand:
    """A bound that a rule sets on a measure; `operator` is `at-least` or `at-most`."""

    operator: str
    threshold: float


@dataclass(frozen=True, slots=True)
class Flip:
    """A question that only one of two models gets right; an item is None where its answers are not at hand."""

    item_id: str
    candidate: ItemBody | None
    baseline: ItemBody | None


@dataclass(frozen=True, slots=True)
class Source:
    """One statement of the dossier's list of evidence; `evidence` is None where it is cited and not at hand."""

    id: str
    anchor: str
    evidence: Evidence | None
    cited: bool
    shown: bool


def anchor_of(digest: str, prefix: str = "e") -> str:
    """Return the id of a place in a page, made from a digest; nothing else can get into it."""
    return f"{prefix}-{re.sub('[^0-9a-z]', '', short(digest))}"
