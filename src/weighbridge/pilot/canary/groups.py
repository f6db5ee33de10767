"""Of how many callers exchanges come: what groups of callers may differ by although the models are alike.

Callers, not requests, are dealt out to the two models. Where callers differ in what they ask, the rates of two groups
differ by more than their requests alone would say, and by the more, the fewer callers there are and the more a few of
them ask. For a rollback that difference is held in favour of the candidate, as a slack, since it lasts however long one
looks; for an advance exchanges count for so many fewer, as a design effect.
"""

from __future__ import annotations

import base64
import hashlib
import math
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.pilot.canary.lane import Arm

__all__ = ["LEAST_CALLERS", "Groups"]

LEAST_CALLERS = 20
"""Of each model: what fewer show, they show of themselves."""

_RESEMBLANCE = 0.1  # assumed correlation of two answers to one caller; trials with clusters mostly find less
_MOST_RESEMBLANCE = 0.2
_DEVIATIONS = 2.5  # that groups of callers may differ by: 0.6% of all dealings go beyond, on one side
_PLACES = 512  # the sum of squares is known within 6% (standard error sqrt(2 / places))
_WIDTHS = "bhiq"  # of a number as `struct` names them: 1, 2, 4 or 8 bytes
_ARMS: tuple[Arm, Arm] = ("primary", "canary")


class Groups:
    """Exchanges of each arm, and the sum of the squares of how many each caller has, by a sketch of fixed size.

    The sketch is that of Charikar, Chen and Farach-Colton (2002): a hash gives a caller a place and a sign, and the sum
    of the squared places is, in the mean, the sum of the callers' squares. Callers that share a place cancel out.
    """

    def __init__(self) -> None:
        self.counts: dict[Arm, int] = {"primary": 0, "canary": 0}
        self._alone: dict[Arm, int] = {"primary": 0, "canary": 0}
        self._squares: dict[Arm, int] = {"primary": 0, "canary": 0}  # of the places, kept as they change
        self._places: dict[Arm, list[int]] = {"primary": [0] * _PLACES, "canary": [0] * _PLACES}

    def add(self, arm: Arm, user: str) -> None:
        """Take an exchange; one of nobody is that of a caller by itself."""
        self.counts[arm] += 1
        if not user:
            self._alone[arm] += 1
            return
        number = int.from_bytes(hashlib.blake2b(user.encode(), digest_size=8, person=b"groups").digest())
        place, sign = (number >> 1) % _PLACES, 1 if number & 1 else -1
        self._squares[arm] += 2 * sign * self._places[arm][place] + 1
        self._places[arm][place] += sign

    @property
    def ratio(self) -> float:
        """How many exchanges of the primary come with one of the candidate."""
        return self.counts["primary"] / self.counts["canary"] if self.counts["canary"] else 1.0

    def effective(self, arm: Arm) -> float:
        """Return how many callers with equally many exchanges would differ as much: n^2 / the sum of squares."""
        n = self.counts[arm]
        return n * n / max(n, self._alone[arm] + self._squares[arm]) if n else 0.0

    def slack(self, rate: float) -> float:
        """Return by how much the rates of the two groups may differ where the models are alike.

        2.5 standard errors of the difference of two groups, the part of it that independent exchanges would not have:
        the variance within an arm is rate (1 - rate) (1 + resemblance (m - 1)) / n, m being the sum of squares / n
        (Donner and Klar, Design and Analysis of Cluster Randomization Trials, 2000). None where no caller comes twice.
        """
        excess = (1 / self.effective(arm) - 1 / self.counts[arm] for arm in _ARMS if self.counts[arm])
        return min(0.9, _DEVIATIONS * math.sqrt(_RESEMBLANCE * rate * (1 - rate) * max(0.0, sum(excess))))

    def effect(self) -> float:
        """Return the design effect: how many times the variance of the difference is that of independent exchanges.

        Within an arm it is 1 + resemblance x (m - 1), m being the sum of squares / n: as many as the caller of an
        exchange has in the mean (Kish, 1965). The resemblance is taken to be 0.2 here: an advance is to be right where
        callers differ more than they mostly do, too.
        """
        sizes = [(max(1, self.counts[arm]), max(1.0, self.effective(arm))) for arm in _ARMS]
        within = [(1 + _MOST_RESEMBLANCE * (n / callers - 1), n) for n, callers in sizes]
        return max(1.0, sum(effect / n for effect, n in within) / sum(1 / n for _, n in within))

    @staticmethod
    def needed(independent: int) -> int:
        """Return about how many callers it takes where so many independent exchanges would do.

        However many exchanges they have, callers never tell more than callers / resemblance independent ones; with
        twice as many callers it takes 1.6 times the exchanges.
        """
        return max(LEAST_CALLERS, math.ceil(2 * _MOST_RESEMBLANCE * independent))

    def state(self) -> dict[str, Any]:
        """Return everything as JSON values, for `restore`: about 1.5 kB."""
        places = {arm: _packed(self._places[arm]) if self._squares[arm] else "" for arm in _ARMS}
        return {
            "counts": dict(self.counts),
            "alone": dict(self._alone),
            "squares": dict(self._squares),
            "places": places,
        }

    def restore(self, state: Mapping[str, Any]) -> Groups:
        """Take over what `state` described, and return itself; raises KeyError, TypeError or ValueError."""
        self.counts, self._alone, self._squares = (dict(state[name]) for name in ("counts", "alone", "squares"))
        for arm in _ARMS:
            text = state["places"][arm]
            self._places[arm] = _unpacked(text) if text else [0] * _PLACES
        return self


def _packed(numbers: list[int]) -> str:
    """Write a sketch: the width of its numbers, and the numbers in base64; as digits they were most of a document."""
    longest = max(map(abs, numbers)).bit_length()
    width = next(width for width in _WIDTHS if longest < 8 * struct.calcsize(f"<{width}"))
    return width + base64.b64encode(struct.pack(f"<{_PLACES}{width}", *numbers)).decode()


def _unpacked(text: str) -> list[int]:
    """Read what `_packed` wrote; raises ValueError."""
    data = base64.b64decode(text[1:], validate=True)
    if text[0] not in _WIDTHS or len(data) != struct.calcsize(f"<{_PLACES}{text[0]}"):
        raise ValueError("this is no sketch of callers")
    return list(struct.unpack(f"<{_PLACES}{text[0]}", data))
