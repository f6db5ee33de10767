from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from weighbridge.core.digest import short
from weighbridge.core.evidence import Evidence
from weighbridge.decision.decide import Decision, Reason, Ruling, decide
from weighbridge.decision.policy import parse_policy

Write = Callable[..., str]
Score = Callable[..., Evidence]
ON = date(2026, 11, 1)
SUBJECT = "sha256:" + "a" * 64


def rule_on(text: str, *statements: Evidence, on: date = ON) -> Ruling:
    """Return the one ruling of a policy with one rule."""
    (ruling,) = decide(parse_policy(text, "policy.toml"), statements, subject=SUBJECT, on=on).rulings
    return ruling


def about(score: Score, kind: str, body: dict[str, Any]) -> Evidence:
    """Return a statement of another kind about the same model."""
    return replace(score(0, 1), kind=kind, body=body)


@pytest.mark.parametrize(
    ("operator", "interval", "ruled"),
    [
        ("at-least", (0.40, 0.50), ("pass", Reason.MET)),
        ("at-least", (0.39, 0.80), ("unknown", Reason.NOT_CLEAR)),
        ("at-least", (0.30, 0.40), ("unknown", Reason.NOT_CLEAR)),
        ("at-least", (0.30, 0.39), ("fail", Reason.NOT_MET)),
        ("at-most", (0.30, 0.40), ("pass", Reason.MET)),
        ("at-most", (0.10, 0.41), ("unknown", Reason.NOT_CLEAR)),
        ("at-most", (0.40, 0.50), ("unknown", Reason.NOT_CLEAR)),
        ("at-most", (0.41, 0.50), ("fail", Reason.NOT_MET)),
    ],
)
def test_the_whole_interval_is_compared_with_the_threshold(
    policy_text: Write, score: Score, operator: str, interval: tuple[float, float], ruled: tuple[str, Reason]
) -> None:
    """A value on the right side of 0.4 does not pass while its interval reaches over it."""
    ruling = rule_on(policy_text(operator=operator), score(*interval))
    assert (ruling.outcome, ruling.reason) == ruled
    assert (ruling.observed["low"], ruling.observed["high"]) == interval


def test_too_few_observations_say_nothing(policy_text: Write, score: Score) -> None:
    """Below `min_n` an interval neither passes nor fails; at `min_n` it does."""
    text = policy_text(min_n=120)
    assert rule_on(text, score(0.5, 0.6, n=119)).reason is Reason.TOO_FEW
    assert rule_on(text, score(0.1, 0.2, n=119)).outcome == "unknown"
    assert rule_on(text, score(0.5, 0.6, n=120)).reason is Reason.MET


def test_old_evidence_is_stale_until_a_fresh_one_replaces_it(policy_text: Write, score: Score) -> None:
    """The last day of its age counts, the next does not; a fresh statement makes an old one irrelevant."""
    text = policy_text(max_age_days=30)
    old = score(0.5, 0.6, made_on=ON - timedelta(days=31))
    assert rule_on(text, score(0.5, 0.6, made_on=ON - timedelta(days=30))).outcome == "pass"
    stale = rule_on(text, old)
    assert (stale.outcome, stale.reason, stale.evidence) == ("unknown", Reason.STALE, (old.id,))
    assert "too old" in stale.would_change
    assert rule_on(text, old, score(0.6, 0.7)).outcome == "pass"


def test_the_worst_of_several_counts_and_all_are_cited(policy_text: Write, score: Score) -> None:
    """A failing statement beside a passing one fails, stands first, and must be replaced."""
    good, unclear, bad = score(0.5, 0.6), score(0.3, 0.5), score(0.2, 0.3)
    ruling = rule_on(policy_text(), good, unclear, bad)
    assert (ruling.outcome, ruling.effect) == ("fail", "reject")
    assert ruling.evidence[0] == bad.id
    assert set(ruling.evidence) == {good.id, unclear.id, bad.id}
    assert short(bad.id) in ruling.would_change
    assert rule_on(policy_text(), good, unclear).outcome == "unknown"


@pytest.mark.parametrize(
    ("changes", "body", "outcome"),
    [
        ({"measure": "chat_template", "operator": "equals", "value": True}, {"chat_template": True}, "pass"),
        ({"measure": "chat_template", "operator": "equals", "value": True}, {"chat_template": False}, "fail"),
        ({"measure": "chat_template", "operator": "equals", "value": True}, {"chat_template": 1}, "unknown"),
        ({"measure": "chat_template", "operator": "equals", "value": True}, {"chat_template": None}, "unknown"),
        ({"measure": "chat_template", "operator": "present", "value": None}, {"chat_template": False}, "fail"),
        ({"measure": "layers", "operator": "at-least", "value": 1}, {"layers": True}, "unknown"),
        ({"measure": "layers", "operator": "at-least", "value": 1}, {"layers": "12"}, "unknown"),
        ({"measure": "layers", "operator": "equals", "value": 12}, {"layers": 12.0}, "pass"),
        ({"measure": "experts", "operator": "present", "value": None}, {"experts": 0}, "pass"),
        ({"measure": "experts", "operator": "at-most", "value": 0}, {"experts": 0}, "pass"),
        (
            {"measure": "weights.dtypes.F16", "operator": "present", "value": None},
            {"weights": {"dtypes": {"F32": 1}}},
            "unknown",
        ),
        ({"measure": "weights.dtypes", "operator": "present", "value": None}, {"weights": {"dtypes": {}}}, "fail"),
        ({"measure": "notes", "operator": "present", "value": None}, {"notes": []}, "fail"),
        ({"measure": "attention", "operator": "in", "value": ["GQA", "MQA"]}, {"attention": "GQA"}, "pass"),
        ({"measure": "attention", "operator": "in", "value": ["GQA", "MQA"]}, {"attention": "gqa"}, "fail"),
        ({"measure": "notes", "operator": "in", "value": ["a", "b"]}, {"notes": ["a", "b", "a"]}, "pass"),
        ({"measure": "notes", "operator": "in", "value": ["a", "b"]}, {"notes": ["a", "c"]}, "fail"),
        ({"measure": "notes", "operator": "in", "value": ["a", "b"]}, {"notes": []}, "unknown"),
        ({"measure": "notes", "operator": "in", "value": ["a", "b"]}, {"notes": "a"}, "unknown"),
    ],
)
def test_plain_values_are_compared(
    policy_text: Write, score: Score, changes: dict[str, Any], body: dict[str, Any], outcome: str
) -> None:
    """Looked at and empty is a failure, not known is unknown, true is not 1, and letters keep their case."""
    text = policy_text(kind="anatomy/v2", where=None, **changes)
    assert rule_on(text, about(score, "anatomy/v2", body)).outcome == outcome


def test_an_estimate_without_interval_is_none(policy_text: Write, score: Score) -> None:
    """A bare number, a missing end, ends in the wrong order or a negative count are not an estimate."""
    good = score(0.5, 0.6).body["accuracy"]
    for accuracy in (
        0.9,
        {"value": 0.9, "n": 120},
        {**good, "high": 0.4},
        {**good, "low": None},
        {**good, "n": True},
        {**good, "n": -1},
    ):
        ruling = rule_on(policy_text(), score(0.5, 0.6, accuracy=accuracy))
        assert (ruling.outcome, ruling.reason, ruling.observed) == ("unknown", Reason.NOT_SAID, None)


def test_evidence_that_cannot_be_cited_is_not_counted(policy_text: Write, score: Score) -> None:
    """A body with NaN has no canonical JSON, so it has no id and passes nothing."""
    assert rule_on(policy_text(), score(0.5, 0.6, noise=float("nan"))).reason is Reason.NO_EVIDENCE


def test_long_values_are_cut(policy_text: Write, score: Score) -> None:
    """A licence tag of a megabyte does not make a decision of a megabyte."""
    text = policy_text(kind="card/v1", measure="licence", where=None, operator="in", value=["mit"])
    ruling = rule_on(text, about(score, "card/v1", {"licence": "x" * 1_000_000}))
    assert ruling.outcome == "fail"
    assert len(ruling.observed) == 401


KNOWLEDGE = "`score/v1` of suite `knowledge-en` with `accuracy` at least 0.4 across its whole interval"
SHELL = {"where": {"suite.name": "a b; rm -rf /", "engine.asserted": False}, "min_n": 100, "max_age_days": 30}
SHELL_WORDS = """\
`score/v1` of suite `a b; rm -rf /` where `engine.asserted` is `false` with `accuracy` at least 0.4 \
across its whole interval, from at least 100 observations, made at most 30 days before the decision \
(now not looked at)"""
DIFFERENCE = {"kind": "comparison/v1", "measure": "difference", "value": -0.03}
DIFFERENCE_WORDS = "`comparison/v1` of suite `knowledge-en` with `difference` at least -0.03 across its whole interval"


@pytest.mark.parametrize(
    ("changes", "words", "command"),
    [
        ({}, f"{KNOWLEDGE} (now not looked at)", "weighbridge evaluate REF --suite knowledge-en"),
        (SHELL, SHELL_WORDS, "weighbridge evaluate REF --suite 'a b; rm -rf /'"),
        (DIFFERENCE, f"{DIFFERENCE_WORDS} (now not looked at)", "weighbridge weigh REF --baseline BASELINE"),
    ],
)
def test_missing_evidence_is_named(policy_text: Write, changes: dict[str, Any], words: str, command: str) -> None:
    """The sentence names kind, suite, measure and threshold; a suite's name cannot break out of the command."""
    ruling = rule_on(policy_text(**changes))
    assert (ruling.would_change, ruling.command) == (words, command)


def test_files_need_another_revision(policy_text: Write, score: Score) -> None:
    """Reading the same files again says the same, so no command is offered."""
    text = policy_text(kind="card/v1", where=None, measure="licence", operator="in", value=["mit", "isc"])
    assert rule_on(text).command == "weighbridge weigh REF"
    statement = about(score, "card/v1", {"licence": "llama3"})
    ruling = rule_on(text, statement)
    assert ruling.command is None
    assert ruling.would_change == (
        f"`card/v1` with `licence` among `mit`, `isc` (now `llama3`), in place of `{short(statement.id)}`; "
        "files under a digest do not change, so this takes another revision of the model"
    )


def test_an_unclear_interval_asks_for_more_questions(policy_text: Write, score: Score) -> None:
    """The interval of today stands in the sentence, with its count."""
    ruling = rule_on(policy_text(), score(0.33, 0.51))
    assert "(now 0.42 [0.33, 0.51], n=120, not clear)" in ruling.would_change
    assert ruling.would_change.endswith("; ask more questions, with a larger suite")


WAIVER = '[[waiver]]\nrule = "knowledge-en"\nuntil = {}\nby = "Ada"\nbecause = "pilot"\nticket = "SEC-1"\n'


def test_a_waiver_makes_a_condition_and_shortens_the_decision(policy_text: Write, score: Score) -> None:
    """The outcome stays; the condition names rule, day, person and reason; the decision ends with the waiver."""
    policy = parse_policy(policy_text(more=WAIVER.format("2026-11-20")), "policy.toml")
    decision = decide(policy, [score(0.2, 0.3)], subject=SUBJECT, on=ON)
    assert (decision.verdict, decision.failed, decision.waived) == ("adopt-with-conditions", 0, 1)
    assert decision.rulings[0].outcome == "fail"
    assert decision.expires_on == date(2026, 11, 20)
    assert decision.conditions == ("Rule `knowledge-en` is waived until 2026-11-20 by Ada: pilot (SEC-1)",)


def test_an_expired_waiver_and_one_of_a_passing_rule_do_nothing(policy_text: Write, score: Score) -> None:
    """Neither is recorded, and neither shortens the decision."""
    expired = parse_policy(policy_text(more=WAIVER.format("2026-10-31")), "policy.toml")
    assert decide(expired, [score(0.2, 0.3)], subject=SUBJECT, on=ON).verdict == "reject"
    needless = parse_policy(policy_text(more=WAIVER.format("2026-11-20")), "policy.toml")
    decision = decide(needless, [score(0.5, 0.6)], subject=SUBJECT, on=ON)
    assert (decision.verdict, decision.waived, decision.conditions) == ("adopt", 0, ())
    assert decision.expires_on == ON + timedelta(days=90)


def test_the_longest_of_two_waivers_counts(policy_text: Write) -> None:
    """A renewed waiver stands beside the one that it renews."""
    text = policy_text(more=WAIVER.format("2026-11-20") + WAIVER.format("2026-12-24"))
    assert decide(parse_policy(text, "policy.toml"), [], subject=SUBJECT, on=ON).expires_on == date(2026, 12, 24)


def test_a_condition_of_the_rule_stays_beside_its_waiver(policy_text: Write) -> None:
    """A waiver takes nothing away that the rule asks for anyway."""
    text = policy_text(
        on_fail="condition", on_unknown="condition", condition="Mind it", more=WAIVER.format("2026-11-20")
    )
    condition = rule_on(text).condition
    assert condition is not None
    assert condition.startswith("Mind it; Rule `knowledge-en` is waived until")


def test_the_calendar_ends(policy_text: Write) -> None:
    """A decision in the last year there is does not overflow."""
    policy = parse_policy(policy_text(), "policy.toml")
    assert decide(policy, [], subject=SUBJECT, on=date(9999, 12, 1)).expires_on == date.max


def test_damaged_json_is_refused(policy_text: Write) -> None:
    """A verdict or outcome that does not exist is no decision."""
    value = decide(parse_policy(policy_text(), "policy.toml"), [], subject=SUBJECT, on=ON).to_json()
    with pytest.raises(ValueError, match="maybe"):
        Decision.from_json({**value, "verdict": "maybe"})
    with pytest.raises(ValueError, match="maybe"):
        Ruling.from_json({**value["rulings"][0], "outcome": "maybe"})
