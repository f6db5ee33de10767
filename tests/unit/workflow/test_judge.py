"""Which of several statements counts, and what a decision rests on."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.core.evidence import Evidence, Producer
from weighbridge.decision.policy import Policy, parse_policy
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.workflow.judge import judge, newest

if TYPE_CHECKING:
    from pathlib import Path

SUBJECT = "sha256:" + "a" * 64


def score(day: int, *, asked: int = 100, value: float = 0.5, **more: Any) -> Evidence:
    """Build a statement about one suite."""
    body = {
        "suite": {name: more.get(name, given) for name, given in (("version", "1"), ("digest", "d"))}
        | {"name": more.get("suite", "s")},
        "form": more.get("form", "chat"),
        "engine": {"name": "openai", "address": more.get("address", "http://a/v1")},
        "bank": {"name": more.get("bank", "")},
        "calls": {"asked": asked, "failed": more.get("failed", 0)},
        "accuracy": {"value": value},
    }
    return Evidence(SUBJECT, "score/v1", body, (), Producer("p", "1"), date(2026, 1, day))


@pytest.mark.parametrize(
    ("older", "newer", "kept"),
    [
        (score(1), score(2, value=0.1), [1]),  # asked again the same way: the newer one
        (score(2), score(1, value=0.1), [0]),  # added later, but made earlier
        (score(1), score(1, value=0.1), [1]),  # the same day: the one added later
        (score(1), score(2, asked=5), [0]),  # a quick look does not displace the whole
        (score(1, asked=5), score(1), [1]),
        (score(1), score(2, failed=100), [0]),  # a dead endpoint displaces nothing
        (score(1), score(2, version="2", digest="e", asked=5), [1]),  # another version of the suite
        (score(1), score(2, digest="e"), [0, 1]),  # other questions under the same name
        (score(1), score(2, form="completion"), [0, 1]),  # another way stands beside it
        (score(1), score(2, address="http://b/v1"), [0, 1]),
        (score(1), score(2, suite="t"), [0, 1]),
        (score(1, bank="b"), score(2, bank="c"), [0, 1]),  # items of another bank
        (score(1, bank="b"), score(2, bank="b"), [1]),
    ],
)
def test_asking_again_replaces_and_asking_otherwise_does_not(older: Evidence, newer: Evidence, kept: list[int]) -> None:
    """A bad score cannot be displaced by asking in another form, of another engine, or fewer questions."""
    assert newest([older, newer]) == [(older, newer)[index] for index in kept]


@given(
    st.dictionaries(
        st.sampled_from(["suite", "engine", "form", "calls", "baseline"]),
        st.none() | st.integers() | st.lists(st.text()),
    )
)
def test_bodies_of_any_shape_are_survived(body: dict[str, Any]) -> None:
    """A store may hold what others wrote."""
    statement = Evidence(SUBJECT, "score/v1", body, (), Producer("p", "1"), date(2026, 1, 1))
    assert newest([statement, statement]) == [statement]


def policy(most: int) -> Policy:
    """Build a policy that adopts what has at most so many high findings, and rejects the rest."""
    return parse_policy(
        f"""
        [policy]
        name = "pilot"
        version = "1"
        title = "Pilot"
        valid_days = 30
        [use]
        description = "A trial"
        audience = "internal"
        countries = ["DE"]
        languages = ["en"]
        hosted_by = "self"
        [[rule]]
        id = "findings"
        kind = "files/v1"
        measure = "findings_by_severity.high"
        operator = "at-most"
        value = {most}
        on_fail = "reject"
        because = "A person must look first."
        """,
        "pilot.toml",
    )


def test_what_is_decided_again_is_the_newest_again(tmp_path: Path) -> None:
    """A policy is changed and changed back on one day: the decision that was made last is the newest in the store."""
    day = date(2026, 1, 2)
    with closing(SQLiteStore(tmp_path / "evidence.sqlite")) as store:
        store.add(Evidence(SUBJECT, "files/v1", {"findings_by_severity": {"high": 1}}, (), Producer("p", "1"), day))
        made = [judge(policy(most), SUBJECT, store=store, on=day) for most in (1, 0, 1, 1, 0, 1)]
        kept = [(one.id, one.body["decision"]["verdict"]) for one in store.select(kind="decision/v1")]

    verdicts = [decision.verdict for decision, _ in made]
    assert verdicts == ["adopt", "reject", "adopt", "adopt", "reject", "adopt"]
    assert kept == [(statement.id, decision.verdict) for decision, statement in made if statement is not made[3][1]]
    assert made[3][1].id == made[2][1].id  # nothing changed: nothing new
