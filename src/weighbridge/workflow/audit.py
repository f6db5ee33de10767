"""Audit: see that the store still holds what was put into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.core.digest import digest_of, short
from weighbridge.errors import StoreDamaged

if TYPE_CHECKING:
    from weighbridge.store.protocol import Store

__all__ = ["Audit", "audit"]

_ASKED_ON = "asked_on"


@dataclass(frozen=True, slots=True)
class Audit:
    """What was verified: statements, and answers that statements cite by digest; `gone` answers are not stored."""

    statements: int
    answers: int
    gone: int


def audit(store: Store) -> Audit:
    """Recompute every id, the hash chain, and every answer's digest; raises StoreDamaged at the first that differs.

    Whoever can write the file can also rebuild the chain: compare the newest id with one kept elsewhere.
    """
    statements, answers, gone = store.verify(), 0, 0
    for evidence in store.select():
        items = evidence.body.get("items") or evidence.body.get("drawn")
        cited = {
            item["completion"]: item["answer"]
            for item in (items if isinstance(items, list) else ())
            if isinstance(item, dict)
            and isinstance(item.get("completion"), str)
            and isinstance(item.get("answer"), str)
        }
        stored = store.completions(cited)
        gone += len(cited) - len(stored)
        for recipe, completion in stored.items():
            said = {name: value for name, value in completion.items() if name != _ASKED_ON}
            if digest_of(said) != cited[recipe]:
                raise StoreDamaged(
                    f"the answer `{short(recipe)}` is not the one that `{short(evidence.id)}` was made from",
                    hint="the file was changed behind our back: go back to a copy of it",
                )
            answers += 1
    return Audit(statements, answers, gone)
