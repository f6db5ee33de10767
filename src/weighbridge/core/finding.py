"""Findings: what a check reports about files, and which files it read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Confidence", "Effect", "Finding", "Looked", "Severity"]


class Severity(StrEnum):
    """How bad it is if the finding is true."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Confidence(StrEnum):
    """How sure the check is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Effect(StrEnum):
    """What loading the file does if the finding is true, the worst first."""

    RUNS_CODE = "runs-code"
    ASKS_TRUST = "asks-trust"
    BREAKS_FORMAT = "breaks-format"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found: the check's id, how bad, how sure, where, and one sentence.

    `effect` says what it means for loading the file at `place`; None where it does not bear on that.
    """

    check: str
    severity: Severity
    place: str
    message: str
    confidence: Confidence = Confidence.HIGH
    effect: Effect | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """A check yields this beside its findings, once for each file that it could read to the end.

    `settles` says that this check reads all of the format that decides what loading does: where no check that settles
    has looked, a file without findings is "unknown". A check that reads one aspect only (a template in a file that
    another check settles) leaves it False.
    """

    check: str
    place: str
    settles: bool = True
