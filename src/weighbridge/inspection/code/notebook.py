"""Take the code out of a Jupyter notebook, as Python that can be parsed."""

from __future__ import annotations

from typing import Any

from weighbridge.errors import DamagedFile
from weighbridge.formats.strict_json import parse_json

__all__ = ["cells_of"]

_MAX_BYTES = 8 << 20


def cells_of(name: str, data: bytes) -> str:
    """Return the code cells one after the other: `!` and `%` lines become calls of `os.system` and comments.

    Raises DamagedFile for what is no notebook.
    """
    value = parse_json(data, name, max_bytes=_MAX_BYTES, constants_as_text=True)
    cells = value.get("cells") if isinstance(value, dict) else None
    if not isinstance(cells, list):
        raise DamagedFile("is no notebook: it has no list of cells")
    lines: list[str] = []
    for cell in cells:
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            lines += _plain(_source(cell.get("source")))
    return "\n".join(lines)


def _source(value: Any) -> str:
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _plain(text: str) -> list[str]:
    """Return the lines of a cell; a cell of another language has none that is Python."""
    if text.lstrip().startswith("%%"):
        return [f"__import__('os').system({text!r})"] if text.lstrip().startswith(("%%bash", "%%sh", "%%!")) else []
    out = []
    for line in text.split("\n"):
        bare = line.lstrip()
        indent = line[: len(line) - len(bare)]
        if bare.startswith("!"):
            out.append(f"{indent}__import__('os').system({bare[1:]!r})")
        elif bare.startswith(("%", "?")):
            out.append(f"{indent}pass")
        else:
            out.append(line)
    return out
