from __future__ import annotations

import pytest

from weighbridge import plugin
from weighbridge.core.kinds import KINDS
from weighbridge.decision.explain import explain, explainable
from weighbridge.decision.shipped import load_policy, shipped_policies
from weighbridge.errors import NotFound
from weighbridge.evaluation.detector.judgement import BEHAVIOURS, FLAGS
from weighbridge.evaluation.suite import shipped_suites


def test_everything_that_ships_can_be_explained() -> None:
    """Verdicts, kinds, policies, rules, checks and suites are listed, each with one line and a text."""
    listed = explainable()
    rules = {f"{name}:{rule.id}" for name in shipped_policies() for rule in load_policy(name).rules}
    verdicts = {"adopt", "adopt-with-conditions", "hold", "reject"}
    expected = {*verdicts, *KINDS, *shipped_policies(), *rules, *plugin.names("checks"), *shipped_suites()}
    assert set(listed) >= expected
    assert all(line and "\n" not in line for line in listed.values())


def test_a_rule_is_explained_with_its_because() -> None:
    """By policy and id it is one rule; by id alone it is the rule of every policy that has it."""
    one = explain("starter:licence-tag")
    assert "a tag is not the licence" in one
    assert "weighbridge weigh REF" in one
    every = explain("licence-tag")
    having = [name for name in shipped_policies() if any(rule.id == "licence-tag" for rule in load_policy(name).rules)]
    assert len(having) > 1
    assert all(f"# {name}:licence-tag (rule)" in every for name in having)


def test_a_word_with_two_meanings_is_explained_twice() -> None:
    """`knowledge-en` is a rule and a suite."""
    text = explain("knowledge-en")
    assert "# starter:knowledge-en (rule)" in text
    assert "# knowledge-en (suite)" in text


def test_a_kind_lists_its_measures_with_their_descriptions() -> None:
    """The descriptions come from the kind's model."""
    assert "Longest sequence in tokens that the files declare" in explain("anatomy/v2")


def test_a_measure_names_the_rules_that_ask_for_it() -> None:
    """An estimate says that its whole interval is compared."""
    text = explain("score/v1:accuracy")
    assert "whole interval" in text
    assert "`starter:knowledge-en` at least 0.4" in text
    assert "`gguf`" in explain("anatomy/v2:format")


@pytest.mark.parametrize("check", plugin.names("checks"))
def test_a_check_is_explained_by_its_module(check: str) -> None:
    """Every check that ships says what it finds."""
    assert f"# {check} (check)" in explain(check)
    assert "Cannot be loaded" not in explain(check)


@pytest.mark.parametrize("verdict", ["adopt", "adopt-with-conditions", "hold", "reject"])
def test_a_verdict_is_explained(verdict: str) -> None:
    """The four words have a meaning each."""
    assert f"# {verdict} (verdict)" in explain(verdict)


def test_an_unknown_word_brings_the_nearest() -> None:
    """A slip is answered with the name that was meant."""
    for slip, meant in (
        ("licence-tga", "licence-tag"),
        ("score/v1:acuracy", "score/v1:accuracy"),
        ("rejct", "reject"),
        ("starterr", "starter"),
    ):
        with pytest.raises(NotFound) as caught:
            explain(slip)
        assert caught.value.hint == f"did you mean `{meant}`?"
    with pytest.raises(NotFound, match="nothing is named"):
        explain("")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("noninferior", "not worse than the baseline by the margin"),
        ("inferior", "worse than the baseline by the margin"),
        ("better", "better than the baseline"),
        ("worse", "worse than the baseline"),
        ("undecided", "neither a pass nor a fail"),
        ("equivalent", "within the margin"),
        ("different", "rejects it at 5%"),
        ("not shown", "no all-clear"),
        ("state_narrative", "in the model's own voice"),
        ("script_switch", "Traditional Chinese"),
        ("difference-in-differences", "less the same in the reference"),
        ("not measured", "Nobody has labelled"),
    ],
)
def test_a_word_that_reports_print_is_explained(word: str, said: str) -> None:
    """A verdict, a flag or a contrast can be looked up as it is printed."""
    assert said in explain(word)


def test_every_behaviour_flag_and_verdict_of_a_body_has_an_explanation() -> None:
    """Whatever a report can print of behaviour is listed."""
    fields = KINDS["behaviour/v2"].model_json_schema()["$defs"]["ContrastBody"]["properties"]
    printed = {*BEHAVIOURS, *FLAGS, *fields["what"]["enum"], *fields["outcome"]["enum"]}
    printed |= set(fields["equivalence"]["anyOf"][0]["enum"])
    assert printed - explainable().keys() == set()


@pytest.mark.parametrize(
    "word", ["gap", "hint", "points", "hijack", "hijacked", "jailbreak", "complied", "difference in differences"]
)
def test_a_word_that_reports_of_behaviour_print_is_explained(word: str) -> None:
    """Whoever reads one of these in a report can look it up."""
    assert f"# {word} (" in explain(word)
