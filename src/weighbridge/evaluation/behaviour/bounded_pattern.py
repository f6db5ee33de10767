"""Patterns that a bank brings: only those that cannot hang on an answer written against them.

Python matches by backtracking: what may be repeated in several ways inside something repeated takes exponential time on
a text that almost matches (OWASP, "Regular expression Denial of Service"; CWE-1333).
"""

from __future__ import annotations

import importlib
import math
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["check_pattern"]

_MOST_NESTED = 1_000  # repetitions, or ways to match, of a repeat within a repeat
_MOST_WAYS = 50_000_000  # ways to match from one place; the bank that ships needs 29 million in theory, and stops early
_ENDLESS_WAYS = 400  # letters that an unbounded repeat is taken to meet in a sentence

_parser: Any = importlib.import_module("re._parser")  # the tree that `re` itself compiles; not part of its typed face


class _NestedError(Exception):
    """Something repeated repeats inside."""


def check_pattern(pattern: str) -> None:
    """Check that a pattern compiles, and that nothing repeated repeats inside; raises ValueError with what is wrong."""
    shown = f"`{pattern[:60]}`"
    try:
        re.compile(pattern)
        ways, _ = _measure(_parser.parse(pattern))
    except re.error as error:
        raise ValueError(f"{shown} is no regular expression: {error}") from error
    except (OverflowError, RecursionError, MemoryError) as error:
        raise ValueError(f"{shown} is too large for a regular expression") from error
    except _NestedError as error:
        raise ValueError(f"{shown} repeats or chooses within a repeat, which may never end") from error
    if ways > _MOST_WAYS:
        raise ValueError(f"{shown} can match in too many ways, which may never end: bound its repeats")


def _measure(parts: Iterable[tuple[Any, Any]]) -> tuple[float, float]:
    """Return in how many ways a sequence may match at most, and how often its most repeated part repeats."""
    ways, most = 1.0, 1.0
    for name, value in parts:
        own, repeats = _measure_part(str(name), value)
        ways, most = ways * own, max(most, repeats)
    return ways, most


def _measure_part(name: str, value: Any) -> tuple[float, float]:
    """Measure one part of a pattern's tree, with what stands in it."""
    if name.endswith("REPEAT"):  # greedy, lazy or possessive: (least, most, body)
        return _measure_repeat(value[0], math.inf if value[1] >= _parser.MAXREPEAT else value[1], value[2])
    if name in {"BRANCH", "GROUPREF_EXISTS"}:  # (None, bodies), (group, yes, no or None)
        found = [_measure(one) for one in (value[1] if name == "BRANCH" else filter(None, value[1:]))]
        return sum(ways for ways, _ in found), max(most for _, most in found)
    if name in {"SUBPATTERN", "ASSERT", "ASSERT_NOT"}:  # the body comes last
        return _measure(value[-1])
    return _measure(value) if name == "ATOMIC_GROUP" else (1.0, 1.0)


def _measure_repeat(least: int, most: float, body: Iterable[tuple[Any, Any]]) -> tuple[float, float]:
    """Measure a repeat; raises _NestedError where what it repeats repeats or has ways of its own, too often."""
    ways, inner = _measure(body)
    if most <= 1:
        return ways + (least == 0), inner
    if inner > 1 and inner * most > _MOST_NESTED:
        raise _NestedError
    if ways == 1:
        return min(most - least + 1, _ENDLESS_WAYS) if math.isinf(most) else most - least + 1, most * inner
    if most * math.log(ways) > math.log(_MOST_NESTED):
        raise _NestedError
    return 2 * ways**most, most * inner
