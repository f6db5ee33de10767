"""JSON values from answers: read strictly, compared by value, never raising for what a model wrote."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["NotJson", "accepts", "at_pointer", "json_equal", "read_json", "unfenced"]

_MAX_CHARACTERS = 1_000_000
_MAX_DEPTH = 200
_FENCE = re.compile(r"\s*```[A-Za-z0-9]{0,12}[ \t]*\n(?P<inside>(?:(?!```).)*)```\s*", re.DOTALL)


class NotJson(ValueError):
    """The text is no JSON document; the message says why in a few words."""


def read_json(text: str) -> Any:
    """Read one JSON document (RFC 8259): no NaN, no name twice, 200 levels at most; raises NotJson."""
    if len(text) > _MAX_CHARACTERS:
        raise NotJson("too long")
    if _depth(text) > _MAX_DEPTH:
        raise NotJson("too deep")
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse)
    except NotJson:
        raise
    except (ValueError, RecursionError) as error:
        raise NotJson("no JSON") from error


def unfenced(text: str) -> tuple[str, bool]:
    """Return what stands in the one code fence that is the whole text, and True; else the text, and False."""
    match = _FENCE.fullmatch(text[:_MAX_CHARACTERS])
    return (match["inside"], True) if match else (text, False)


def json_equal(one: Any, other: Any) -> bool:
    """Say whether two JSON values are equal: 1 is 1.0, but neither True nor "1"; the order of names does not count."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(json_equal(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(json_equal, one, other))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one == other
    return type(one) is type(other) and bool(one == other)


def accepts(expected: Any, said: Any) -> bool:
    """Say whether a value is the expected one, or one of those of `{"any": [...]}`."""
    if isinstance(expected, dict) and expected.keys() == {"any"} and isinstance(expected["any"], list):
        return any(json_equal(one, said) for one in expected["any"])
    return json_equal(expected, said)


def at_pointer(document: Any, pointer: str) -> Any:
    """Return the value at a JSON Pointer (RFC 6901); raises KeyError where there is none."""
    if pointer and not pointer.startswith("/"):
        raise KeyError(pointer)
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict):
            document = document[name]
        elif isinstance(document, list) and re.fullmatch(r"0|[1-9]\d{0,8}", name) and int(name) < len(document):
            document = document[int(name)]
        else:
            raise KeyError(pointer)
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object of which no name stands twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise NotJson("a name stands twice")
    return found


def _refuse(constant: str) -> Any:
    """Refuse NaN and infinities."""
    raise NotJson(f"{constant} is no JSON")


def _depth(text: str) -> int:
    """Return an upper bound of the depth, brackets in strings included."""
    depth = deepest = 0
    for mark in re.findall(r"[\[\]{}]", text):
        depth += 1 if mark in "[{" else -1
        deepest = max(deepest, depth)
    return deepest
