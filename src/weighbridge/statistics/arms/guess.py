"""A running guess at a rate, made before each block: what the bets of a test rest on, and no verdict does."""

from __future__ import annotations

from dataclasses import dataclass

from weighbridge.statistics.arms.block import inside

__all__ = ["Guess"]

_BAD, _ALL = 0.5, 10.0  # before anything was seen: 5%, worth ten answers
_MOST = 4000.0  # then the past counts half, so that the guess follows a rate that moves


@dataclass(slots=True)
class Guess:
    """Answers seen, and the bad ones of them; both are halved where they grow old."""

    bad: float = 0.0
    n: float = 0.0

    @property
    def rate(self) -> float:
        """The rate to expect, off 0 and 1."""
        return inside((self.bad + _BAD) / (self.n + _ALL))

    def learn(self, bad: float, n: float) -> None:
        """Take in answers."""
        self.bad, self.n = self.bad + bad, self.n + n
        if self.n > _MOST:
            self.bad, self.n = self.bad / 2, self.n / 2
