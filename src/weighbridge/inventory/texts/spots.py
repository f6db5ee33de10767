"""From the words in a text to the lines that are worth reading closely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Spot", "find_spots"]

_LONG_LINE = 1000  # of longer lines (minified files, outputs of notebooks) only the surroundings of a word are read
_BEFORE, _AFTER = 240, 300
_NEAR = 160
_MOST_BELOW = 30
_MOST_SPOTS = 20_000  # lines that are read closely in one text
_WINDOW_COST = 40  # a window of a long line takes as long as so many lines
_OPENS = (b"(", b"[", b"{", b",", b":", b"=", b"\\", b"|", b">")


@dataclass(frozen=True, slots=True)
class Spot:
    """A line, by its number from 0; of one that is very long, a window of its text. -1: more than are read closely."""

    number: int
    window: str = ""


def find_spots(data: bytes, places: Sequence[tuple[int, bool]]) -> Iterator[Spot]:
    """Yield what is worth reading, in order, each line once: one with part of a name, or with a key and a `/`.

    A model that nobody has heard of is told by its `/`: `--model acme/support-bot`. It may stand in the lines below its
    key, in a list or a call that is open.
    """
    number, counted, done, read_to, given = 0, 0, -1, -1, 0
    start = end = -1
    for at, is_name in places:
        if given >= _MOST_SPOTS:
            yield Spot(-1)
            return
        if at < read_to:
            continue
        if at >= end:  # a line of megabytes is measured once, not for every word in it
            start, end = data.rfind(b"\n", max(0, end), at) + 1, data.find(b"\n", at)
            end = len(data) if end < 0 else end
        is_long = end - start > _LONG_LINE
        is_here = is_name or b"/" in data[at : min(end, at + _NEAR)]
        below = 0 if is_long or is_name else _lines_below(data, start, end)
        if not is_here and not below:
            continue
        number, counted = number + data.count(b"\n", counted, start), start
        if is_long:
            read_to, given = min(end, at + _AFTER), given + _WINDOW_COST
            yield Spot(number, data[max(start, at - _BEFORE) : read_to].decode("utf-8", "replace"))
            continue
        read_to = end if is_here else read_to
        numbers = range(number if is_here else number + 1, number + 1 + below)
        for line in numbers:
            if line > done:
                done, given = line, given + 1
                yield Spot(line)


def _lines_below(data: bytes, start: int, end: int) -> int:
    """Return how many lines below a key go on with its list or call and hold a `/`."""
    line = data[start:end].rstrip()
    if (
        not line.endswith(_OPENS)
        and not line.lstrip(b" \t-\"'").startswith(b"-")
        and not line.lstrip().startswith(b"-")
    ):
        return 0
    lines = 0
    while lines < _MOST_BELOW:
        start, end = end + 1, data.find(b"\n", end + 1)
        end = len(data) if end < 0 else end
        below = data[start : min(end, start + _LONG_LINE)]
        if b"/" not in below or not below.strip(b" \t\r-\"'[({,"):
            return lines
        lines += 1
    return lines
