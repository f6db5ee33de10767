"""Progress bars on stderr, where stderr is a terminal; nothing otherwise."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from weighbridge.core.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.progress import Advance

__all__ = ["progress_on_stderr"]


def progress_on_stderr() -> Progress:
    """Return bars with an ETA for a terminal, silence for a file or a pipe."""
    return _bar if sys.stderr.isatty() else silent


@contextmanager
def _bar(label: str, total: int, unit: str, /) -> Iterator[Advance]:
    """Show one bar, and take it away when it is full."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    count = DownloadColumn() if unit == "bytes" else MofNCompleteColumn()
    columns = (TextColumn("  {task.description:<12}"), BarColumn(), count, TextColumn(unit), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(label, total=total)
        yield lambda units: bars.advance(task, units)
