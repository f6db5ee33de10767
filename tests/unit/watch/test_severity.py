from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from weighbridge.core.event import EventKind, EventSeverity
from weighbridge.watch.severity import SEVERITIES, because, severity_of

ROOM = Path(__file__).resolve().parents[3] / "src" / "weighbridge" / "watch"


def test_every_kind_of_event_has_a_severity_and_a_reason() -> None:
    """No kind is forgotten, and none stands without its because."""
    for kind in get_args(EventKind):
        assert severity_of(kind, set()) in get_args(EventSeverity)
        assert because(kind, set())


def test_severities_are_those_of_an_event_in_rising_order() -> None:
    """The order that decides among traits is the order of the words."""
    assert get_args(EventSeverity) == SEVERITIES


def test_card_edits_are_silent_and_nothing_else_of_a_model_is() -> None:
    """The promise of the watch: words about a model make no noise."""
    silent = {kind for kind in get_args(EventKind) if severity_of(kind, set()) == "silent"}
    assert silent == {"card", "other-files"}


def test_the_worst_trait_decides() -> None:
    """A template that touches tools and hides words is as bad as what it hides."""
    assert severity_of("chat-template", {"touches-tool-use", "white-space"}) == "high"
    assert severity_of("chat-template", {"touches-tool-use", "covert"}) == "critical"
    assert severity_of("weights", {"unheard-of"}) == severity_of("weights", set())


def test_every_trait_of_the_table_is_one_that_a_comparison_gives() -> None:
    """A row for a trait that no code sets would never count."""
    table = (ROOM / "severity.toml").read_text(encoding="utf-8")
    code = "".join(path.read_text(encoding="utf-8") for path in (*ROOM.glob("*.py"), *(ROOM / "diff").glob("*.py")))
    for trait in set(re.findall(r'^trait = "([a-z-]+)"$', table, re.MULTILINE)):
        assert f'"{trait}"' in code or trait.startswith("touches-"), trait
