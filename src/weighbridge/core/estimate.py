"""Estimates: a measured number never stands without its interval and its count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Estimate"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval [low, high] at `level`, from `n` observations, by `method`.

    `unscored` counts what was asked and could not be marked: it is in no denominator, and is said aloud.
    Unit of the value: a share (0 to 1), a difference of shares (-1 to 1), or seconds, as the body says.
    """

    value: float
    low: float
    high: float
    n: int
    method: str
    level: float = 0.95
    unscored: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the estimate as JSON values."""
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "n": self.n,
            "method": self.method,
            "level": self.level,
            "unscored": self.unscored,
        }
