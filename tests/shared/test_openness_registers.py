from __future__ import annotations

import csv
import io
import json
import os
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.inspection.openness.answers import answered_item, parse_answers
from weighbridge.inspection.openness.facts import Facts
from weighbridge.inspection.openness.frameworks import Framework, frameworks
from weighbridge.inspection.openness.grade import grade, mof_class, mof_progress
from weighbridge.inspection.openness.shown import judge_item

if TYPE_CHECKING:
    from weighbridge.core.kinds.openness import OpenItemBody

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("WEIGHBRIDGE_SHARED", ROOT.parent / "shared"))
OPENNESS = SHARED / "data" / "openness"
TODAY = date(2026, 11, 22)
MODELS = (
    [json.loads(line) for line in (OPENNESS / "mot_models.jsonl").read_text("utf-8").splitlines()]
    if OPENNESS.is_dir()
    else []
)


def _table(name: str) -> list[dict[str, str]]:
    """Return the rows of a shared table."""
    return list(csv.DictReader(io.StringIO((OPENNESS / name).read_text("utf-8"))))


PROJECTS = _table("opening_up_projects.csv") if OPENNESS.is_dir() else []
# the tool compares names of licences by case, and its register once writes `apache-2.0`, as hubs do; to us that is one
ANY_CASE = {"Jiang-Base.yml": ["Inference code"]}
# columns of the predecessor (opening-up-chatgpt.github.io) and the dimensions that they became
DIMENSIONS = {
    "llmdata": "base-data", "rldata": "end-data", "llmweights": "base-weights", "rlweights": "end-weights",
    "code": "code-documentation", "preprint": "preprint", "paper": "paper", "modelcard": "model-card",
    "datasheet": "datasheet", "package": "package", "api": "api", "license": "licences", "opencode": "training-code",
}  # fmt: skip

pytestmark = [pytest.mark.shared, pytest.mark.skipif(not MODELS, reason=f"{OPENNESS} is absent")]


def _framework(name: str) -> Framework:
    return next(one for one in frameworks() if one.id == name)


def _answered(name: str, rows: list[dict[str, Any]]) -> list[OpenItemBody]:
    """Return a framework's items with answers where there are some, and nothing in the files."""
    framework = _framework(name)
    answers = parse_answers({"answer": rows}, "answers", "sha256:0")
    return [
        answered_item(framework, item, answers[name, item.id])
        if (name, item.id) in answers
        else judge_item(item, Facts(), name)
        for item in framework.items
    ]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: str(model["file"]))
def test_the_model_openness_tool_is_reproduced(model: dict[str, Any]) -> None:
    """Class, progress and open components of every model in the register of lfai/model_openness_tool."""
    framework = _framework("mof")
    kinds = {row["component"]: row["content_type"] for row in _table("mof_components.csv")}
    given = model["license"] or {}
    rows: list[dict[str, Any]] = []
    for component in model["components"]:
        name = component["name"]
        by_kind = given.get(kinds[name]) or given.get("distribution") or {}
        licence = component.get("license") or by_kind.get("name")
        item = next(item.id for item in framework.items if item.name == name)
        stands = {"licence": licence} if licence else {"state": "closed"}
        rows.append({"framework": "mof", "item": item, "by": "register", "on": TODAY, **stands})
    items = _answered("mof", rows)
    names = {item.name for item in items if item.state == "open"}
    assert sorted(names) == sorted(model["expect"]["open_components"] + ANY_CASE.get(model["file"], []))
    assert mof_class(names, items) == model["expect"]["mof_class"]
    assert {str(key): value for key, value in mof_progress(names, items).items()} == model["expect"]["progress"]
    word = {0: {"not shown", "no class"}, 3: {"Class III"}, 2: {"Class II"}, 1: {"Class I"}}
    assert grade(framework, items).grade in word[model["expect"]["mof_class"]]


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: str(project["file"]))
def test_the_index_counts_what_its_editors_marked(project: dict[str, str]) -> None:
    """Each filled-in project of the index's predecessor: marks carried one to one, the rest stays unknown."""
    marks = {item: project[column] for column, item in DIMENSIONS.items() if project[column]}
    rows = [
        {"framework": "osai-index", "item": item, "state": state, "by": "editors", "on": TODAY}
        for item, state in marks.items()
    ]
    body = grade(_framework("osai-index"), _answered("osai-index", rows))
    for state in ("open", "partial", "closed"):
        assert body.counts[state] == list(marks.values()).count(state)
    assert body.counts["unknown"] == 14 - len(marks)


def test_the_shipped_list_is_the_tools_own() -> None:
    """Every component and licence that the tool knows is in our tables, and nothing else is."""
    framework = _framework("mof")
    rows = {row["component"]: row for row in _table("mof_components.csv")}
    groups = {"3": "Class III", "2": "Class II", "1": "Class I"}
    assert {item.name: (item.group, str(item.required)) for item in framework.items} == {
        name: (groups[row["mof_class"]], row["required"]) for name, row in rows.items()
    }
