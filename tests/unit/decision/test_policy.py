from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from weighbridge.core.kinds import KINDS
from weighbridge.decision.measure import Shape, measures_of
from weighbridge.decision.policy import MAX_BYTES, parse_policy
from weighbridge.decision.rule import Operator
from weighbridge.errors import PolicyError

Write = Callable[..., str]
WAIVER = '[[waiver]]\nrule = "knowledge-en"\nuntil = 2026-12-31\nby = "Ada"\nbecause = "pilot"\n'


def refused(text: str) -> PolicyError:
    """Return the refusal of a policy."""
    with pytest.raises(PolicyError) as caught:
        parse_policy(text, "policy.toml")
    return caught.value


def test_a_policy_is_read_whole(policy_text: Write) -> None:
    """Every table of the file arrives where it belongs."""
    policy = parse_policy(policy_text(min_n=100, max_age_days=30, more=WAIVER + 'ticket = "SEC-1"'), "policy.toml")
    (rule,), (waiver,) = policy.rules, policy.waivers
    assert (policy.name, policy.version, policy.valid_days, policy.use.audience) == ("house", "1", 90, "internal")
    assert (rule.operator, rule.threshold, rule.shape) == (Operator.AT_LEAST, 0.4, Shape.ESTIMATE)
    assert (rule.on_fail, rule.on_unknown, rule.min_n, rule.max_age_days) == ("reject", "hold", 100, 30)
    assert (waiver.until, waiver.by, waiver.ticket) == (date(2026, 12, 31), "Ada", "SEC-1")
    assert (policy.suites, policy.kinds) == (("knowledge-en",), ("score/v1",))


def test_the_digest_covers_content_and_no_comments(policy_text: Write) -> None:
    """A comment leaves the digest as it is; a threshold and a waiver change it."""
    digests = [
        parse_policy(text, "policy.toml").digest
        for text in (
            policy_text(),
            "# a comment\n" + policy_text(),
            policy_text(value=0.41),
            policy_text(more=WAIVER),
        )
    ]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


RULE_PLACE = "`policy.toml` rule 1 (`knowledge-en`)"


@pytest.mark.parametrize(
    ("changes", "message", "hint"),
    [
        ({"operater": "in"}, "key `operater` is not known", "`operator`"),
        ({"colour": "red"}, "key `colour` is not known", "known: `id`"),
        ({"operator": "at-lest"}, "`operator` cannot be `at-lest`", "`at-least`"),
        ({"on_fail": "rejct"}, "`on_fail` cannot be `rejct`", "`reject`"),
        ({"because": None}, "key `because` is missing", "sentence"),
        ({"kind": "scores/v1"}, "`scores/v1` is no kind of evidence", "`score/v1`"),
        ({"measure": "acuracy"}, "asks for `score/v1:acuracy`, which no evidence gives", "`accuracy`"),
        ({"measure": "accuracy.value"}, "`accuracy.value` is a part of an estimate", "`accuracy`"),
        ({"measure": "items.0.mark"}, "asks for `score/v1:items.0.mark`", None),
        ({"measure": "unscored."}, "asks for `score/v1:unscored.`", None),
        ({"operator": "equals"}, "`equals` cannot judge `accuracy`, which is an estimate", "`at-least`"),
        ({"operator": "in", "value": [1]}, "`in` cannot judge `accuracy`", "`at-most`"),
        ({"value": None}, "key `value` is missing", "`at-least`"),
        ({"value": "high"}, "needs a finite number", None),
        ({"value": True}, "needs a finite number", None),
        ({"value": float("inf")}, "needs a finite number", None),
        ({"value": 2**60}, "needs a finite number", None),
        ({"operator": "present"}, "`present` takes no `value`", "`equals`"),
        ({"measure": "engine.asserted"}, "`at-least` cannot judge `engine.asserted`, which is true or false", "equals"),
        ({"measure": "engine.asserted", "operator": "equals", "value": 0}, "must be `true` or `false`", None),
        ({"measure": "form", "operator": "in", "value": "chat"}, "`in` needs a list", "value = ["),
        ({"measure": "form", "operator": "in", "value": []}, "`in` needs a list", None),
        ({"measure": "form", "operator": "in", "value": [1]}, "must be a text in quotes", None),
        ({"where": {"suite.nme": "x"}}, "asks for `score/v1:suite.nme`", "`suite.name`"),
        ({"where": {"suite.name": 1}}, "`where` for `suite.name` must be a text", None),
        ({"where": {"accuracy": 0.5}}, "`where` cannot filter by `accuracy`", "text"),
        ({"on_fail": "hold", "on_unknown": "condition"}, "`on_unknown` is milder", "`hold`"),
        ({"on_fail": "condition"}, "key `condition` is missing", "done"),
        ({"condition": "mind it"}, "`condition` can never apply", "`on_fail`"),
        ({"measure": "chance", "min_n": 3}, "`min_n` is for estimates", None),
        ({"min_n": 0}, "key `min_n`: input should be greater", None),
        ({"min_n": 1.5}, "key `min_n`:", None),
        ({"id": "Knowledge EN"}, "key `id`:", None),
    ],
)
def test_a_rule_is_refused_with_its_place(
    policy_text: Write, changes: dict[str, Any], message: str, hint: str | None
) -> None:
    """The sentence names file, rule and key, ends without a full stop, and helps where it can."""
    text = policy_text(**changes).replace("Infinity", "inf")
    error = refused(text)
    assert error.exit_code == 2
    assert error.message.startswith(RULE_PLACE if "id" not in changes else "`policy.toml` rule 1 (`Knowledge EN`)")
    assert message in error.message
    assert not error.message.endswith(".")
    assert hint is None or (error.hint is not None and hint in error.hint)


def test_the_third_rule_is_called_the_third(policy_text: Write) -> None:
    """Rules are counted from 1 in the order of the file."""
    extra = "".join(
        f'[[rule]]\nid = "{name}"\nkind = "files/v1"\nmeasure = "count"\n{key} = "present"\n'
        'on_fail = "hold"\nbecause = "x"\n'
        for name, key in (("two", "operator"), ("licence-tag", "operater"))
    )
    error = refused(policy_text(more=extra))
    assert error.message == "`policy.toml` rule 3 (`licence-tag`): key `operater` is not known"
    assert error.hint == "did you mean `operator`?"


@pytest.mark.parametrize(
    ("change", "message", "hint"),
    [
        (("[use]", "[usage]"), "`policy.toml`: key `usage` is not known", "`use`"),
        (("[[rule]]", "[[rules]]"), "`policy.toml`: key `rules` is not known", "`rule`"),
        (("[[rule]]", "[rule]"), "`policy.toml`: `[[rule]]` is not written as such a table", "`[[rule]]`"),
        (("valid_days", "valid_dys"), "`policy.toml` [policy]: key `valid_dys` is not known", "`valid_days`"),
        (("90", "0"), "`policy.toml` [policy]: key `valid_days`: input should be greater", None),
        (('"internal"', '"inside"'), "`policy.toml` [use]: `audience` cannot be `inside`", "`internal`"),
        (('"internal"', '"internal"\ncountries = ["Germany"]'), "[use]: key `countries.0`:", None),
        (('name = "house"', "name = 7"), "[policy]: key `name`: input should be a valid string", None),
        (("valid_days = 90", "valid_days = "), "is not TOML: invalid value (at line 6", None),
        (("valid_days = 90", "valid_days = " + "9" * 5000), "too large", None),
        (("valid_days = 90", "valid_days = " + "[" * 5000), "too large", None),
        (("valid_days = 90", "valid_days = 90\nvalid_days = 91"), "is not TOML", None),
    ],
)
def test_a_file_is_refused_with_its_place(
    policy_text: Write, change: tuple[str, str], message: str, hint: str | None
) -> None:
    """What is wrong outside the rules is named by table or line."""
    error = refused(policy_text().replace(*change, 1))
    assert message in error.message
    assert hint is None or (error.hint is not None and hint in error.hint)


@pytest.mark.parametrize(
    ("waiver", "message"),
    [
        (WAIVER.replace("knowledge-en", "knowledge"), "`policy.toml` waiver 1: there is no rule `knowledge`"),
        (WAIVER.replace("2026-12-31", '"2026-12-31"'), "waiver 1 (`knowledge-en`): key `until`: input should be"),
        (WAIVER.replace("2026-12-31", "1798675200"), "key `until`: input should be a valid date"),
        (WAIVER.replace("2026-12-31", "2026-12-31T00:00:00"), "key `until`: input should be a valid date"),
        (WAIVER.replace("2026-12-31", "2026-13-31"), "is not TOML"),
        (WAIVER.replace("by =", "buy ="), "waiver 1 (`knowledge-en`): key `buy` is not known"),
        (WAIVER.replace('"Ada"', '" "'), "waiver 1 (`knowledge-en`): key `by`"),
    ],
)
def test_a_waiver_is_refused_with_its_place(policy_text: Write, waiver: str, message: str) -> None:
    """A waiver needs a rule that is there, a date and a name."""
    assert message in refused(policy_text(more=waiver)).message


def test_a_path_without_quotes_is_explained(policy_text: Write) -> None:
    """TOML takes `suite.name` for a table in a table; the hint shows what to write."""
    error = refused(policy_text().replace('"suite.name"', "suite.name"))
    assert error.message == f"{RULE_PLACE}: `where` needs its path in quotes"
    assert error.hint == 'write `where = { "suite.name" = ... }`'


def test_a_percentage_is_not_taken_for_a_share(policy_text: Write) -> None:
    """`value = 50` could never pass, so it is refused with what to write instead."""
    refusal = refused(policy_text(value=50))
    assert "`accuracy` is a share, and is never 50" in refusal.message
    assert "0.5 for 50%" in str(refusal.hint)


def test_ids_stand_once(policy_text: Write) -> None:
    """Two rules of one id cannot be told apart."""
    rule = policy_text().split("[[rule]]")[1]
    assert refused(policy_text() + "\n[[rule]]" + rule).message == (
        "`policy.toml` rule 2 (`knowledge-en`): the id stands twice"
    )


def test_a_policy_demands_something(policy_text: Write) -> None:
    """Without a rule everything would be adopted."""
    assert refused(policy_text().split("[[rule]]")[0]).message == "`policy.toml`: `[[rule]]` is missing or empty"
    assert "missing or empty" in refused("rule = []\n" + policy_text().split("[[rule]]")[0]).message


def test_size_is_bounded(policy_text: Write) -> None:
    """A policy of more than 1 MiB is refused before it is read."""
    assert refused(policy_text() + "#" * MAX_BYTES).message == "`policy.toml` is larger than 1 MiB"


@pytest.mark.parametrize(
    ("kind", "measure", "shape"),
    [
        ("anatomy/v2", "parameters.total", Shape.NUMBER),
        ("anatomy/v2", "chat_template", Shape.FLAG),
        ("anatomy/v2", "weights.dtypes.F16", Shape.NUMBER),
        ("card/v1", "base_models", Shape.LIST),
        ("card/v1", "licence", Shape.TEXT),
        ("files/v1", "findings", Shape.RECORDS),
        ("behaviour/v1", "nonsense", Shape.ESTIMATE),
        ("behaviour/v1", "nonsense.unscored", Shape.NUMBER),
        ("behaviour/v1", "labels.safe.refused", Shape.NUMBER),
        ("score/v1", "engine.settings.seed", Shape.OPEN),
        ("score/v1", "engine.settings.sampling.seed", Shape.OPEN),
    ],
)
def test_measures_reach_through_the_models(policy_text: Write, kind: str, measure: str, shape: Shape) -> None:
    """Optional fields, estimates, tables and open settings can all be asked for."""
    text = policy_text(kind=kind, measure=measure, where=None, operator="present", value=None)
    assert parse_policy(text, "policy.toml").rules[0].shape is shape


def test_a_text_with_few_choices_refuses_others(policy_text: Write) -> None:
    """A threshold that can never be met is a mistake."""
    text = policy_text(kind="anatomy/v2", measure="format", where=None, operator="equals", value="ggfu")
    error = refused(text)
    assert "`format` is never `ggfu`" in error.message
    assert error.hint == "did you mean `gguf`?"


def test_every_field_of_every_kind_can_be_asked_for() -> None:
    """No field of a body is lost on the way into the list of measures."""
    for kind, model in KINDS.items():
        firsts = {path.split(".")[0] for path in measures_of(kind)}
        assert firsts == set(model.model_fields)
