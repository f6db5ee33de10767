"""Read all pickles of a source, one after the other, past errors and past STOP, and say what is left."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from weighbridge.formats.pickles.machine import Bounds, Machine, Stopped
from weighbridge.formats.pickles.operations import OPERATIONS
from weighbridge.formats.source import Reader

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.formats.pickles.values import Use
    from weighbridge.formats.source import Source

__all__ = ["BEGIN", "Scanned", "begins_as_pickle", "is_text_pickle", "scan_pickles"]

# the mark of a protocol, then a frame or an opcode that a pickler writes first
BEGIN = re.compile(
    rb"\x80[\x00-\x05](?:\x95.{8}[^\x00]|[\x8c\x8d\x58\x55\x54\x63\x69\x28\x7d\x5d\x29\x4b\x8a\x4e\x8f\x82-\x84])",
    re.DOTALL,
)
_SEARCHED_BYTES = 16 << 20
_STRIDE = 1 << 20
_MOST_PICKLES = 4096
_TRIAL_STEPS = 100_000
_USES = frozenset({"call", "change"})  # not "registry": in raw numbers every 85th byte is an opcode of it


@dataclass(slots=True)
class Scanned:
    """How each pickle ended, in order, and where bytes of no pickle begin."""

    ends: list[Stopped] = field(default_factory=list)
    rest_at: int = 0

    @property
    def is_bounded(self) -> bool:
        """Whether something was given up because it is larger than what is followed."""
        return any(end.is_bounded for end in self.ends)


def begins_as_pickle(head: bytes) -> bool:
    """Whether an unpickler would go on after the mark of the protocol (it takes 0 to 5) and the first opcode."""
    return len(head) > 2 and head[0] == 0x80 and head[1] <= 5 and (head[2] == 0x2E or OPERATIONS[head[2]] is not None)  # noqa: PLR2004


def is_text_pickle(source: Source) -> bool:
    """Whether a source without the mark of a protocol is run as a pickle: it calls something, or ends with STOP."""
    uses: list[Use] = []
    end = Machine(Reader(source), _keep_few(uses), Bounds(steps=_TRIAL_STEPS)).run()
    if any(use.kind in _USES for use in uses):
        return True
    return (not end.why or end.is_bounded) and end.steps > 1 and (end.at >= source.size or end.steps > 8)  # noqa: PLR2004


def scan_pickles(source: Source, told: Callable[[Use], None], at: int = 0) -> Scanned:
    """Simulate the pickle at `at` and what follows it; what stands in `rest_at` was not reached by any pickle."""
    scanned, bounds = Scanned(rest_at=at), Bounds()
    while at < source.size and len(scanned.ends) < _MOST_PICKLES and bounds.steps > 0:
        uses: list[Use] = []
        is_first = not scanned.ends
        end = Machine(Reader(source, at), told if is_first else _keep_few(uses), bounds).run()
        if not is_first:
            if end.why and not any(use.kind in _USES for use in uses) and not end.is_bounded:
                at = _next_begin(source, at + 1, scanned.rest_at)
                continue
            for use in uses:
                told(use)
        scanned.ends.append(end)
        scanned.rest_at = at = end.at
        if end.why:
            at = _next_begin(source, at + 1, scanned.rest_at)
    return scanned


def _keep_few(uses: list[Use]) -> Callable[[Use], None]:
    """Return a listener that keeps the first uses, and of later ones only calls that are not yet among them."""
    seen: set[object] = set()

    def told(use: Use) -> None:
        key = (use.kind, use.name)
        if key not in seen and len(seen) < 10_000:  # noqa: PLR2004 - a bound on memory
            seen.add(key)
            uses.append(use)

    return told


def _next_begin(source: Source, at: int, rest_at: int) -> int:
    """Return where the next pickle seems to begin, or the end of the source where none is near."""
    limit = min(source.size, rest_at + _SEARCHED_BYTES)
    while at < limit:
        chunk = source.read(at, _STRIDE + 16)
        if found := BEGIN.search(chunk):
            return at + found.start()
        at += _STRIDE
    return source.size
