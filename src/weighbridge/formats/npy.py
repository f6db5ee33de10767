"""Read the header of a NumPy array file; source: `numpy.lib.format` of numpy 2.x, versions 1.0 to 3.0."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weighbridge.formats.source import Source

__all__ = ["NpyHeader", "read_npy_header"]

_LONGEST = 1 << 20
_DESCR = re.compile(r"""['"]descr['"]\s*:\s*(?:['"]([^'"]{1,40})['"]|(\[))""")
_SHAPE = re.compile(r"""['"]shape['"]\s*:\s*\(([\d, L]{0,2000})\)""", re.ASCII)
_NUMBER = re.compile(r"\d{1,20}", re.ASCII)
_PLAIN = re.compile(r"[<>=|]?([?biufcSaUVmM])(\d*)(?:\[[\w/]+\])?")
_OBJECT = re.compile(r"""['"][<>=|]?O\d*['"]""")
_WIDTHS = {"U": 4}


@dataclass(frozen=True, slots=True)
class NpyHeader:
    """Where the data begins; how long it is, None where the type is not a plain one; whether it holds objects."""

    data_at: int
    n_bytes: int | None
    holds_objects: bool


def read_npy_header(source: Source) -> NpyHeader | None:
    """Return the header, or None where it cannot be read."""
    head = source.read(0, 12)
    if len(head) < 10:  # noqa: PLR2004 - magic, version, length
        return None
    width = 2 if head[6] == 1 else 4
    length = int.from_bytes(head[8 : 8 + width], "little")
    data_at = 8 + width + length
    if head[6] not in {1, 2, 3} or length > _LONGEST or data_at > source.size:
        return None
    text = source.read(8 + width, length).decode("latin-1")
    descr, shape = _DESCR.search(text), _SHAPE.search(text)
    if descr is None or shape is None:
        return None
    holds_objects = bool(_OBJECT.search(text[descr.start() :])) or (descr[1] or "").strip("<>=|").startswith("O")
    plain = _PLAIN.fullmatch(descr[1] or "")
    numbers = [int(part) for part in _NUMBER.findall(shape[1])]
    if plain is None or holds_objects or any(n > 1 << 62 for n in numbers):
        return NpyHeader(data_at, None, holds_objects)
    item = int(plain[2] or 1) if plain[1] != "?" else 1
    if plain[1] in "mM":
        item = 8
    return NpyHeader(data_at, math.prod(numbers) * item * _WIDTHS.get(plain[1], 1), holds_objects)
