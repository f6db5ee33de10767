"""Findings: what a check reports about files."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Confidence", "Finding", "Severity"]


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


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found: the check's id, how bad, how sure, where, and one sentence."""

    check: str
    severity: Severity
    place: str
    message: str
    confidence: Confidence = Confidence.HIGH
