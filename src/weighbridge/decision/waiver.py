"""Waivers: a dated exception to one rule, signed by a name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Waiver", "waiver_for"]


@dataclass(frozen=True, slots=True)
class Waiver:
    """An exception to the rule `rule`, up to and including `until`, granted by `by`."""

    rule: str
    until: date
    by: str
    because: str
    ticket: str | None = None

    def covers(self, on: date) -> bool:
        """Tell whether the waiver holds on a day; its last day is `until`."""
        return on <= self.until

    @property
    def condition(self) -> str:
        """What the waiver adds to the conditions of a decision."""
        ticket = f" ({self.ticket})" if self.ticket else ""
        return f"Rule `{self.rule}` is waived until {self.until} by {self.by}: {self.because}{ticket}"

    def to_json(self) -> dict[str, Any]:
        """Return the waiver as JSON values."""
        return {
            "rule": self.rule,
            "until": self.until.isoformat(),
            "by": self.by,
            "because": self.because,
            "ticket": self.ticket,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Waiver:
        """Read what `to_json` gave; raises KeyError, TypeError or ValueError where it did not."""
        return cls(**{**value, "until": date.fromisoformat(value["until"])})


def waiver_for(rule: str, waivers: Iterable[Waiver], on: date) -> Waiver | None:
    """Return the waiver of this rule that holds on this day, the longest where there are several, or None."""
    holding = [waiver for waiver in waivers if waiver.rule == rule and waiver.covers(on)]
    return max(holding, key=lambda waiver: (waiver.until, waiver.by, waiver.because), default=None)
