"""Bounded reading of files that other tools wrote, with the file and line in every error."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from weighbridge.formats.bounded_file import BoundedFile, read_small
from weighbridge.formats.place import damaged
from weighbridge.formats.strict_json import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["digest_of_file", "first_object", "json_lines", "json_value", "message_text", "text_of", "whole_json"]

_CHUNK = 1 << 20
_MAX_LINE = 64 << 20
_MAX_JSON = 64 << 20
_MAX_FILE = 4 << 30
_BOM = b"\xef\xbb\xbf"


def digest_of_file(path: Path) -> str:
    """Return the digest of a file's bytes; raises DamagedFile for what cannot be read, or is larger than 4 GiB."""
    found, at = hashlib.sha256(), 0
    with BoundedFile(path) as file:
        if file.size > _MAX_FILE:
            raise damaged(path, f"is {file.size} bytes long; at most {_MAX_FILE} are read")
        while piece := file.read(at, _CHUNK):
            found.update(piece)
            at += len(piece)
    return "sha256:" + found.hexdigest()


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number, object) of a JSONL file; NaN and Infinity, which Python writes, come as their names.

    Raises DamagedFile with file and line for what is no JSON object, or longer than 64 MiB.
    """
    for number, line in _lines(path):
        if not line.strip():
            continue
        value = parse_json(line, f"{path} line {number}", max_bytes=_MAX_LINE, constants_as_text=True, of_models=True)
        if not isinstance(value, dict):
            raise damaged(path, f"line {number} is no JSON object")
        yield number, value


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file of any length, each bounded."""
    with BoundedFile(path) as file:
        rest, at, number = b"", 0, 1
        if file.read(0, len(_BOM)) == _BOM:
            at = len(_BOM)
        while True:
            piece = file.read(at, _CHUNK)
            at += len(piece)
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                yield number, line
                number += 1
            if len(rest) > _MAX_LINE:
                raise damaged(path, f"line {number} is longer than {_MAX_LINE >> 20} MiB")
            if not piece:
                break
        if rest:
            yield number, rest


def first_object(path: Path) -> dict[str, Any]:
    """Return the first object of a JSONL file, {} where it has none."""
    return next((value for _, value in json_lines(path)), {})


def whole_json(path: Path) -> Any:
    """Return the value of a JSON file of at most 64 MiB."""
    data = read_small(path, _MAX_JSON).removeprefix(_BOM)
    return json_value(data, str(path))


def json_value(data: bytes, place: str) -> Any:
    """Return a JSON value of at most 64 MiB."""
    return parse_json(data, place, max_bytes=_MAX_JSON, constants_as_text=True)


def text_of(value: Any) -> str:
    """Return a value as text: a string as it is, of a list of one its only one, anything else as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list) and len(value) == 1:
        return text_of(value[0])
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def message_text(messages: Any, role: str = "user", attached: Mapping[str, Any] | None = None) -> str:
    """Return the text of the last message of a role, or the text itself; parts that are no text are left out.

    `attached` resolves `attachment://<digest>`, as Inspect writes what is long.
    """
    if isinstance(messages, str):
        if messages.startswith("attachment://") and attached:
            return text_of(attached.get(messages.removeprefix("attachment://"), messages))
        return messages
    if not isinstance(messages, list):
        return ""
    for message in reversed(messages):
        if isinstance(message, dict) and message.get("role") == role:
            content = message.get("content")
            if isinstance(content, list):
                parts = [part.get("text") for part in content if isinstance(part, dict)]
                return "\n".join(message_text(part, role, attached) for part in parts if isinstance(part, str))
            return message_text(content, role, attached) if isinstance(content, str) else ""
    return ""
