"""Read what the settings of several quantization methods have in common: lists of modules, group sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.formats.place import quote
from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.memory.quantization.names import Names
from weighbridge.inspection.memory.quantization.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.memory.quantization.coding import Coding

__all__ = ["block_of", "by_coding", "group_of", "overrides", "skipped"]

_LARGEST_GROUP = 1 << 16
_MOST_OVERRIDES = 20_000
_MOST_CODINGS = 32
_PAIR = 2


def skipped(fields: Fields, *keys: str) -> tuple[Rule, ...]:
    """Return a rule for the modules that a list leaves unquantized; none where there is no list."""
    names = fields.value(*keys)
    if names is None:
        return ()
    if not isinstance(names, list):
        raise Refused(f"{quote(keys[0])} is no list of modules")
    return (Rule(None, Names(names)),) if names else ()


def group_of(fields: Fields, *keys: str, default: int) -> int:
    """Read how many weights of a row share a scale; -1 is the whole row, which a coding calls 0."""
    group = fields.value(*keys)
    if type(group) is int and group == -1:
        return 0
    return fields.count(*keys, default=default, at_most=_LARGEST_GROUP)


def block_of(fields: Fields, key: str) -> tuple[int, int] | None:
    """Read a block of rows and columns that share a scale; None where it is not declared."""
    block = fields.value(key)
    if block is None:
        return None
    if not isinstance(block, list) or len(block) != _PAIR:
        raise Refused(f"{quote(key)} is no pair of sizes")
    for size in block:
        if type(size) is not int or not 0 < size <= _LARGEST_GROUP:
            raise Refused(f"{quote(key)} is no pair of sizes")
    return block[0], block[1]


def overrides(
    settings: Mapping[str, Any], *, at_most: int = _MOST_OVERRIDES
) -> list[tuple[str, dict[str, Any] | None]]:
    """Return the settings of single modules, told from other settings by being objects; None for one left as it is."""
    found = [(name, value) for name, value in settings.items() if isinstance(value, dict | bool)]
    if len(found) > at_most:
        raise Refused("too many modules have settings of their own")
    # true says no more than that the module is quantized as the others are
    return [(name, value if isinstance(value, dict) else None) for name, value in found if value is not True]


def by_coding(modules: Iterable[tuple[str, Coding | None]]) -> tuple[Rule, ...]:
    """Return one rule for all modules of a coding, so that many modules are matched at once."""
    named: dict[Coding | None, list[str]] = {}
    for name, coding in modules:
        named.setdefault(coding, []).append(name)
    if len(named) > _MOST_CODINGS:
        raise Refused(f"more than {_MOST_CODINGS} ways to store a module are declared")
    return tuple(Rule(coding, Names(names)) for coding, names in named.items())
