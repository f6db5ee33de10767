"""How often and how long a hub is waited for."""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["LONGEST_S", "Patience", "Trouble"]

LONGEST_S = 60.0  # what a hub may ask for and still be waited for

_SILENT_TRIES = 2
_SPENT = re.compile(r";\s*r=0\s*;\s*t=(\d{1,9})\b")  # nothing left, for so many seconds


@dataclass(slots=True)
class Trouble:
    """What went wrong with one attempt, and how long the hub asks to be left alone (seconds, None for "no word")."""

    said: str = ""
    wait_s: float | None = None
    is_silence: bool = False

    def fail(self, said: str, *, asked: str = "", limit: str = "", is_silence: bool = False) -> None:
        """Note a failure; `asked` is a Retry-After header, `limit` a RateLimit header (`"api";r=0;t=42`).

        `is_silence` says that nobody was there to answer: that is tried once more, not five times.
        """
        self.said, self.is_silence = said, is_silence
        self.wait_s = _retry_after_s(asked) if asked else None
        if self.wait_s is None and (found := _SPENT.search(limit)):
            self.wait_s = float(found[1])


@dataclass(slots=True)
class Patience:
    """At most `tries` attempts, pausing between them for what the hub asks, or 0.5, 1, 2 ... seconds.

    A hub that asks for more than `longest_s` is not waited for. `sleep` can be replaced in tests.
    """

    tries: int = 5
    first_s: float = 0.5
    longest_s: float = LONGEST_S
    sleep: Callable[[float], object] = field(default=time.sleep, repr=False)

    def attempts(self) -> Iterator[Trouble]:
        """Yield attempts until there is no more point; the caller breaks off where one succeeds."""
        for number in range(self.tries):
            trouble = Trouble()
            yield trouble
            wait_s = self._own_wait_s(number) if trouble.wait_s is None else trouble.wait_s
            tries = min(self.tries, _SILENT_TRIES) if trouble.is_silence else self.tries
            if number + 1 >= tries or wait_s > self.longest_s:
                return
            self.sleep(wait_s)

    def pause(self, number: int) -> None:
        """Pause after attempt `number`, counted from 0, of something else than a call."""
        self.sleep(self._own_wait_s(number))

    def _own_wait_s(self, number: int) -> float:
        return self.first_s * float(2**number)


def _retry_after_s(header: str) -> float | None:
    """Return the seconds that a Retry-After header asks for (RFC 9110 10.2.3: seconds or a date), or None."""
    try:
        seconds = float(header)
    except ValueError:
        try:
            moment = parsedate_to_datetime(header)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            seconds = (moment - datetime.now(UTC)).total_seconds()
        except (ValueError, OverflowError, TypeError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
