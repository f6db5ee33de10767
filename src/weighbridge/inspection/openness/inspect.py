"""Inspect how open a model is, framework by framework: openness/v1, from files, claims and a reviewer's answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from weighbridge.core.digest import digest_of
from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds.openness import OpennessV1
from weighbridge.inspection.folder import Folder
from weighbridge.inspection.openness.answers import answered_item
from weighbridge.inspection.openness.facts import read_facts
from weighbridge.inspection.openness.frameworks import frameworks
from weighbridge.inspection.openness.grade import grade
from weighbridge.inspection.openness.shown import judge_item

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.kinds.openness import FrameworkBody
    from weighbridge.inspection.openness.answers import Answers
    from weighbridge.inspection.openness.facts import Facts

__all__ = ["inspect_openness"]

_KIND = "openness/v1"
_USED = ("card/v1", "anatomy/v2", "licence/v1")
Standing = Literal[
    "open source", "open weight", "open weight by its tag", "weights under restrictions", "no weights", "unknown"
]


def inspect_openness(
    artefact: Artefact, made_on: date, stated: Sequence[Evidence], answers: Answers | None = None
) -> Evidence:
    """State how open a model is (openness/v1); `stated` is the evidence on it so far, `answers` are a reviewer's.

    An answer stands over what the files show; where they disagree a note says so.
    """
    facts = read_facts(Folder(artefact), stated)
    facts.is_on_hub = artefact.reference.kind in {"hf", "ms"}
    answers = answers or {}
    graded, notes = [], []
    for framework in frameworks():
        items = []
        for item in framework.items:
            shown = judge_item(item, facts, framework.id)
            row = answers.get((framework.id, item.id))
            if row is not None:
                given = answered_item(framework, item, row)
                if "unknown" not in {shown.state, given.state} and shown.state != given.state:
                    notes.append(f"{framework.id} {item.id}: answered {given.state}; the files show {shown.state}")
                shown = given
            items.append(shown)
        graded.append(grade(framework, items))
    standing, sentence = _standing(facts, graded)
    body = OpennessV1(standing=standing, sentence=sentence, frameworks=graded, answered=len(answers), notes=notes)
    inputs = tuple(statement.id for statement in stated if statement.kind in _USED)
    if answers:
        rows = [{**row, "on": row["on"].isoformat()} for row in answers.values()]
        inputs += (digest_of(sorted(rows, key=lambda row: (row["framework"], row["item"]))),)
    return Evidence(artefact.digest, _KIND, body.model_dump(mode="json"), inputs, OURS, made_on)


def _standing(facts: Facts, graded: list[FrameworkBody]) -> tuple[Standing, str]:
    """Return the standing and the one plain sentence that says what it means."""
    osaid = next(framework for framework in graded if framework.id == "osaid")
    if osaid.grade == "met":
        return "open source", "Open source by OSAID 1.0: weights, code and data information are open, item by item."
    if not facts.weights:
        return "no weights", "No weights lie with these files, so there is nothing whose openness could be stated."
    permit = facts.permit("osi")
    permit = facts.permit("mof") if permit.state != "open" and facts.permit("mof").state == "open" else permit
    shown = f"{osaid.counts['open']} of its {len(osaid.items)} items are shown to be open"
    lacks = f"open source by OSAID 1.0 it is not, or not shown to be: {shown}"
    if permit.state == "open":
        return "open weight", f"Open weight: anybody may use and change the weights, {permit.because}; {lacks}."
    if permit.state == "closed":
        said = f"Weights under restrictions, not open source: they can be downloaded, and {permit.because}."
        return "weights under restrictions", said
    if permit.basis == "claimed":
        return "open weight by its tag", f"Open weight by its tag alone: {permit.because}; {lacks}."
    return "unknown", f"The weights are here, and what may be done with them is not known: {permit.because}."
