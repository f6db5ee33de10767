"""Read the front matter of a model card: the YAML between two `---` lines at the top of `README.md`.

Only the events of a YAML 1.2 parser are used: every scalar stays the text that was written (`no` is Norwegian,
`1.0` keeps its zero), no tag makes an object, and no alias unfolds.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from weighbridge.errors import DamagedFile
from weighbridge.formats.bounded_file import BoundedFile
from weighbridge.formats.place import damaged, quote

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["parse_front_matter", "read_front_matter"]

_READ_BYTES = 1 << 20  # cards of embedding models carry some 300 KB of results
_MAX_EVENTS = 100_000
_MAX_DEPTH = 32
_OPEN = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*---[ \t]*\r?\n")
_CLOSE = re.compile(rb"^(?:---|\.\.\.)[ \t]*\r?$", re.MULTILINE)
_LONGEST_TAG = 4096  # the parser's time grows with the square of it
_TAG = re.compile("![^ \r\n\x85\u2028\u2029]*")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


def read_front_matter(path: Path) -> dict[str, Any] | None:
    """Return the front matter of a model card, or None where there is none.

    Values are text, None, lists and dicts. At most the first MiB of the file is read, whatever its size.
    Raises DamagedFile for front matter that is not one plain YAML mapping.
    """
    with BoundedFile(path) as file:
        head = file.read(0, _READ_BYTES)
        whole = file.size <= _READ_BYTES
    opening = _OPEN.match(head)
    if opening is None:
        return None
    closing = _CLOSE.search(head, opening.end())
    if closing is None:
        if whole:
            return None  # a rule at the top, not front matter
        raise damaged(path, f"opens front matter that does not end within {_READ_BYTES} bytes")
    try:
        text = head[opening.end() : closing.start()].decode("utf-8")
    except UnicodeDecodeError as error:
        raise damaged(path, f"is not UTF-8 at byte {opening.end() + error.start}") from error
    return parse_front_matter(text, f"{quote(str(path), 4096)} (front matter)")


def parse_front_matter(text: str, place: str) -> dict[str, Any]:
    """Return one YAML mapping as plain values, not to be changed; raises DamagedFile that starts with `place`."""
    found = _outcome(text, place)
    if isinstance(found, str):
        raise DamagedFile(found)
    return dict(found)


@lru_cache(maxsize=1)
def _outcome(text: str, place: str) -> dict[str, Any] | str:
    """Return the mapping, or what is wrong: one inspection asks for the same card five times."""
    try:
        return _parse(text, place)
    except DamagedFile as error:
        return error.message


def _parse(text: str, place: str) -> dict[str, Any]:
    """Parse one mapping."""
    if any(len(word[0]) > _LONGEST_TAG for word in _TAG.finditer(text)):
        raise DamagedFile(f"{place} holds a `!` with more than {_LONGEST_TAG} characters after it and no space")
    try:
        value = _build(YAML(typ="safe", pure=True).parse(text), place)
    except DamagedFile:
        raise
    except (YAMLError, ValueError, OverflowError) as error:  # the last for an escape beyond Unicode
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 2}" if mark is not None else ""
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise DamagedFile(f"{place} is not YAML{line}: {reason}") from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise DamagedFile(f"{place} is not a YAML mapping")
    return value


def _build(events: Iterable[Any], place: str) -> Any:
    """Build plain values from parser events, bounded in number and depth."""
    stack: list[list[Any]] = [[]]
    mappings: list[bool] = []
    for number, event in enumerate(events):
        if number > _MAX_EVENTS:
            raise DamagedFile(f"{place} holds more than {_MAX_EVENTS} YAML nodes")
        if isinstance(event, AliasEvent):
            raise DamagedFile(f"{place} uses the YAML alias {quote('*' + str(event.anchor))}, which is not followed")
        if isinstance(event, ScalarEvent):
            text = _join_surrogates(event.value, place)
            stack[-1].append(None if event.implicit[0] and text in _NULLS else text)
        elif isinstance(event, SequenceStartEvent | MappingStartEvent):
            if len(stack) > _MAX_DEPTH:
                raise DamagedFile(f"{place} is nested deeper than {_MAX_DEPTH}")
            stack.append([])
            mappings.append(isinstance(event, MappingStartEvent))
        elif isinstance(event, SequenceEndEvent | MappingEndEvent):
            items = stack.pop()
            stack[-1].append(_mapping(items, place) if mappings.pop() else items)
    if len(stack[0]) > 1:
        raise DamagedFile(f"{place} holds more than one YAML document")
    return stack[0][0] if stack[0] else None


def _join_surrogates(text: str, place: str) -> str:
    """Return text with escaped pairs joined, as in JSON; half of a pair cannot be written again and is refused."""
    if text.isascii() or not _SURROGATE.search(text):
        return text
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError as error:
        raise DamagedFile(f"{place} holds half of a surrogate pair in {quote(text)}") from error


def _mapping(items: list[Any], place: str) -> dict[str, Any]:
    """Pair keys with values; a key must be text and stand once."""
    found: dict[str, Any] = {}
    for key, value in zip(items[::2], items[1::2], strict=True):
        if not isinstance(key, str):
            raise DamagedFile(f"{place} has a key that is not text")
        if key in found:
            raise DamagedFile(f"{place} holds the key {quote(key)} twice")
        found[key] = value
    return found
