"""Questions that no model can have seen when it was trained: what a suite is held against."""

from __future__ import annotations

import tomllib
from importlib.resources import files

from weighbridge.core.digest import digest_of
from weighbridge.evaluation.item import LETTERS, Item
from weighbridge.evaluation.suite import Suite

__all__ = ["shipped_control"]


def shipped_control(language: str) -> Suite | None:
    """Return the control questions in a language, or None where none ship.

    Written for Weighbridge in 2026-11, CC0, on facts that tests of knowledge ask for: a model trained on a later crawl
    may have seen them, which makes hints rarer, never more frequent.
    """
    table = tomllib.loads(files(__package__).joinpath("control.toml").read_text("utf-8"))
    rows = table.get(language)
    if not rows:
        return None
    items = tuple(
        Item(f"control-{number:02}", row["question"], tuple(row["choices"]), LETTERS[row["right"]])
        for number, row in enumerate(rows, 1)
    )
    return Suite(
        name=f"control-{language}", version="1", title="Questions written for Weighbridge", measures="score/v1",
        language=language, licence="CC0-1.0", source="Weighbridge, 2026-11", scorer="choice", chance=0.25,
        max_tokens=1, forms={"completion": "$question\n$choices\nAnswer:"}, prefix="", system=None, items=items,
        digest=digest_of([[item.question, list(item.choices), item.answer] for item in items]),
    )  # fmt: skip
