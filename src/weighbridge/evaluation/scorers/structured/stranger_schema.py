"""Hold a document against a JSON Schema that a stranger wrote, where that is known beforehand to take little time.

A validator takes as long as the schema says: references double the work at every step, one comparison of numbers takes
microseconds and of very long ones milliseconds, a pattern reads a text once for each of its states. So schema and
document are counted first, with all references expanded, and what is beyond the bounds is not held against each other.
The weights were measured with jsonschema-rs 0.4x on one core, each on its worst case; `MOST_WORK` is about 8 ms.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from weighbridge.evaluation.scorers.structured.json_schema import compile_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["MOST_CHARS", "MOST_DEPTH", "MOST_NODES", "MOST_PATTERNS", "MOST_WORK", "Bulk", "Unbounded", "follows"]
__all__ += ["bulk_of_schema", "work_of"]

MOST_NODES = 3_000
"""JSON values and names of a schema, with references expanded."""
MOST_CHARS = 64 << 10
"""Characters of a schema, with references expanded."""
MOST_DEPTH = 64
MOST_PATTERNS = 8
MOST_WORK = 500_000
"""Steps of about 15 ns: a value of the document against a node of the schema."""

_LONGEST_PATTERN = 128
_PATTERN_BYTES = 1 << 14  # of a compiled pattern: the larger, the more states a text is led through
_READ = 20  # steps of handing a value to the validator
_SPAN = 256  # characters that are counted or compared in one step
_PER_NUMBER = 500  # steps of comparing two numbers exactly
_PER_SIGN = 64  # steps of leading one character through a pattern
_UNIQUE_NODES, _UNIQUE_NUMBERS = 20, 8  # what `uniqueItems` compares, as so many nodes and numbers
_LARGEST, _SMALLEST = 1e15, 1e-9  # beyond, comparing takes milliseconds
# They make a validator evaluate again what it has, look elsewhere, or read texts as documents of their own.
_REFUSED = frozenset(
    {"$dynamicRef", "$recursiveRef", "unevaluatedProperties", "unevaluatedItems", "contentMediaType", "contentEncoding"}
)
_INDEX = re.compile(r"0|[1-9][0-9]{0,5}")
_NO_BASE = "draft-04"  # there `id` moves the base of references


class Unbounded(ValueError):
    """What is to be counted is beyond the bounds, or cannot be counted."""


@dataclass(slots=True)
class Bulk:
    """How much there is: values and names, numbers and patterns among them, rules about names, characters, levels."""

    nodes: int = 0
    numbers: int = 0
    patterns: int = 0
    names: int = 0
    chars: int = 0
    depth: int = 0

    def add(self, other: Bulk) -> None:
        """Add what lies one level below; raises Unbounded where it becomes too much."""
        self.nodes += other.nodes
        self.numbers += other.numbers
        self.patterns += other.patterns
        self.names += other.names
        self.chars += other.chars
        self.depth = max(self.depth, 1 + other.depth)
        if self.nodes > MOST_NODES or self.chars > MOST_CHARS or self.depth > MOST_DEPTH:
            raise Unbounded
        if self.patterns > MOST_PATTERNS:
            raise Unbounded


def follows(schema: Mapping[str, Any], document: Any) -> bool | None:
    """Say whether a document follows a schema; None where that would take long, or nobody can tell.

    Not told: schemas beyond the bounds or with references in a circle, to elsewhere or by names other than `#/...`;
    the keywords `unevaluated...`, `content...` and `$dynamicRef`; patterns that look around; documents with numbers of
    a size beyond 1e-9 to 1e15; and all, without the extra `structured`. `format` is a note, as in JSON Schema 2020-12.
    """
    try:
        if work_of(bulk_of_schema(schema), document) > MOST_WORK:
            return None
    except Unbounded:
        return None
    check = compile_schema(dict(schema), pattern_bytes=_PATTERN_BYTES, formats=False)
    if isinstance(check, str):
        return None
    try:
        return check.is_valid(document)
    except ValueError:
        return None


def bulk_of_schema(schema: Mapping[str, Any]) -> Bulk:
    """Count a schema with its references expanded, each target once however often it is meant; raises Unbounded."""
    if _NO_BASE in str(schema.get("$schema", ""))[:_SPAN]:
        raise Unbounded
    return _Counter(schema).count(schema, 0)


@dataclass(slots=True)
class _Counter:
    """Counts objects and lists by identity: those counted, and those being counted."""

    root: Mapping[str, Any]
    _known: dict[int, Bulk] = field(default_factory=dict)
    _open: set[int] = field(default_factory=set)

    def count(self, value: Any, level: int) -> Bulk:
        """Count a value and what it holds or refers to."""
        if not isinstance(value, dict | list):
            return _plain(value)
        known = self._known.get(id(value))
        if known is not None:
            return known
        if level > MOST_DEPTH or id(value) in self._open:
            raise Unbounded
        self._open.add(id(value))
        bulk = Bulk(nodes=1)
        for part in self._parts(value) if isinstance(value, dict) else value:
            bulk.add(part if isinstance(part, Bulk) else self.count(part, level + 1))
        self._open.remove(id(value))
        self._known[id(value)] = bulk
        return bulk

    def _parts(self, value: dict[str, Any]) -> Iterator[Any]:
        """Yield what an object holds; every object may be a schema, and every name a keyword."""
        for name, held in value.items():
            yield Bulk(nodes=1, chars=len(name))
            yield held
            if name in _REFUSED or (name == "$id" and value is not self.root and isinstance(held, str)):
                raise Unbounded
            if name == "$ref" and isinstance(held, str):
                yield self._target(held)
            elif name == "pattern" and isinstance(held, str):
                yield _pattern(held)
            elif name == "patternProperties" and isinstance(held, dict):
                yield from map(_pattern, held)
            elif name == "propertyNames":
                yield Bulk(nodes=1, names=1)
            elif name == "uniqueItems":
                yield Bulk(nodes=_UNIQUE_NODES, numbers=_UNIQUE_NUMBERS)

    def _target(self, reference: str) -> Any:
        """Return what a reference of the form `#` or `#/a/b` means (RFC 6901); raises Unbounded for another."""
        if (reference != "#" and not reference.startswith("#/")) or "%" in reference:
            raise Unbounded
        found: Any = self.root
        for part in reference.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and _INDEX.fullmatch(name) and int(name) < len(found):
                found = found[int(name)]
            elif isinstance(found, dict) and name in found:
                found = found[name]
            else:
                raise Unbounded
        return found


def _plain(value: Any) -> Bulk:
    """Count a string, a number, true, false or null."""
    if isinstance(value, str):
        return Bulk(1, chars=len(value))
    if isinstance(value, bool) or value is None:
        return Bulk(1)
    if value and not _SMALLEST <= abs(value) <= _LARGEST:
        raise Unbounded
    return Bulk(1, numbers=1)


def _pattern(pattern: str) -> Bulk:
    """Count a pattern."""
    if len(pattern) > _LONGEST_PATTERN:
        raise Unbounded
    return Bulk(1, patterns=1)


def work_of(schema: Bulk, document: Any) -> int:
    """Return the most steps that holding a document against a schema takes; raises Unbounded for odd numbers.

    Every node of the schema may be held against every value, and every number or pattern of it against every number
    or character; names meet patterns, and what `propertyNames` says. Counting stops where the work is beyond the bound
    already.
    """
    work, levels, patterns = 0, [iter((document,))], Bulk(patterns=schema.patterns)
    while levels:
        for value in levels[-1]:
            work += _steps(schema, value)
            if isinstance(value, dict):
                work += sum(_steps(schema if schema.names else patterns, name) for name in value)
                levels.append(iter(value.values()))
                break
            if isinstance(value, list):
                levels.append(iter(value))
                break
        else:
            levels.pop()
        if work > MOST_WORK:
            break
    return work


def _steps(schema: Bulk, value: Any) -> int:
    """Return the steps of one value, without what it holds."""
    if isinstance(value, dict | list):
        return schema.nodes + _READ
    one = _plain(value)
    return (
        (schema.nodes + _READ) * (1 + one.chars // _SPAN)
        + schema.numbers * one.numbers * _PER_NUMBER
        + schema.patterns * one.chars * _PER_SIGN
    )
