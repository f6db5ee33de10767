"""What becomes one item, what it touches of ours, and how it is said to be known."""

from __future__ import annotations

import runpy
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.core.finding import Confidence
from weighbridge.knowledge.load import load_knowledge
from weighbridge.watch.digest.compile import View, compile_digest
from weighbridge.watch.digest.cost import History, Run, cost_of, total_cost
from weighbridge.watch.digest.rules import shipped_rules
from weighbridge.watch.digest.stake import Demand, Stake
from weighbridge.watch.digest.windows import plan_of, rhythm_of, watched_families

S = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("scene.py"))))
_NAME = "hf:Qwen/Qwen3.8-27B"


def _stake(**changed: Any) -> Stake:
    demands = (
        Demand("knows", "score/v1", "accuracy", "at-least", 0.5, "It must know", "knowledge-en"),
        Demand("licence", "card/v1", "licence", "in", ["mit"], "Only these"),
    )
    made = Stake(
        _NAME, "sha256:" + "1" * 64, "ours", commit=S.PIN, standing="adopted", decision="sha256:" + "2" * 64,
        decided_on=date(2026, 11, 1), policy="internal", demands=demands,
    )  # fmt: skip
    return replace(made, **changed)


def _digest(events: list[Any], stakes: tuple[Stake, ...] = (), history: History | None = None, **how: Any) -> Any:
    view = View(stakes, shipped_rules(), load_knowledge(), history or History({}, {}))
    return compile_digest(events, view, (None, S.SEEN), **how)


def test_one_push_is_one_item() -> None:
    """Weights, configuration and card of one commit are read together; the most severe of them leads."""
    events = [S.event(kind, _NAME) for kind in ("card", "config", "weights", "chat-template")]
    (item,) = _digest(events, (_stake(),)).items
    assert len(item.changes) == 4
    assert item.severity == "medium"
    assert [place.subject for place in item.places] == [_NAME]


def test_the_same_release_on_two_hubs_is_one_item_with_two_places() -> None:
    """The maker's second hub is a place, whichever of its names it has there; a stranger's re-upload is not."""
    events = [
        S.event("release", "hf:zai-org/GLM-5.3", None, {"licence": "mit"}),
        S.event("release", "ms:ZAI-org/glm-5.3", None, {"licence": "mit"}, seen_at=S.SEEN + timedelta(days=3)),
        S.event("release", "ms:somebody/GLM-5.3", None, {"licence": "mit"}),
    ]
    items = _digest(events).items
    assert sorted(len(item.places) for item in items) == [1, 2]
    late = [events[0], replace(events[1], seen_at=S.SEEN + timedelta(days=40))]
    assert [len(item.places) for item in _digest(late).items] == [1, 1]


def test_an_item_keeps_its_id_as_it_grows() -> None:
    """The second place joins later: who has read or sent the item knows it again."""
    first, second = (S.event("release", f"{hub}:zai-org/GLM-5.3", None, {"licence": "mit"}) for hub in ("hf", "ms"))
    assert _digest([first]).items[0].id == _digest([first, second]).items[0].id


@pytest.mark.parametrize("kind", ["weights", "licence-tag", "chat-template"])
def test_what_was_weighed_at_the_new_commit_is_not_overtaken(kind: str) -> None:
    """A decision on the head itself, one made later, and one made in view of the event are untouched."""
    event = S.event(kind, _NAME, {"licence": "mit"}, {"licence": "apache-2.0"})
    for stake in (
        _stake(commit=S.HEAD),
        _stake(decided_on=date(2026, 11, 22)),
        _stake(answered=frozenset({(event.id, event.seen_at.isoformat())})),
    ):
        assert all(not item.concerns for item in _digest([event], (stake,), least="silent").items)
    assert _digest([event], (_stake(),)).items[0].concerns


def test_what_a_pin_had_behind_it_is_answered() -> None:
    """Two pushes and a weighing of the second in one day: the first is history, a third is news."""
    first = S.event("licence-tag", _NAME, {"licence": "mit"}, {"licence": "gemma"}, commit="b" * 40)
    second = S.event("weights", _NAME, commit_before="b" * 40, commit="c" * 40)
    third = S.event("chat-template", _NAME, commit_before="c" * 40, commit="d" * 40)
    stake = _stake(commit="c" * 40, decided_on=S.SEEN.date())
    items = _digest([first, second, third], (stake,), least="silent").items
    assert {item.kind: bool(item.concerns) for item in items} == {
        "licence-tag": False, "weights": False, "chat-template": True,
    }  # fmt: skip


def test_weights_beside_ours_are_no_alarm() -> None:
    """In a repository of many GGUF files another one was replaced: by their digests ours is not among them."""
    ours, other = "1" * 64, "2" * 64

    def changed(old: str, differing: int = 1) -> Any:
        before = {"differing": differing, "files": 9, "digests": {"x.gguf": f"sha256:{old}"}}
        return S.event("weights", _NAME, before, {"differing": 1, "files": 9, "digests": {}})

    stake = _stake(digests=frozenset({ours}))
    assert _digest([changed(other)], (stake,)).items[0].severity == "low"
    assert _digest([changed(ours)], (stake,)).items[0].severity == "medium"
    assert _digest([changed(other, differing=41)], (stake,)).items[0].severity == "medium"  # not all are named
    assert _digest([changed(other)], (_stake(),)).items[0].severity == "medium"  # ours are not known


def test_it_says_which_rules_of_the_policy_rested_on_what_changed() -> None:
    """Weights make scores old, a tag the rule on tags; suites follow, with what they take."""
    history = History({"knowledge-en": (Run("sha256:" + "1" * 64, 150, 150, 300.0),)}, {})
    (weights,) = _digest([S.event("weights", _NAME)], (_stake(),), history).items
    assert weights.concerns[0].rests_on == ("knows",)
    assert [(one.suite, one.calls, one.seconds, one.basis) for one in weights.suites] == [
        ("knowledge-en", (150, 150), (300.0, 300.0), "past runs")
    ]
    (tag,) = _digest([S.event("licence-tag", _NAME, {"licence": "mit"}, {"licence": "gemma"})], (_stake(),)).items
    assert tag.concerns[0].rests_on == ("licence",)
    assert tag.suites == ()


def test_claims_are_as_weak_as_the_weakest() -> None:
    """A tag is the maker's word, digests in a listing the hub's, a text that was read our own."""
    assert _digest([S.event("licence-tag", _NAME, {}, {"licence": "mit"})]).items[0].claim == "maker"
    assert _digest([S.event("weights", _NAME)]).items[0].claim == "hub"
    assert _digest([S.event("deletion", _NAME)]).items[0].claim == "seen"
    both = [S.event("weights", _NAME), S.event("licence-tag", _NAME, {}, {"licence": "mit"})]
    assert _digest(both).items[0].claim == "maker"


@settings(max_examples=40, deadline=None)
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=6),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
            st.sampled_from(["licence", "licence_name", "base_models", "gated", "digests", "differing", "files"]),
            inner,
            max_size=3,
        ),
        max_leaves=8,
    ),
    kind=st.sampled_from(["release", "licence-tag", "weights", "gating", "visibility", "rename", "base-model"]),
)  # fmt: skip
def test_whatever_an_event_holds_there_is_an_item(value: Any, kind: str) -> None:
    """Hostile or strange values break nothing, and no event is lost: it is shown or counted as silent."""
    digest = _digest([S.event(kind, _NAME, value, value)], (_stake(),), least="silent")
    assert len(digest.items) == 1


def test_doubt_never_makes_more_of_an_event() -> None:
    """A law: the same event with low confidence is at most as severe, and never vanishes."""
    order = ("silent", "low", "medium", "high", "critical")
    for kind in ("deletion", "weights", "code", "history-rewritten", "licence-tag"):
        sure = S.event(kind, _NAME, {"licence": "mit"}, {"licence": "gemma"})
        (one,), (other,) = (
            _digest([replace(sure, confidence=how)], (_stake(),)).items for how in (Confidence.HIGH, Confidence.LOW)
        )
        assert order.index(other.severity) <= order.index(one.severity)


def test_costs_come_from_past_runs_or_are_assumed_or_unknown() -> None:
    """Two runs of 100 questions at 0.5 and 2 s a call span 50 to 200 s; a suite that nobody knows spans nothing."""
    runs = (Run("a", 100, 100, 50.0), Run("b", 100, 50, 100.0), Run("b", 100, 0, 0.0))
    history = History({"s": runs, "t": (Run("a", 80, 80, None),)}, {"u": 32})
    assert cost_of("s", history).seconds == (50.0, 200.0)
    assert cost_of("s", history, "a").seconds == (50.0, 50.0)
    assert (cost_of("t", history).calls, cost_of("t", history).basis) == ((80, 80), "assumption")
    assert cost_of("u", history).seconds == (2.0, 960.0)  # 32 at 1 s over 16 lanes; at 30 s one by one
    unknown = cost_of("v", history)
    assert (unknown.calls, unknown.seconds, unknown.basis) == (None, None, "unknown")
    total = total_cost((cost_of("s", history), cost_of("u", history)))
    assert total is not None
    assert (total.calls, total.seconds, total.basis) == ((132, 132), (52.0, 1160.0), "assumption")
    assert total_cost((cost_of("s", history), unknown)) == replace(
        unknown, suite="s, v", runs=0
    )  # a sum with something unknown in it is unknown


def test_the_plan_holds_decisions_against_windows() -> None:
    """DeepSeek's published rhythm is 43 days; a decision that ends before the window is said to."""
    known, today = load_knowledge(), date(2026, 11, 22)
    rhythm = rhythm_of("DeepSeek", known, today)
    assert rhythm is not None
    assert rhythm.cadence is not None
    assert rhythm.cadence.median_days == 43
    assert rhythm.cadence.next_window is not None
    first, last = rhythm.cadence.next_window
    name = "hf:deepseek-ai/DeepSeek-V4-Flash"
    ends = {"before": first - timedelta(1), "within": first, "after": last + timedelta(1)}
    for place, day in ends.items():
        (plan,) = plan_of((_stake(repository=name, expires_on=day),), (), known, today)
        assert (plan.rhythm.family, plan.is_watched, plan.decisions[0].place) == ("DeepSeek", False, place)
    assert watched_families(["family:Kimi", "hf:deepseek-ai", "hf:Qwen/Qwen3.8-27B"], known)[:1] == ("Kimi",)
    assert "DeepSeek" in watched_families(["hf:deepseek-ai"], known)


def test_without_any_decision_an_event_is_what_it_is_in_itself() -> None:
    """Nobody knows what hangs on it: it is never milder than to plan if grave in itself, and never urgent either."""
    grave = S.event("weights", _NAME, severity="critical")
    assert _digest([grave]).items[0].severity == "medium"
    assert _digest([grave], (_stake(repository="hf:acme/other"),)).items[0].severity == "low"
    assert _digest([S.event("card", _NAME, severity="silent")]).silent == 1
