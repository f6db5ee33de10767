"""Progress on stderr: bars where it is a terminal, a plain line every ten seconds where it is not."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from weighbridge.core.progress import Advance, Progress

__all__ = ["progress_on_stderr"]

_DRAW_S = 0.1  # a bar that is drawn more often costs more than the requests it counts
_NOTE_S = 0.5
_LINE_S = 10.0


def progress_on_stderr() -> Progress:
    """Return bars with an ETA for a terminal, plain lines for a file or a pipe."""
    return _bar if sys.stderr.isatty() else _lines


@contextmanager
def _bar(
    label: str, total: int, unit: str, /, *, note: Callable[[], str] | None = None, at_most: bool = False
) -> Iterator[Advance]:
    """Show one bar, and take it away when it is full."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    count = DownloadColumn() if unit == "bytes" else MofNCompleteColumn()
    eta = (TextColumn("at most" if at_most else ""), TimeRemainingColumn())
    columns = (TextColumn("  {task.description:<12}"), BarColumn(), count, TextColumn(unit), *eta)
    noted = (TextColumn("{task.fields[note]}", markup=False),) if note is not None else ()
    with Bars(*columns, *noted, console=Console(stderr=True), transient=True, auto_refresh=False) as bars:
        task = bars.add_task(label, total=total, note="")
        done, drawn_at, noted_at, said = 0, 0.0, 0.0, ""

        def advance(units: int) -> None:
            nonlocal done, drawn_at, noted_at, said
            done += units
            now = time.monotonic()
            if now - drawn_at < _DRAW_S and done < total:
                return
            if note is not None and now - noted_at >= _NOTE_S:
                said, noted_at = note(), now
            drawn_at = now
            bars.update(task, completed=done, note=said, refresh=True)

        yield advance


@contextmanager
def _lines(
    label: str, total: int, unit: str, /, *, note: Callable[[], str] | None = None, at_most: bool = False
) -> Iterator[Advance]:
    """Say one line every ten seconds; a step that is done sooner says nothing."""
    done, began = 0, time.monotonic()
    said_at = began

    def advance(units: int) -> None:
        nonlocal done, said_at
        done += units
        now = time.monotonic()
        if now - said_at < _LINE_S or done >= total:
            return
        said_at = now
        left = _duration((now - began) / done * (total - done)) if done else ""
        said = (f"{'at most' if at_most else 'about'} {left} left" if left else "", note() if note is not None else "")
        sys.stderr.write(", ".join((f"{label}: {done:,} of {total:,} {unit}", *filter(None, said))) + "\n")
        sys.stderr.flush()

    yield advance


def _duration(seconds: float) -> str:
    """Return a duration in its two largest units."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
