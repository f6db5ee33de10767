"""Say where a file is damaged, with hostile names made fit to print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.errors import DamagedFile

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["damaged", "quote"]

_LONGEST = 120
_LONGEST_PATH = 4096


def quote(text: str, longest: int = _LONGEST) -> str:
    """Return foreign text in backticks: control characters escaped, backticks replaced, cut to `longest`."""
    cut = text if len(text) <= longest else text[: longest - 3] + "..."
    if cut.isprintable() and "`" not in cut:  # nearly all, and a table has a name for each of 100,000 tensors
        return f"`{cut}`"
    return "`" + "".join("'" if c == "`" else c if c.isprintable() else ascii(c)[1:-1] for c in cut) + "`"


def damaged(path: Path, what: str, *, hint: str | None = None) -> DamagedFile:
    """Return the error for a damaged file: which file, then `what` is wrong and where."""
    return DamagedFile(f"{quote(str(path), _LONGEST_PATH)} {what}", hint=hint)
