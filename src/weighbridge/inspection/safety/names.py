"""Judge a name that a pickle imports, by the tables in `names.toml`: allowed, asks for trust, runs code."""

from __future__ import annotations

import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from weighbridge.core.finding import Confidence, Effect, Severity

if TYPE_CHECKING:
    from weighbridge.formats.pickles.values import Name

__all__ = ["Standing", "finds_names", "holds_nested", "judge_name"]


@dataclass(frozen=True, slots=True)
class Standing:
    """What importing a name, and calling it, means; `effect` is None where it only builds data."""

    effect: Effect | None
    severity: Severity
    confidence: Confidence
    why: str


_ALLOWED = Standing(None, Severity.LOW, Confidence.HIGH, "")
_TRUST = Standing(Effect.ASKS_TRUST, Severity.MEDIUM, Confidence.HIGH, "which runs that package's own code")
_STRANGER = Standing(
    Effect.ASKS_TRUST, Severity.MEDIUM, Confidence.MEDIUM, "a class of a package that is not known here"
)
_DANGER = Standing(
    Effect.RUNS_CODE, Severity.CRITICAL, Confidence.HIGH, "which can run commands or code, or reach files and network"
)
_OTHER = Standing(Effect.RUNS_CODE, Severity.HIGH, Confidence.HIGH, "which is not among the names that only build data")
_ODD = Standing(Effect.RUNS_CODE, Severity.HIGH, Confidence.HIGH, "a dotted way to something inside a module")


@dataclass(frozen=True, slots=True)
class _Tables:
    allow: dict[str, frozenset[str]]
    nested: dict[str, frozenset[str]]
    finds: dict[str, frozenset[str]]
    functions: dict[str, frozenset[str]]
    packages: frozenset[str]
    never_parts: frozenset[str]
    never_roots: frozenset[str]
    danger: frozenset[str]


@cache
def _tables() -> _Tables:
    """Read the tables that ship with the package, once."""
    text = resources.files("weighbridge.inspection.safety").joinpath("names.toml").read_text(encoding="utf-8")
    content = tomllib.loads(text)

    def sets(table: dict[str, list[str]]) -> dict[str, frozenset[str]]:
        return {module: frozenset(names) for module, names in table.items()}

    return _Tables(
        allow=sets(content["allow"]),
        nested=sets(content["nested"]),
        finds=sets(content["finds"]),
        functions=sets(content["trust"]["functions"]),
        packages=frozenset(content["trust"]["packages"]),
        never_parts=frozenset(content["never"]["parts"]),
        never_roots=frozenset(content["never"]["roots"]),
        danger=frozenset(content["danger"]["modules"]),
    )


@cache
def finds_names() -> frozenset[tuple[str, str]]:
    """Return the names that look another name up; what they find is judged in their place."""
    return frozenset((module, name) for module, names in _tables().finds.items() for name in names)


def holds_nested(name: Name) -> bool:
    """Whether a call of this name loads the bytes that it is given."""
    return _in(_tables().nested, name)


def judge_name(name: Name) -> Standing:  # noqa: PLR0911 - one return a table, in their order
    """Return the standing of a name: exact entries first, then where it comes from."""
    tables, root = _tables(), name.module.partition(".")[0]
    if _in(tables.allow, name) or root == "__torch__":
        return _ALLOWED
    if (name.module, name.name) in finds_names():
        return _ALLOWED
    if _in(tables.functions, name):
        return _TRUST
    if root in tables.danger or any(f"{name.module}.".startswith(f"{module}.") for module in tables.danger):
        return _DANGER
    if root in sys.stdlib_module_names or root in tables.never_roots:
        return _OTHER
    if tables.never_parts.intersection(name.module.split(".")):
        return _OTHER
    if not all(map(_is_class, name.name.split("."))):
        return _ODD if "." in name.name else _OTHER
    return _TRUST if root in tables.packages else _STRANGER


def _in(table: dict[str, frozenset[str]], name: Name) -> bool:
    names = table.get(name.module)
    return names is not None and (name.name in names or ("*" in names and "." not in name.name))


def _is_class(name: str) -> bool:
    """Whether a name is written as classes are: `CapWords`, perhaps behind underscores."""
    bare = name.lstrip("_")
    return bare[:1].isupper() and bare.isidentifier()
