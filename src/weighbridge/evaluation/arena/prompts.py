"""Prompts of your own as something to vote on: a table with a column of prompts, and no right answers."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from weighbridge.core.digest import digest_of
from weighbridge.errors import SuiteError
from weighbridge.evaluation.datasets.cell import said
from weighbridge.evaluation.datasets.table import Dialect, read_rows
from weighbridge.evaluation.suite import Item, Suite

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["prompts_suite"]

_PROMPT = ("prompt", "question", "input", "query", "instruction", "problem")
_ID = ("id", "task_id", "qid")
_MOST_ROWS = 20_000


def prompts_suite(place: Path, max_tokens: int) -> Suite:
    """Read a table whose one column of a well-known name holds prompts; each is sent as a chat of one message.

    Raises SuiteError where no column, or more than one, is the prompt, where one is empty, or an id stands twice.
    """
    rows = list(islice(read_rows(place, Dialect()), _MOST_ROWS))
    columns = dict.fromkeys(name for row in rows for name in row.cells)
    found = [name for name in columns if name.strip().lower() in _PROMPT]
    if len(found) != 1:
        told = " and ".join(f"`{name}`" for name in found) or "no column"
        raise SuiteError(f"`{place}`: {told} could be the prompt", hint=f"name one column: {', '.join(_PROMPT)}")
    named = next((name for name in columns if name.strip().lower() in _ID), None)
    items: dict[str, Item] = {}
    for row in rows:
        text, name = said(row.cells.get(found[0])), said(row.cells.get(named or "")).strip() or str(row.number)
        if not text.strip() or name in items:
            raise SuiteError(f"{row.place}: the prompt is empty, or its id stands twice")
        items[name] = Item(name[:200], text)
    kept = tuple(items.values())
    head = re.sub(r"[^a-z0-9]+", "-", place.name.partition(".")[0].lower()).strip("-")[:60] or "prompts"
    forms, content = {"chat": "$question"}, [[item.id, item.question] for item in kept]
    return Suite(
        name=head, version="1", title=f"Prompts of {place.name}", measures="vote/v1", language="und",
        licence="not stated", source=place.name, scorer="", chance=0.0, max_tokens=max_tokens, forms=forms, prefix="",
        system=None, items=kept, digest=digest_of({"prompts": content, "forms": forms, "max_tokens": max_tokens}),
    )  # fmt: skip
