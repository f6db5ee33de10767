"""A quantity of bytes that is known within bounds; both are equal where it is exact."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Span"]


@dataclass(frozen=True, slots=True)
class Span:
    """From `low` to `high` bytes."""

    low: int
    high: int

    @classmethod
    def of(cls, n_bytes: int) -> Span:
        """Return a quantity that is exact."""
        return cls(n_bytes, n_bytes)

    @property
    def is_exact(self) -> bool:
        """Whether both bounds are one number."""
        return self.low == self.high

    def __add__(self, other: Span) -> Span:
        return Span(self.low + other.low, self.high + other.high)

    def scaled(self, low: float, high: float) -> Span:
        """Return the span with each bound multiplied by its own factor."""
        return Span(int(self.low * low), int(self.high * high))
