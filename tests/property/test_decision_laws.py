"""The laws of a decision, over random policies and random evidence."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from weighbridge.core.digest import short
from weighbridge.core.evidence import Evidence, Producer
from weighbridge.decision.decide import Decision, decide
from weighbridge.decision.policy import Policy, parse_policy

ON = date(2026, 11, 1)
SUBJECT = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
ADMITTING = ("adopt", "adopt-with-conditions")
PRODUCER = Producer("weighbridge", "0.1.0")

# Policies are parsed in each example: on a busy machine that has no deadline to keep.
LAW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

# A source is one measurement: a kind, and the suite where the kind has one.
SOURCES = (
    ("files/v1", None),
    ("anatomy/v2", None),
    ("card/v1", None),
    ("score/v1", "knowledge-en"),
    ("score/v1", "knowledge-zh"),
    ("behaviour/v1", "refusals-en"),
)
RULES: dict[str, dict[str, Any]] = {
    "findings": {"kind": "files/v1", "measure": "findings_by_severity.high", "operator": "at-most", "value": 0},
    "template": {"kind": "anatomy/v2", "measure": "chat_template", "operator": "equals", "value": True},
    "context": {"kind": "anatomy/v2", "measure": "context_length", "operator": "at-least", "value": 4096},
    "licence": {"kind": "card/v1", "measure": "licence", "operator": "in", "value": ["apache-2.0", "mit"]},
    "base": {"kind": "card/v1", "measure": "base_models", "operator": "present"},
    "knowledge-en": {"kind": "score/v1", "measure": "accuracy", "operator": "at-least", "value": 0.4},
    "knowledge-zh": {"kind": "score/v1", "measure": "accuracy", "operator": "at-least", "value": 0.4},
    "refusals": {"kind": "behaviour/v1", "measure": "over_refusal", "operator": "at-most", "value": 0.25, "min_n": 15},
}
RULES["knowledge-en"]["suite"] = "knowledge-en"
RULES["knowledge-zh"]["suite"] = "knowledge-zh"
RULES["refusals"]["suite"] = "refusals-en"


@dataclass(frozen=True)
class World:
    """A policy, and statements about SUBJECT: at most one for each source."""

    policy: Policy
    statements: tuple[Evidence, ...]

    def decide(self, *statements: Evidence) -> Decision:
        """Decide by this policy."""
        return decide(self.policy, statements, subject=SUBJECT, on=ON)


def write_policy(rules: list[dict[str, Any]], waivers: list[dict[str, Any]], valid_days: int = 90) -> str:
    """Write a policy as TOML; the JSON of a text, number, flag or list is TOML too."""
    lines = ["[policy]", 'name = "law"', 'version = "1"', 'title = "Law"', f"valid_days = {valid_days}"]
    lines += ["[use]", 'description = "Tests"', 'audience = "internal"']
    for rule in rules:
        lines += ["[[rule]]", 'because = "it is a test"']
        if suite := rule.get("suite"):
            lines.append(f'where = {{ "suite.name" = "{suite}" }}')
        lines += [f"{key} = {json.dumps(value)}" for key, value in rule.items() if key != "suite"]
    for waiver in waivers:
        lines += ["[[waiver]]", f'rule = "{waiver["rule"]}"', f"until = {waiver['until']}"]
        lines += ['by = "Ada"', 'because = "it is a test"']
    return "\n".join(lines)


def statement(kind: str, suite: str | None, body: dict[str, Any], made_on: date = ON) -> Evidence:
    """Make a statement about SUBJECT."""
    body = {**body, "suite": {"name": suite}} if suite else body
    return Evidence(SUBJECT, kind, body, (), PRODUCER, made_on)


@st.composite
def rules(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw some rules with consequences that a policy may have."""
    chosen = draw(st.lists(st.sampled_from(sorted(RULES)), min_size=1, unique=True))
    drawn = []
    for name in chosen:
        on_fail = draw(st.sampled_from(["condition", "hold", "reject"]))
        on_unknown = draw(st.sampled_from(["condition", "hold", "reject"][0 if on_fail == "condition" else 1 :]))
        rule = {"id": name, **RULES[name], "on_fail": on_fail, "on_unknown": on_unknown}
        if on_fail == "condition":
            rule["condition"] = f"mind {name}"
        if draw(st.booleans()):
            rule["max_age_days"] = 30
        drawn.append(rule)
    return drawn


def estimates() -> st.SearchStrategy[dict[str, Any] | None]:
    """Draw an estimate of a share, or None."""
    ends = st.lists(st.floats(0, 1), min_size=3, max_size=3).map(sorted)
    made = st.builds(
        lambda ends, n: {"low": ends[0], "value": ends[1], "high": ends[2], "n": n, "method": "test"},
        ends,
        st.integers(0, 40),
    )
    return st.none() | made


def bodies(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """Draw a body with the measures that RULES ask of this kind."""
    match kind:
        case "files/v1":
            return st.fixed_dictionaries({"findings_by_severity": st.fixed_dictionaries({"high": st.integers(0, 2)})})
        case "anatomy/v2":
            return st.fixed_dictionaries(
                {"chat_template": st.none() | st.booleans(), "context_length": st.none() | st.integers(0, 9000)}
            )
        case "card/v1":
            licences = st.none() | st.sampled_from(["apache-2.0", "mit", "llama3", ""])
            return st.fixed_dictionaries({"licence": licences, "base_models": st.lists(st.just("a/b"), max_size=2)})
        case "score/v1":
            return st.fixed_dictionaries({"accuracy": estimates()})
    return st.fixed_dictionaries({"over_refusal": estimates()})


def statements_of(source: tuple[str, str | None]) -> st.SearchStrategy[Evidence]:
    """Draw a statement of one source, made on the day of the decision or long before."""
    days = st.sampled_from([ON, ON - timedelta(days=30), ON - timedelta(days=31)])
    return st.builds(statement, st.just(source[0]), st.just(source[1]), bodies(source[0]), days)


@st.composite
def worlds(draw: st.DrawFn, *, several: bool = False) -> World:
    """Draw a world; with `several`, a source may have up to three statements."""
    drawn = draw(rules())
    days = st.integers(-40, 40).map(lambda days: ON + timedelta(days=days))
    waived = draw(st.lists(st.sampled_from([rule["id"] for rule in drawn]), max_size=2))
    waivers = [{"rule": rule, "until": draw(days)} for rule in waived]
    policy = parse_policy(write_policy(drawn, waivers, draw(st.integers(1, 3650))), "law.toml")
    statements = [
        one
        for source in SOURCES
        for one in draw(st.lists(statements_of(source), max_size=3 if several else 1))
    ]  # fmt: skip
    return World(policy, tuple(statements))


def good_bodies() -> dict[tuple[str, str | None], dict[str, Any]]:
    """Return bodies that every rule of RULES is met by."""
    right = {"low": 0.5, "value": 0.6, "high": 0.7, "n": 100, "method": "test"}
    return dict(
        zip(
            SOURCES,
            (
                {"findings_by_severity": {"high": 0}},
                {"chat_template": True, "context_length": 8192},
                {"licence": "mit", "base_models": ["a/b"]},
                {"accuracy": right},
                {"accuracy": right},
                {"over_refusal": {"low": 0.0, "value": 0.1, "high": 0.2, "n": 100, "method": "test"}},
            ),
            strict=True,
        )
    )


@LAW
@given(worlds(several=True), st.randoms(use_true_random=False))
def test_order_is_irrelevant(world: World, random: Any) -> None:
    """Any order of the same statements gives the same decision, to the last byte."""
    shuffled = list(world.statements)
    random.shuffle(shuffled)
    assert world.decide(*shuffled) == world.decide(*world.statements)
    assert world.decide(*world.statements, *world.statements) == world.decide(*world.statements)


@LAW
@given(worlds(), st.data())
def test_unrelated_evidence_changes_nothing(world: World, data: st.DataObject) -> None:
    """Another subject, another kind, another suite or a day to come is not looked at."""
    source = data.draw(st.sampled_from(SOURCES))
    about = data.draw(statements_of(source))
    unrelated = (
        replace(about, subject=OTHER),
        replace(about, kind="latency/v1"),
        replace(about, kind="unheard-of/v9"),
        replace(about, made_on=ON + timedelta(days=1)),
        statement("score/v1", "knowledge-fr", {"accuracy": {"low": 1, "value": 1, "high": 1, "n": 1}}),
    )
    assert world.decide(*world.statements, *unrelated) == world.decide(*world.statements)


@LAW
@given(worlds(), st.data())
def test_removing_evidence_never_admits(world: World, data: st.DataObject) -> None:
    """With one statement a measurement, losing any never admits what was kept out, and never leads to adopt."""
    kept = [one for one in world.statements if data.draw(st.booleans())]
    before, after = world.decide(*world.statements), world.decide(*kept)
    if before.verdict not in ADMITTING:
        assert after.verdict not in ADMITTING
    if before.verdict != "adopt":
        assert after.verdict != "adopt"
    for old, new in zip(before.rulings, after.rulings, strict=True):
        assert new == old or (new.outcome, new.reason) == ("unknown", "no-evidence")


@LAW
@given(worlds(several=True), st.sampled_from(SOURCES))
def test_removing_a_whole_measurement_never_leads_to_adopt(world: World, source: tuple[str, str | None]) -> None:
    """However many statements speak of a measurement, losing all of them never turns another verdict into adopt."""
    kept = [one for one in world.statements if (one.kind, one.body.get("suite", {}).get("name")) != source]
    before, after = world.decide(*world.statements), world.decide(*kept)
    assert before.verdict == "adopt" or after.verdict != "adopt"
    assert before.verdict in ADMITTING or after.verdict not in ADMITTING


@LAW
@given(worlds(several=True), st.data())
def test_a_good_statement_never_rescues_a_bad_one(world: World, data: st.DataObject) -> None:
    """What fails still fails after anything was added."""
    more = data.draw(st.lists(st.sampled_from(SOURCES).flatmap(statements_of), max_size=3))
    before, after = world.decide(*world.statements), world.decide(*world.statements, *more)
    for old, new in zip(before.rulings, after.rulings, strict=True):
        assert old.outcome != "fail" or new.outcome == "fail"


@LAW
@given(worlds(), st.data())
def test_a_waiver_touches_its_rule_alone_until_its_date(world: World, data: st.DataObject) -> None:
    """On its last day a waiver makes a condition of what is not met; a day later it does nothing at all."""
    bare = replace(world.policy, waivers=())
    rule = data.draw(st.sampled_from([rule.id for rule in bare.rules]))
    text = write_policy([{"id": rule, **RULES[rule], "on_fail": "reject"}], [{"rule": rule, "until": ON}])
    waived = replace(bare, waivers=parse_policy(text, "law.toml").waivers)
    without = {one.rule: one for one in decide(bare, world.statements, subject=SUBJECT, on=ON).rulings}
    for one in decide(waived, world.statements, subject=SUBJECT, on=ON).rulings:
        if one.rule != rule or without[one.rule].outcome == "pass":
            assert one == without[one.rule]
        else:
            assert (one.outcome, one.effect) == (without[rule].outcome, "condition")
            assert one.waived is not None
            assert one.condition is not None
            assert one.waived.condition in one.condition
    tomorrow = ON + timedelta(days=1)
    assert decide(waived, world.statements, subject=SUBJECT, on=tomorrow) == decide(
        bare, world.statements, subject=SUBJECT, on=tomorrow
    )


NAMED = re.compile(
    r"`(?P<kind>[^`]+)`(?: of suite `(?P<suite>[^`]+)`)? with `(?P<measure>[^`]+)` (?P<not>not )?"
    r"(?P<words>at least|at most|equal to|among|present) ?(?P<value>.*?)(?: across its whole interval)?"
    r"(?:, from at least (?P<n>\d+) observations)?(?:, made at most \d+ days before the decision)? "
    r"\(now [^)]+\)(?:, in place of (?P<replaces>[`0-9a-f, ]+))?(?:;.*)?"
)


def make_as_named(text: str) -> tuple[Evidence, set[str]]:
    """Make the evidence that a sentence names, from the sentence alone; and the short ids that it replaces."""
    named = NAMED.fullmatch(text)
    assert named, text
    values: list[Any] = [
        json.loads(one) if "`" not in one else one.strip("`") for one in named["value"].split(", ") if one
    ]
    keep = not named["not"]
    value: Any
    match named["words"]:
        case "at least":
            value = values[0] if keep else values[0] - 0.01
        case "at most":
            value = values[0] if keep else values[0] + 1
        case "equal to":
            value = (values[0] == "true") == keep
        case "among":
            value = values[0] if keep else "of our own making"
        case _:
            value = ["a/b"] if keep else []
    measure = named["measure"]
    if measure in {"accuracy", "over_refusal"}:
        value = {"low": value, "value": value, "high": value, "n": int(named["n"] or 20), "method": "test"}
    for part in reversed(measure.split(".")):
        value = {part: value}
    return statement(named["kind"], named["suite"], value), set(re.findall("[0-9a-f]{12}", named["replaces"] or ""))


@LAW
@given(worlds(several=True))
def test_every_verdict_names_the_evidence_that_would_change_it(world: World) -> None:
    """Evidence made from nothing but the sentence turns the ruling, whatever the verdict was."""
    decision = world.decide(*world.statements)
    assert decision.decisive
    for ruling in decision.decisive:
        made, replaced = make_as_named(ruling.would_change)
        kept = [one for one in world.statements if short(one.id) not in replaced]
        after = {one.rule: one for one in world.decide(*kept, made).rulings}[ruling.rule]
        if ruling.outcome == "pass":
            assert after.outcome != "pass"
        else:
            assert (after.outcome, after.effect) == ("pass", "none")


@LAW
@given(rules())
def test_adopt_is_reached_and_named_evidence_ends_it(drawn: list[dict[str, Any]]) -> None:
    """With all rules met the verdict is adopt, and the evidence that each ruling names ends it."""
    policy = parse_policy(write_policy(drawn, []), "law.toml")
    statements = [statement(kind, suite, body) for (kind, suite), body in good_bodies().items()]
    decision = decide(policy, statements, subject=SUBJECT, on=ON)
    assert decision.verdict == "adopt"
    assert decision.met == len(decision.decisive) == len(drawn)
    for ruling in decision.decisive:
        made, _ = make_as_named(ruling.would_change)
        assert decide(policy, [*statements, made], subject=SUBJECT, on=ON).verdict != "adopt"


@LAW
@given(worlds())
def test_missing_evidence_is_never_a_pass(world: World) -> None:
    """With nothing to look at every rule is unknown and nothing is adopted."""
    decision = world.decide()
    assert decision.verdict != "adopt"
    assert {(one.outcome, one.reason, one.observed) for one in decision.rulings} == {("unknown", "no-evidence", None)}
    assert decision.unknown + decision.waived == len(decision.rulings)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@LAW
@given(worlds(), st.sampled_from(SOURCES), st.dictionaries(st.text(max_size=8), JSON))
def test_a_hostile_body_is_unknown_and_never_a_crash(
    world: World, source: tuple[str, str | None], junk: dict[str, Any]
) -> None:
    """A body without the measure, NaN in it or not, neither passes nor raises."""
    assume(not {"accuracy", "over_refusal", "licence"} & junk.keys())
    decision = world.decide(statement(*source, junk))
    assert {one.outcome for one in decision.rulings} == {"unknown"}
    json.dumps(decision.to_json(), allow_nan=False)


@pytest.mark.parametrize("source", SOURCES)
@LAW
@given(data=st.data())
def test_a_value_of_another_type_is_not_said(source: tuple[str, str | None], data: st.DataObject) -> None:
    """Whatever stands in place of a measure, only a value of the measure's own type can pass."""
    drawn = [
        {"id": name, **rule, "on_fail": "hold"}
        for name, rule in RULES.items()
        if (rule["kind"], rule.get("suite")) == source
    ]
    policy = parse_policy(write_policy(drawn, []), "law.toml")
    for rule, table in zip(policy.rules, drawn, strict=True):
        value: Any = data.draw(JSON)
        good = {"number": (int, float), "flag": bool, "text": str, "list": list, "estimate": dict}[rule.shape.value]
        body: Any = value
        for part in reversed(table["measure"].split(".")):
            body = {part: body}
        ruling = {one.rule: one for one in decide(policy, [statement(*source, body)], subject=SUBJECT, on=ON).rulings}
        if not isinstance(value, good) or (isinstance(value, bool) and good is not bool):  # type: ignore[arg-type]
            assert ruling[rule.id].outcome == "unknown"


@LAW
@given(worlds(several=True))
def test_deciding_changes_nothing_and_says_the_same_again(world: World) -> None:
    """The same input gives the same output, and the input is as it was."""
    before = copy.deepcopy([one.to_json() for one in world.statements])
    rules_before = copy.deepcopy(world.policy.rules)
    first = world.decide(*world.statements)
    first.to_json()["use"]["languages"].append("xx")
    assert first == world.decide(*world.statements)
    assert [one.to_json() for one in world.statements] == before
    assert world.policy.rules == rules_before


@LAW
@given(worlds(several=True))
def test_a_decision_survives_json(world: World) -> None:
    """What `to_json` gives, written and read as JSON, is the same decision."""
    decision = world.decide(*world.statements)
    assert Decision.from_json(json.loads(json.dumps(decision.to_json(), allow_nan=False))) == decision


@LAW
@given(worlds())
def test_a_decision_expires_with_its_days_and_its_waivers(world: World) -> None:
    """The last day is within `valid_days` and every waiver used; on it, no rule that passes has become stale."""
    decision = world.decide(*world.statements)
    lasts = [one.waived.until for one in decision.rulings if one.waived]
    assert ON <= decision.expires_on <= min([ON + timedelta(days=world.policy.valid_days), *lasts])
    later = decide(world.policy, world.statements, subject=SUBJECT, on=decision.expires_on)
    assert {one.rule for one in later.rulings if one.outcome == "pass"} >= {
        one.rule for one in decision.rulings if one.outcome == "pass"
    }


@LAW
@given(worlds(several=True))
def test_the_verdict_is_the_worst_effect(world: World) -> None:
    """No ruling is worse than the verdict, one is as bad, and every cited statement was there."""
    order = {"none": "adopt", "condition": "adopt-with-conditions", "hold": "hold", "reject": "reject"}
    decision = world.decide(*world.statements)
    effects = {order[one.effect] for one in decision.rulings}
    assert decision.verdict == max(effects, key=list(order.values()).index)
    assert set(decision.evidence) <= {one.id for one in world.statements}
    assert all(bool(one.condition) == (one.effect == "condition") for one in decision.rulings)
