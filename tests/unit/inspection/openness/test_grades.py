from __future__ import annotations

import json
import re
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.kinds import OpennessV1
from weighbridge.errors import UsageError
from weighbridge.inspection.inspect import inspect_artefact
from weighbridge.inspection.openness.answers import parse_answers, read_answers
from weighbridge.inspection.openness.frameworks import frameworks, is_open_licence
from weighbridge.inspection.openness.inspect import inspect_openness
from weighbridge.testing.pinned import pin
from weighbridge.testing.tiny_weights import safetensors_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.core.kinds.openness import FrameworkBody, OpenItemBody

TODAY = date(2026, 11, 22)
MIT = """MIT License

Copyright (c) 2026 A. Maker

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without
limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the
Software, and to permit persons to whom the Software is furnished to do so, subject to the following
conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions
of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED
TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL
THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF
CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER
DEALINGS IN THE SOFTWARE.
"""


def _model(folder: Path, card: str, licence: str | None = None) -> Path:
    """Write a repository with weights, a card, and a licence if one is given."""
    folder.mkdir(exist_ok=True)
    (folder / "model.safetensors").write_bytes(safetensors_bytes({"a": ("F32", (2,), 8)}))
    (folder / "README.md").write_text(card)
    if licence:
        (folder / "LICENSE").write_text(licence)
    return folder


def _openness(path: Path, answers: dict[str, Any] | None = None) -> OpennessV1:
    artefact = pin(path)
    given = parse_answers(answers, "answers", artefact.digest) if answers else None
    stated = inspect_artefact(artefact, TODAY)
    return OpennessV1.model_validate(inspect_openness(artefact, TODAY, stated, given).body)


def _framework(body: OpennessV1, name: str) -> FrameworkBody:
    return next(one for one in body.frameworks if one.id == name)


def _item(body: OpennessV1, framework: str, name: str) -> OpenItemBody:
    return next(item for item in _framework(body, framework).items if item.id == name)


def _all(framework: str, state: str = "open") -> list[dict[str, Any]]:
    """Answer every item of a framework."""
    found = next(one for one in frameworks() if one.id == framework)
    return [{"framework": framework, "item": item.id, "state": state, "by": "R", "on": TODAY} for item in found.items]


def test_the_frameworks_have_their_published_sizes() -> None:
    """The MOF has 17 components, 14 of them required; the index 14 dimensions; OSAID 4 freedoms and 7 items."""
    items = {one.id: one.items for one in frameworks()}
    assert {name: len(each) for name, each in items.items()} == {"osaid": 11, "mof": 17, "osai-index": 14}
    assert sum(item.required for item in items["mof"]) == 14
    assert [item.group for item in items["osaid"]].count("Freedoms") == 4


def test_a_licence_text_shows_open_weights_and_no_open_source(tmp_path: Path) -> None:
    """An MIT text beside weights: the weights are open, and unknown data keep it from being open source."""
    body = _openness(_model(tmp_path / "m", "---\nlicense: mit\n---\n# A model\n", MIT))
    assert body.standing == "open weight"
    parameters = _item(body, "osaid", "parameters")
    assert (parameters.state, parameters.basis, parameters.licence) == ("open", "derived", "mit")
    assert _framework(body, "osaid").grade == "not shown"
    assert "Class III lacks" in _framework(body, "mof").why


def test_a_tag_alone_counts_as_nothing(tmp_path: Path) -> None:
    """A tag is never the licence: the item stays unknown, and the sentence says by what alone it would be open."""
    body = _openness(_model(tmp_path / "m", "---\nlicense: apache-2.0\n---\n"))
    assert body.standing == "open weight by its tag"
    assert (_item(body, "osaid", "parameters").state, _item(body, "osaid", "parameters").basis) == (
        "unknown",
        "claimed",
    )


@pytest.mark.parametrize("tag", ["cc-by-nc-4.0", "llama3.1", "gemma", "openrail"])
def test_a_restricted_tag_is_no_open_weight(tmp_path: Path, tag: str) -> None:
    """A publisher that claims a restricted licence is believed: OSAID is not met."""
    body = _openness(_model(tmp_path / "m", f"---\nlicense: {tag}\n---\n"))
    assert body.standing == "weights under restrictions"
    assert _framework(body, "osaid").grade == "not met"


def test_a_restricted_base_counts_against_a_free_text(tmp_path: Path) -> None:
    """MIT over a Llama derivative frees nothing that the base's terms bind."""
    card = "---\nlicense: mit\nbase_model: meta-llama/Llama-3.3-70B-Instruct\n---\n"
    body = _openness(_model(tmp_path / "m", card, MIT))
    assert body.standing == "weights under restrictions"
    assert "llama-3.3" in body.sentence


def test_what_a_card_points_to_is_claimed_with_its_link(tmp_path: Path) -> None:
    """Papers, repositories and data sets are claims: linked, and unknown until somebody looks."""
    card = (
        "---\nlicense: mit\ndatasets:\n- maker/corpus\n---\nSee https://arxiv.org/abs/2501.12948 and "
        "https://github.com/maker/code for more.\n"
    )
    body = _openness(_model(tmp_path / "m", card, MIT))
    claimed = [_item(body, "mof", name) for name in ("technical-report", "training-code", "datasets")]
    assert {(item.state, item.basis) for item in claimed} == {("unknown", "claimed")}
    assert [item.link for item in claimed] == [
        "https://arxiv.org/abs/2501.12948", "https://github.com/maker/code", "maker/corpus",
    ]  # fmt: skip


def test_a_gate_makes_weights_partly_open_in_the_index(tmp_path: Path) -> None:
    """Weights that have to be asked for are partial there; a licence of the weights alone is partial too."""
    body = _openness(_model(tmp_path / "m", "---\nlicense: mit\nextra_gated_prompt: agree\n---\n", MIT))
    assert _item(body, "osai-index", "end-weights").state == "partial"
    assert _item(body, "osai-index", "licences").state == "partial"


def test_no_weights_no_openness(tmp_path: Path) -> None:
    """A config and a card alone are not a model."""
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n")
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "training_args.bin").write_bytes(b"x")
    assert _openness(tmp_path).standing == "no weights"


def test_answers_of_a_reviewer_make_open_source(tmp_path: Path) -> None:
    """Every item of OSAID answered open: met, with name and day; one unknown and it is not shown."""
    path = _model(tmp_path / "m", "---\nlicense: mit\n---\n", MIT)
    rows = _all("osaid")
    body = _openness(path, {"answer": rows})
    assert (body.standing, _framework(body, "osaid").grade, body.answered) == ("open source", "met", 11)
    assert (_item(body, "osaid", "study").by, _item(body, "osaid", "study").on) == ("R", TODAY)
    rows[4]["state"] = "unknown"
    assert _framework(_openness(path, {"answer": rows}), "osaid").grade == "not shown"
    rows[4]["state"] = "partial"
    assert _framework(_openness(path, {"answer": rows}), "osaid").grade == "not met"


def test_an_answer_against_the_files_is_noted(tmp_path: Path) -> None:
    """The reviewer's word stands, and the disagreement is told."""
    path = _model(tmp_path / "m", "---\nlicense: cc-by-nc-4.0\n---\n")
    row = {"framework": "osaid", "item": "use", "state": "open", "by": "R", "on": TODAY}
    body = _openness(path, {"answer": [row]})
    assert body.notes == ["osaid use: answered open; the files show closed"]


def test_a_licence_that_is_not_open_closes_an_answer(tmp_path: Path) -> None:
    """An item called open under a licence that the framework does not accept is closed; without a state, by licence."""
    path = _model(tmp_path / "m", "---\nlicense: mit\n---\n", MIT)
    rows = [
        {"framework": "mof", "item": "datasets", "state": "open", "licence": "CC-BY-NC-4.0", "by": "R", "on": TODAY},
        {"framework": "mof", "item": "data-card", "licence": "CC-BY-4.0", "by": "R", "on": TODAY},
    ]
    body = _openness(path, {"answer": rows})
    assert _item(body, "mof", "datasets").state == "closed"
    assert _item(body, "mof", "data-card").state == "open"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[answer]]\nframework = 'osaid'\nitem = 'use'\nstate = 'open'\nby = 'R'", "`on`"),
        ("[[answer]]\nframework = 'osaid'\nitem = 'use'\nstate = 'yes'\nby = 'R'\non = 2026-11-22", "`state`"),
        ("[[answer]]\nframework = 'osaid'\nitem = 'usage'\nstate = 'open'\nby = 'R'\non = 2026-11-22", "no item"),
        ("[[answer]]\nframework = 'osaid'\nitem = 'use'\nstate = 'open'\nby = ' '\non = 2026-11-22", "`by`"),
        ("[[answer]]\nframework = 'osaid'\nnote = 1", "`note`"),
        ("subject = 'sha256:0'", "another artefact"),
        ("answers = 1", "`answers`"),
        ("answer = 1", "[[answer]]"),
        ("=", "is not TOML"),
    ],
)
def test_answers_that_cannot_be_followed_are_refused(tmp_path: Path, text: str, message: str) -> None:
    """An answer without a name, a day or a known item is worth nothing, and is said to be."""
    path = tmp_path / "answers.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=re.escape(message)):
        read_answers(path, "sha256:1")


def test_lists_of_licences_know_their_limits() -> None:
    """CC-BY-4.0 is open to the MOF and not OSI-approved; `other` names nothing."""
    assert is_open_licence("CC-BY-4.0", "mof")
    assert is_open_licence("cc-by-4.0", "osi") is False
    assert is_open_licence("apache-2.0", "osi")
    assert is_open_licence("other", "osi") is None


def test_evidence_rests_on_what_it_used(tmp_path: Path) -> None:
    """The statements and the answers are inputs; the body is plain JSON."""
    artefact = pin(_model(tmp_path / "m", "---\nlicense: mit\n---\n", MIT))
    stated = inspect_artefact(artefact, TODAY)
    answers = parse_answers({"answer": _all("mof", "unknown")}, "answers", artefact.digest)
    with_answers = inspect_openness(artefact, TODAY, stated, answers)
    plain = inspect_openness(artefact, TODAY, stated)
    assert len(with_answers.inputs) == len(plain.inputs) + 1
    assert json.loads(json.dumps(with_answers.body)) == with_answers.body
