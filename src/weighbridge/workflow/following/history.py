"""What suites took before: from the runs in the store, and from the shipped suites' counts of items."""

from __future__ import annotations

from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Any

from weighbridge.errors import WeighbridgeError
from weighbridge.evaluation.suite.find import find_suite, shipped_suites
from weighbridge.watch.digest.cost import History, Run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.core.evidence import Evidence
    from weighbridge.store.protocol import Store

__all__ = ["history_of"]

_ASKED = ("score/v1", "behaviour/v1", "behaviour/v2", "hijack/v1", "jailbreak/v1", "latency/v1")


def history_of(store: Store, suites: Iterable[str]) -> History:
    """Return past runs and counts of items of these suites; one that nobody ran and that does not ship is unknown."""
    wanted = set(suites)
    runs: dict[str, list[Run]] = {}
    items: dict[str, int] = {}
    if wanted:
        for kind in _ASKED:
            for statement in store.select(kind=kind):
                name, size = _suite(statement)
                run = _run(statement)
                if name in wanted and run is not None:
                    runs.setdefault(name, []).append(run)
                    if size:
                        items[name] = size
    for name in wanted - items.keys():
        with suppress(WeighbridgeError):
            if name in shipped_suites():
                items[name] = len(find_suite(name).items)
    return History({name: tuple(found) for name, found in runs.items()}, items)


def _suite(statement: Evidence) -> tuple[str, int]:
    for part in ("suite", "bank"):
        table = statement.body.get(part)
        if isinstance(table, dict):
            return str(table.get("name", "")), _count(table.get("size"))
    return "", 0


def _run(statement: Evidence) -> Run | None:
    calls = statement.body.get("calls")
    if not isinstance(calls, dict):
        return None
    seconds = calls.get("seconds")
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 <= seconds < inf:
        seconds = None
    return Run(statement.subject, _count(calls.get("asked")), _count(calls.get("calls")), seconds)


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
