from __future__ import annotations

from typing import Any

import pytest

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


def test_the_newest_files_statement_names_the_model(weighed: Any) -> None:
    """An older statement of the same kind stays in the list of evidence only."""
    older = weighed.stated("files/v1", weighed.files().body | {"name": "old name"}, made_on=weighed.DAY.replace(day=1))
    dossier = compose(weighed.decision(), [older, *weighed.evidence()])
    assert dossier.name == "SmolLM2-135M-Instruct"
    assert [source.shown for source in dossier.sources if source.id == older.id] == [False]


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


@pytest.mark.parametrize("changed", [{"rulings": [{}]}, {"rulings": None}, {"evidence": None}])
def test_a_decision_that_cannot_be_read_is_refused(weighed: Any, changed: dict[str, Any]) -> None:
    """A foreign exception never leaves the room."""
    with pytest.raises(UsageError, match="the decision cannot be read"):
        compose(weighed.decision(**changed), [])


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
    assert dossier.tally.total == len(decision.rulings)
    assert (dossier.tally.met, dossier.tally.waived) == (decision.met, decision.waived)
    for render in (html.render, markdown.render):
        assert load_locale("zh")(f"verdict.{decision.verdict}") in render(dossier, "zh").decode()


def test_what_was_looked_at_is_counted(dossier: Dossier) -> None:
    """One finding in one file, no disagreement in the anatomy, four answers without a mark; no licence text read."""
    looks = {look.area: look for look in dossier.looks}
    assert (looks["files"].looked, looks["files"].found) == (1, 1)
    assert (looks["anatomy"].looked, looks["anatomy"].found) == (1, 0)
    assert (looks["score"].looked, looks["score"].found, looks["score"].left) == (304, None, 4)
    assert looks["licence-text"].looked == 0
