"""How the hub of `hub_server` fails: as a test says, or at random by a seed."""

from __future__ import annotations

import random
import re
import threading
from dataclasses import dataclass, field

__all__ = ["KINDS", "Fault", "RandomFaults"]

_OK, _GATE_FAILED = 200, (500, 502, 503, 504)
KINDS = ("429", "5xx", "reset", "truncated", "html", "slow")


@dataclass(slots=True)
class Fault:
    """What answers instead, `times` times, where `match` is found in `METHOD /path?query`; a status of 0 hangs up.

    Without a body the status alone is answered; `flip` changes one byte of the right answer's body, `cut` its length,
    and `slow_s` keeps it back for so many seconds.
    """

    match: str
    status: int = _OK
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    times: int = 1_000_000
    flip: bool = False
    cut: bool = False
    slow_s: float = 0.0

    @property
    def is_answered(self) -> bool:
        """Whether the right answer comes, if damaged or late."""
        return self.flip or self.cut or self.slow_s > 0

    def fires(self, line: str) -> bool:
        """Whether it happens to this request; counts down if so."""
        if self.times <= 0 or not re.search(self.match, line):
            return False
        self.times -= 1
        return True


class RandomFaults:
    """One in `1 / rate` requests fails, in ways and places that follow from the seed and the order of requests.

    Never more than `in_a_row` requests of one address fail one after another, so that whoever asks three times comes
    through, redirects and all. A hub that asks to be left alone asks for `wait_s` seconds. No kind changes a byte
    unnoticed.
    """

    def __init__(
        self, seed: int, rate: float = 0.3, *, kinds: tuple[str, ...] = KINDS, in_a_row: int = 1, wait_s: int = 0
    ) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a repeatable choice, no secret
        self._rate, self._kinds, self._in_a_row, self._wait_s = rate, kinds, in_a_row, wait_s
        self._runs: dict[str, int] = {}
        self._lock = threading.Lock()
        self.made: list[str] = []

    def next(self, address: str) -> Fault | None:
        """Return what happens to the next request, or None."""
        with self._lock:
            run = self._runs.get(address, 0)
            if self._random.random() >= self._rate or run >= self._in_a_row:
                self._runs[address] = 0
                return None
            self._runs[address] = run + 1
            kind = self._random.choice(self._kinds)
            self.made.append(kind)
            return self._fault(kind)

    def _fault(self, kind: str) -> Fault:
        wait = str(self._wait_s)
        if kind == "429":
            limit = {"Retry-After": wait, "RateLimit": f'"api";r=0;t={wait}', "RateLimit-Policy": '"api";q=500;w=300'}
            return Fault("", status=429, headers=limit)
        if kind == "5xx":
            return Fault("", status=self._random.choice(_GATE_FAILED), headers={"Retry-After": wait})
        if kind == "html":
            page = b"<html><body>We are down for maintenance</body></html>"
            return Fault("", headers={"Content-Type": "text/html"}, body=page)
        if kind == "truncated":
            return Fault("", cut=True)
        return Fault("", slow_s=0.01) if kind == "slow" else Fault("", status=0)
