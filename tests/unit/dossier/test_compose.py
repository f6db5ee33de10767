from __future__ import annotations

from typing import Any

import pytest

from weighbridge.core.digest import short
from weighbridge.decision.decide import decide
from weighbridge.decision.shipped import load_policy, shipped_policies
from weighbridge.dossier import html, markdown
from weighbridge.dossier.compose import Dossier, compose
from weighbridge.dossier.locale import load_locale
from weighbridge.errors import UsageError


def test_the_tally_adds_up(dossier: Dossier) -> None:
    """Met, not met, unknown and waived are all rules, each once."""
    tally = dossier.tally
    assert (tally.met, tally.not_met, tally.unknown, tally.waived) == (4, 1, 3, 1)
    assert tally.total == len(dossier.rulings) == 9


def test_the_rules_that_decide_come_first(dossier: Dossier) -> None:
    """Reject, hold, condition, none; then what failed before what is not known; then the policy's order."""
    effects = [ruling["effect"] for ruling in dossier.rulings]
    assert effects == ["reject", "hold", "hold", "hold", "condition", "none", "none", "none", "none"]
    assert dossier.rulings[0]["rule"] == "knows-english"


def test_the_order_of_evidence_is_irrelevant(weighed: Any, dossier: Dossier) -> None:
    """The same statements in another order, and twice, give the same dossier."""
    shuffled = compose(weighed.decision(), [*weighed.evidence()[::-1], *weighed.evidence()])
    assert shuffled == dossier


def test_evidence_about_another_model_is_listed_and_not_shown(weighed: Any, dossier: Dossier) -> None:
    """The baseline's score lends its answers to the flips and is no score of the candidate."""
    assert [record.body.suite.name for record in dossier.scores] == ["knowledge-en", "knowledge-zh"]
    assert all(record.evidence.subject == weighed.SUBJECT for record in dossier.scores)
    assert [
        source.shown for source in dossier.sources if source.evidence and source.evidence.subject == weighed.BASELINE
    ] == [False]


def test_flips_hold_both_answers(dossier: Dossier) -> None:
    """Every flip finds what candidate and baseline said."""
    (flips,) = dossier.flips.values()
    assert len(flips) == 32
    assert all(flip.candidate and flip.baseline and flip.candidate.id == flip.item_id for flip in flips)


def test_cited_evidence_that_nobody_has_is_said(weighed: Any) -> None:
    """A decision may not lean on what the dossier does not show without saying so."""
    dossier = compose(weighed.decision(), [])
    assert {source.id for source in dossier.sources} == set(weighed.decision()["evidence"])
    assert all(source.evidence is None and source.cited for source in dossier.sources)
    assert not any(look.looked for look in dossier.looks)


def test_the_files_statement_given_last_names_the_model(weighed: Any) -> None:
    """The order of the store counts, whatever the dates: the other statement stays in the list of evidence only."""
    other = weighed.stated("files/v1", weighed.files().body | {"name": "other"}, made_on=weighed.DAY.replace(year=2027))
    dossier = compose(weighed.decision(), [other, *weighed.evidence()])
    assert dossier.name == "SmolLM2-135M-Instruct"
    assert [source.shown for source in dossier.sources if source.id == other.id] == [False]
    assert compose(weighed.decision(), [*weighed.evidence(), other]).name == "other"


def test_two_forms_and_two_engines_stand_beside_each_other(weighed: Any) -> None:
    """Nothing that was given is left out: each has a title of its own, in the page, its chart and the Markdown."""
    plain = weighed.score("knowledge-en", "en", 3, 10)
    chat = weighed.stated("score/v1", plain.body | {"form": "chat"})
    served = {**weighed.engine(), "name": "openai", "address": "http://b/v1"}
    elsewhere = weighed.stated("score/v1", plain.body | {"form": "chat", "engine": served})
    given = [elsewhere, chat, plain]
    dossier = compose(weighed.decision(), given)
    assert [record.id for record in dossier.scores] == [one.id for one in given]
    titles = [
        "knowledge-en · chat · openai · http://b/v1",
        "knowledge-en · chat · llamacpp",
        "knowledge-en · completion · llamacpp",
    ]
    assert list(dossier.titles.values()) == titles
    page, text = html.render(dossier).decode(), markdown.render(dossier).decode()
    assert all(page.count(title) >= 3 for title in titles)
    assert all(markdown.escape(title) in text for title in titles)


def test_what_nothing_else_sets_apart_has_its_id_in_the_title(weighed: Any) -> None:
    """Two answers to the same question in the same way, as a foreign store may cite, are not mixed up."""
    pair = [weighed.score("knowledge-en", "en", right, 10) for right in (3, 4)]
    titles = compose(weighed.decision(), pair).titles
    assert titles == {one.id: f"knowledge-en · {short(one.id)}" for one in pair}


def test_a_score_without_any_mark_is_not_known(weighed: Any) -> None:
    """Where no answer could be marked the row stays and says so, and there is no figure and no chart."""
    body = weighed.score("knowledge-en", "en", 3, 10).body | {"accuracy": None}
    dossier = compose(weighed.decision(), [weighed.stated("score/v1", body)])
    assert [share.estimate for share in dossier.shares] == [None]
    page = html.render(dossier).decode()
    assert 'Share right: <span class="quiet">no rate possible: too few valid answers</span>' in page
    assert "<figure" not in page


def test_flips_show_the_very_scores_that_were_compared(weighed: Any) -> None:
    """A later answer to the same suite does not lend its words, and the score behind is listed, not shown."""
    first = weighed.score("knowledge-en", "en", 46, 150)
    again = weighed.score("knowledge-en", "en", 50, 150)
    theirs = weighed.score("knowledge-en", "en", 58, 150, weighed.BASELINE)
    dossier = compose(weighed.decision(), [again, weighed.comparison()], [first, theirs])
    (flips,) = dossier.flips.values()
    at_46 = next(flip for flip in flips if flip.item_id == "knowledge-en-046")
    assert at_46.candidate is not None
    assert at_46.baseline is not None
    assert (at_46.candidate.mark, at_46.baseline.mark) == ("wrong", "right")
    assert [record.id for record in dossier.scores] == [again.id]
    assert {source.id: source.shown for source in dossier.sources if source.evidence} == {
        again.id: True, weighed.comparison().id: True, first.id: False, theirs.id: False,
    }  # fmt: skip


def test_an_endpoint_is_named_by_what_it_calls_its_model(weighed: Any) -> None:
    """Without files there is a name all the same, and nothing about files is claimed."""
    dossier = compose(weighed.decision(), [weighed.score("knowledge-en", "en", 3, 10)])
    assert dossier.name == "SmolLM2-135M-Instruct.Q4_1.gguf"
    assert dossier.files is None


def test_a_body_that_is_not_of_its_kind_is_refused(weighed: Any) -> None:
    """The error names the statement and the field."""
    broken = weighed.stated("card/v1", {"source": "README.md", "licence": 7})
    with pytest.raises(UsageError, match=r"is not `card/v1`: `licence`"):
        compose(weighed.decision(), [broken])


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"rulings": [{}]}, "`rulings.0.rule`"),
        ({"rulings": None}, "`rulings`"),
        ({"evidence": None}, "`evidence`"),
        ({"evidence": [7]}, "`evidence.0`"),
        ({"verdict": "maybe"}, "`verdict`"),
        ({"on": "yesterday"}, "`on`"),
        ({"on": 20_000}, "`on`"),
        ({"expires_on": None}, "`expires_on`"),
        ({"expires_on": "2027-02-30"}, "`expires_on`"),
        ({"use": "anything"}, "`use`"),
        ({"conditions": "none"}, "`conditions`"),
        ({"colour": "red"}, "`decision/v1`"),
        ({"use": {"n": float("nan")}}, "nan"),
        ({"use": {"n": 2**60}}, "safe integer"),
    ],
)
def test_a_decision_that_cannot_be_read_is_refused(weighed: Any, changed: dict[str, Any], place: str) -> None:
    """A foreign exception never leaves the room, and the message says which field is wrong."""
    with pytest.raises(UsageError, match=f"the decision cannot be read: .*{place}"):
        compose(weighed.decision(**changed), [])


@pytest.mark.parametrize("field", ["verdict", "subject", "policy_digest", "use", "on", "rulings", "conditions"])
def test_a_decision_without_a_field_is_refused(weighed: Any, field: str) -> None:
    """The field that is missing is named."""
    short_of = {key: value for key, value in weighed.decision().items() if key != field}
    with pytest.raises(UsageError, match=f"cannot be read: `{field}`: Field required"):
        compose(short_of, [])


@pytest.mark.parametrize("value", [None, [], "reject", 7])
def test_what_is_no_table_is_no_decision(value: object) -> None:
    """A statement may hold anything where its decision should be."""
    with pytest.raises(UsageError, match="the decision cannot be read"):
        compose(value, [])


@pytest.mark.parametrize(
    ("operator", "observed"), [("at-least", {"value": "x", "low": 0, "high": 1, "n": 2}), ("in", {})]
)
def test_odd_values_of_a_ruling_are_shown_as_they_are(weighed: Any, operator: str, observed: object) -> None:
    """A threshold that is no number and an estimate that is none are text, not a failure."""
    score = weighed.score("knowledge-en", "en", 3, 10)
    demand = ("score/v1", "accuracy", operator, ["a", "b"])
    ruling = weighed.ruling("odd", "unknown", demand, "b", evidence=[score.id], observed=observed)
    dossier = compose(weighed.decision(rulings=[ruling]), [score])
    assert dossier.demands(dossier.scores[0], "accuracy") == ()
    assert "a, b" in html.render(dossier).decode()
    assert "a, b" in markdown.render(dossier).decode()


def test_demands_are_found_beside_their_measure(dossier: Dossier) -> None:
    """The rule on English knowledge bounds the English score and no other."""
    english, chinese = dossier.scores
    assert [(one.operator, one.threshold) for one in dossier.demands(english, "accuracy")] == [("at-least", 0.4)]
    assert [(one.operator, one.threshold) for one in dossier.demands(chinese, "accuracy")] == [("at-least", 0.3)]


@pytest.mark.parametrize("policy", sorted(shipped_policies()))
def test_what_decide_writes_can_be_composed_and_rendered(weighed: Any, policy: str) -> None:
    """The real decision by every shipped policy comes through, and its tally is that of the decision."""
    decision = decide(load_policy(policy), weighed.evidence(), subject=weighed.SUBJECT, on=weighed.DAY)
    dossier = compose(decision.to_json(), weighed.evidence())
    tally = dossier.tally
    assert tally.total == len(decision.rulings)
    counted = (decision.met, decision.failed, decision.unknown, decision.waived)
    assert (tally.met, tally.not_met, tally.unknown, tally.waived) == counted
    for render in (html.render, markdown.render):
        assert load_locale("zh")(f"verdict.{decision.verdict}") in render(dossier, "zh").decode()


def test_what_was_looked_at_is_counted(dossier: Dossier) -> None:
    """One finding in one file, one disagreement in the anatomy, four answers without a mark; no licence text read."""
    looks = {look.area: look for look in dossier.looks}
    assert (looks["files"].looked, looks["files"].found) == (1, 1)
    assert (looks["anatomy"].looked, looks["anatomy"].found) == (1, 1)
    assert (looks["score"].looked, looks["score"].found, looks["score"].left) == (304, None, 4)
    assert looks["licence-text"].looked == 0
