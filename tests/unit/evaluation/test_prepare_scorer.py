from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from weighbridge.errors import SandboxUnavailable
from weighbridge.evaluation.item import Item
from weighbridge.evaluation.marks import prepare_scorer
from weighbridge.evaluation.scorers import code as scorer

if TYPE_CHECKING:
    from weighbridge.evaluation.suite import Suite


class _Suite:
    """As much of a suite as preparing looks at."""

    def __init__(self, name: str) -> None:
        self.scorer = name
        self.items = (Item("1", "q", data={"tests": ["import numpy\nassert f() == 1"]}),)


def test_programs_that_nothing_can_run_are_told_before_any_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scorer of programs makes its sandboxes first, for what the suite's tests import, too."""
    asked: list[Any] = []

    def none(needs: frozenset[str], _progress: Any) -> None:
        asked.append(set(needs))
        if needs:
            raise SandboxUnavailable("none here")

    monkeypatch.setattr(scorer, "_sandbox", none)
    with pytest.raises(SandboxUnavailable):
        prepare_scorer(cast("Suite", _Suite("code")))
    assert asked == [set(), {"numpy"}]


@pytest.mark.parametrize("name", ["exact", ""])
def test_other_scorers_need_nothing(name: str) -> None:
    """A scorer without `ready`, and a suite without a scorer, are prepared by doing nothing."""
    prepare_scorer(cast("Suite", _Suite(name)))
