"""Parse JSON from strangers: one reading only, bounded in size, depth and memory.

Python's own parser accepts more than the standard (RFC 8259) does and keeps the last of two equal keys;
two programs would then see two different files. Here the first such doubt ends the reading.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, NoReturn

from weighbridge.errors import DamagedFile
from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["parse_json"]

_MAX_DEPTH = 64
_MAX_DIGITS = 100  # tokenizer files hold 10**30; anything longer is an attack on the conversion
_MAX_WIDE_BYTES = 6 << 20  # text outside ASCII takes up to four times its size in memory
_MAX_OBJECT_BYTES = 104 << 20
# what CPython spends at most on a list, an object, one of an object's first keys, one more key, one more value
_LIST_BYTES, _OBJECT_BYTES, _KEY_BYTES, _MORE_KEY_BYTES, _VALUE_BYTES = 64, 200, 60, 240, 64
_FIRST_KEYS = 3
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def parse_json(
    data: bytes, place: Path | str, *, max_bytes: int, constants_as_text: bool = False, of_models: bool = False
) -> Any:
    """Return the JSON value in `data`; `place` names the file in errors.

    With `constants_as_text` NaN and Infinity, which Python writes and JSON does not have, are read as their names:
    configs of Mamba models are published with `"time_step_limit": [0.0, Infinity]`.

    With `of_models` the strings are what models said: half a surrogate pair is left out instead of an error, and
    text outside ASCII may be as long as `max_bytes`, so that one answer does not take all others with it.

    Raises DamagedFile for what is too large, not UTF-8, not JSON, nested deeper than 64, or ambiguous:
    a key that stands twice, NaN, Infinity, a number beyond a double, a lone surrogate.
    """
    where = quote(str(place), 4096)
    _refuse_large(data, where, max_bytes, max_bytes if of_models else _MAX_WIDE_BYTES)
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=lambda pairs: _object(pairs, where),
            parse_constant=str if constants_as_text else lambda word: _refuse_number(word, where),
            parse_float=lambda text: _float(text, where),
            parse_int=lambda text: _int(text, where),
        )
    except UnicodeDecodeError as error:
        raise DamagedFile(f"{where} is not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise DamagedFile(f"{where} is not JSON at character {error.pos}: {error.msg}") from error
    except RecursionError as error:
        raise DamagedFile(f"{where} is nested deeper than {_MAX_DEPTH}") from error
    halves = _SURROGATE.search(data) is not None
    if data.count(b"[") + data.count(b"{") > _MAX_DEPTH or halves:
        _walk(value, where, refuses_halves=not of_models)
    return _mended(value) if halves and of_models else value


def _refuse_large(data: bytes, where: str, max_bytes: int, max_wide: int) -> None:
    """Refuse what is too long, or would unfold into too many objects, before anything is unfolded."""
    if len(data) > max_bytes:
        raise DamagedFile(f"{where} holds {len(data)} bytes of JSON; at most {max_bytes} are read")
    if len(data) > max_wide and not (data.isascii() and b"\\u" not in data):
        raise DamagedFile(f"{where} holds {len(data)} bytes of JSON outside ASCII; at most {max_wide} are read")
    if _unfolded_bytes(data) > _MAX_OBJECT_BYTES:
        raise DamagedFile(f"{where} holds JSON that would unfold into more than {_MAX_OBJECT_BYTES >> 20} MiB")


def _unfolded_bytes(data: bytes) -> int:
    """Return about how much memory the parsed value takes, from its punctuation alone."""
    objects, keys = data.count(b"{"), data.count(b":")
    more = max(0, keys - _FIRST_KEYS * objects)
    own = data.count(b"[") * _LIST_BYTES + objects * _OBJECT_BYTES + data.count(b",") * _VALUE_BYTES
    return own + (keys - more) * _KEY_BYTES + more * _MORE_KEY_BYTES


def _object(pairs: list[tuple[str, Any]], where: str) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise DamagedFile(f"{where} holds the key {quote(twice)} twice")
    return found


def _refuse_number(text: str, where: str) -> NoReturn:
    raise DamagedFile(f"{where} holds the number {quote(text)}, which JSON does not have")


def _float(text: str, where: str) -> float:
    value = float(text)
    if math.isinf(value):
        _refuse_number(text, where)
    return value


def _int(text: str, where: str) -> int:
    if len(text) > _MAX_DIGITS:
        _refuse_number(text, where)
    return int(text)


def _walk(value: Any, where: str, *, refuses_halves: bool = True) -> None:
    """Refuse depth beyond the bound, and strings that cannot be written as UTF-8 again."""
    level = [value]
    for _ in range(_MAX_DEPTH + 1):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item)
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
            elif refuses_halves and isinstance(item, str) and not item.isascii():
                _refuse_surrogate(item, where)
        if not below:
            return
        level = below
    raise DamagedFile(f"{where} is nested deeper than {_MAX_DEPTH}")


def _mended(value: Any) -> Any:
    """Leave out halves of surrogate pairs in every string; `_walk` has bounded the depth."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
    if isinstance(value, list):
        return [_mended(one) for one in value]
    return {_mended(key): _mended(one) for key, one in value.items()} if isinstance(value, dict) else value


def _refuse_surrogate(text: str, where: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DamagedFile(f"{where} holds half of a surrogate pair in {quote(text)}") from error
