from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.evaluation.item import Item, Score
from weighbridge.evaluation.scorers.code import code, ready

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("WEIGHBRIDGE_SHARED", ROOT.parent / "shared"))
FILE = SHARED / "data" / "evals" / "human-eval" / "HumanEval.jsonl.gz"

pytestmark = [pytest.mark.shared, pytest.mark.skipif(not FILE.is_file(), reason=f"{FILE} is absent")]
pytest.importorskip("wasmtime")
pytest.importorskip("componentize_py")


def problems() -> list[dict[str, str]]:
    """Return the rows of HumanEval (Chen et al. 2021; MIT)."""
    with gzip.open(FILE, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def rights(bodies: dict[str, str], form: str) -> set[str]:
    """Return the problems whose body passes, in a form of answer."""
    rows = [row for row in problems() if row["task_id"] in bodies]
    items = [
        Item(row["task_id"], row["prompt"], data={k: row[k] for k in ("prompt", "test", "entry_point")}) for row in rows
    ]
    ready(items)
    right = set()
    for row, item in zip(rows, items, strict=True):
        body = bodies[item.id]
        text = body if form == "completion" else f"Here:\n```python\n{row['prompt']}{body}\n```\nIt works."
        mark = code(item, Completion(Outcome.ANSWERED, text=text))
        assert isinstance(mark, Score), (item.id, mark)
        if mark.label == "right":
            right.add(item.id)
    return right


@pytest.mark.parametrize(
    ("form", "every", "count"),
    [("completion", 1, 164), ("chat", 4, 41)],  # a chat's program is found otherwise, and runs as the other
    ids=["completion", "chat"],
)
def test_every_reference_solution_passes(form: str, every: int, count: int) -> None:
    """164 of 164 as a continuation; every fourth as a chat answer."""
    bodies = {row["task_id"]: row["canonical_solution"] for row in problems()[::every]}
    assert set(bodies) - rights(bodies, form) == set()
    assert len(bodies) == count


def test_no_empty_function_passes() -> None:
    """A body of `return None` passes none of 164."""
    assert rights({row["task_id"]: "    return None\n" for row in problems()}, "completion") == set()


def test_no_object_that_equals_everything_passes() -> None:
    """Nor does an answer whose objects claim equality, order, truth and closeness."""
    cheat = (
        "    class A(float):\n        __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = lambda *a: True\n"
        "        __ne__ = lambda *a: False\n        __sub__ = __rsub__ = __abs__ = lambda self, *a: self\n"
        "        __hash__ = float.__hash__\n    return A('nan')\n"
    )
    assert rights({row["task_id"]: cheat for row in problems()}, "completion") == set()
