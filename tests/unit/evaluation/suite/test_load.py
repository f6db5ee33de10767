"""Suites from TOML: examples, sampling, digest; and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.errors import SuiteError
from weighbridge.evaluation.suite import load_suite

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.evaluation.suite import Suite

HEAD = '[suite]\nname = "mine"\nscorer = "exact"\n[prompt]\nchat = "$question"\ncompletion = "Q: $question\\nA:"\n'
DATA = (
    '[data]\nfiles = "rows.jsonl"\nsplits.dev = "dev.jsonl"\n'
    'item = { question = "q", answer = "a", group = "g", worked = "w" }\n'
)


def suite(folder: Path, toml: str, rows: int = 6, dev: int = 4) -> Suite:
    """Write and load a suite of questions in two groups."""
    for name, count in (("rows", rows), ("dev", dev)):
        lines = [{"q": f"{name} {n}?", "a": f"{n}", "g": "xy"[n % 2], "w": f"so {n}"} for n in range(count)]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "suite.toml").write_text(toml)
    return load_suite(folder)


def test_six_lines_are_a_suite(tmp_path: Path) -> None:
    """What the error about an unclear table prints can be written as it stands, with the columns filled in."""
    (tmp_path / "my.jsonl").write_text('{"frage": "2+2", "antwort": "4"}\n')
    (tmp_path / "suite.toml").write_text(
        'suite = { name = "mine", scorer = "exact" }\nprompt = { chat = "$question" }\n[data]\nfiles = "my.jsonl"\n'
        'item.question = "frage"\nitem.answer = "antwort"\n'
    )
    found = load_suite(tmp_path)
    assert [(item.question, item.answer) for item in found.items] == [("2+2", "4")]
    assert (found.licence, found.language, found.scorer) == ("not stated", "und", "exact")


def test_examples_come_from_a_split_of_the_same_group(tmp_path: Path) -> None:
    """MMLU's way: k of the group's dev rows, in their order, worked answers shown; the header names the group."""
    found = suite(
        tmp_path, HEAD + DATA + '[shots]\nk = 2\nsplit = "dev"\nby_group = true\nheader = "About $group.\\n\\n"\n'
    )
    item = next(item for item in found.items if item.question == "rows 1?")
    assert item.group == "y"
    assert [item.group for item in found.items] == list("xxxyyy")
    assert found.prompt(item, "completion") == (
        "About y.\n\nQ: dev 1?\nA: so 1\n\nQ: dev 3?\nA: so 3\n\nQ: rows 1?\nA:"
    )
    assert found.turns(item, "chat") == (
        ("user", "dev 1?"), ("assistant", "so 1"), ("user", "dev 3?"), ("assistant", "so 3"),
    )  # fmt: skip
    assert found.prompt(item, "chat") == "rows 1?"
    assert found.instruction(item, "chat") == "About y."


def test_a_chat_may_hold_its_examples_in_one_text(tmp_path: Path) -> None:
    """`chat = "text"` sends no turns."""
    found = suite(
        tmp_path,
        HEAD + DATA + '[shots]\nk = 1\nsplit = "dev"\nchat = "text"\njoin = "\\n--\\n"\nanswer = "\\n$answer"\n',
    )
    assert found.turns(found.items[0], "chat") == ()
    assert found.prompt(found.items[0], "chat") == "dev 0?\nso 0\n--\nrows 0?"


def test_a_question_is_never_its_own_example(tmp_path: Path) -> None:
    """Items set apart are not asked; a split that holds the question gives another example in its place."""
    apart = suite(tmp_path, HEAD + DATA + '[shots]\nk = 2\nsplit = "items"\nby_group = true\n')
    assert [item.question for item in apart.items] == ["rows 4?", "rows 5?"]
    assert [one.question for one in apart.shots_of(apart.items[0])] == ["rows 0?", "rows 2?"]
    same = DATA.replace('"dev.jsonl"', '"rows.jsonl"')
    leaked = suite(tmp_path, HEAD + same + '[shots]\nk = 2\nsplit = "dev"\n')
    for item in leaked.items:
        shown = [one.question for one in leaked.shots_of(item)]
        assert len(shown) == 2
        assert item.question not in shown


def test_the_digest_covers_what_is_asked_and_not_where_it_lies(tmp_path: Path) -> None:
    """Examples, sampling, prompts and rows change it; the files' names and forms do not."""
    base = suite(tmp_path, HEAD + DATA).digest
    shots = '[shots]\nk = 2\nsplit = "dev"\n'
    digests = {
        base,
        suite(tmp_path, HEAD + DATA + shots).digest,
        suite(tmp_path, HEAD + DATA + shots.replace("2", "1")).digest,
        suite(tmp_path, HEAD + DATA + "[generation]\nsamples = 2\n").digest,
        suite(tmp_path, HEAD + DATA + '[generation]\nstop = ["x"]\n').digest,
        suite(tmp_path, HEAD.replace("Q:", "R:") + DATA).digest,
        suite(tmp_path, HEAD + DATA, rows=5).digest,
    }
    assert len(digests) == 7
    assert suite(tmp_path, HEAD + DATA + "[generation]\ntemperature = 0.0\n").digest == base
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "rows.csv").write_text(
        "q,a,g,w\n" + "".join(f"rows {n}?,{n},{'xy'[n % 2]},\n" for n in range(6))
    )
    toml = HEAD + DATA.replace('files = "rows.jsonl"', 'files = "*.csv"')
    (tmp_path / "suite.toml").write_text(toml)
    moved = load_suite(tmp_path, tmp_path / "elsewhere")
    # ids come from the place in the file, which a header moves by a line
    assert [(item.question, item.answer) for item in moved.items] == [(f"rows {n}?", f"{n}") for n in range(6)]


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("knowledge-en", "sha256:7bd20e91accff896216f7b4bdea73eff5493f09feaa1e7f96b19368fe8905a22"),
        ("knowledge-zh", "sha256:01f817229298aaf8aea71dcef2a5a0c6b5db5b748f591c891b67b5d627301516"),
        ("latency", "sha256:f40804efe816db2419096652a1b5ee754c30aee26957836c0eb432ae424c32a8"),
        ("refusals-en", "sha256:00621500eaaeac55e7a3b89cac3640e675098293f125b8a56f1d3fc2c6257d31"),
        ("refusals-zh", "sha256:69339bbce09dea8f278a0970a786c08fe5f0cfc96ca0148583367695dab8c14a"),
    ],
)
def test_suites_from_before_keep_their_digest(name: str, digest: str) -> None:
    """Digests as of 2026-11-22: evidence that cites them stays evidence of the same questions."""
    from weighbridge.evaluation.suite import shipped_suites

    assert load_suite(shipped_suites()[name]).digest == digest


SHOTS = '[shots]\nk = 3\nsplit = "dev"\n'
FETCH = '[fetch]\nhub = "hf"\nrepository = "a/b"\ncommit = "' + "0" * 40 + '"\nfiles = { "../x" = "y" }\n'
REFUSED: list[tuple[str, str]] = [
    (HEAD.replace("$question", "$antwort"), r"may hold `\$question` and `\$choices` only"),
    (HEAD + DATA + '[shots]\nk = 1\nsplit = "train"\n', "takes its examples from the split `train`"),
    (HEAD + DATA + SHOTS + "by_group = true\n", "wants 3 examples, and there are fewer for the group `x`"),
    (HEAD + DATA + "[shots]\nk = 1\n", "wants 1 examples, and there are fewer"),
    (HEAD + DATA + '[shots]\nk = 9\nsplit = "items"\n', "none is left to ask"),
    (HEAD + DATA.replace("rows.jsonl", "other-*.jsonl"), "holds no data of `mine`"),
    (HEAD + DATA.replace('"q"', '"nothing"'), "no column `nothing`"),
    (HEAD + DATA + "[generation]\nsamples = 0\n", "samples"),
    (HEAD + "[needles]\ntokens = 2000000\nitems = 1000\n", "longer than 60 million"),
    (HEAD.replace('"exact"', '"exakt"') + DATA, "scorer `exakt`"),
    (HEAD + DATA + "[surprise]\n", "surprise"),
    ("not toml", "is not TOML"),
    ('[prompt]\nchat = "$question"\n', "suite"),
    (HEAD + DATA + FETCH, "leads out"),
]  # fmt: skip


@pytest.mark.parametrize(("toml", "said"), REFUSED)
def test_what_cannot_be_asked_is_refused(tmp_path: Path, toml: str, said: str) -> None:
    """One sentence with the place, never a traceback."""
    with pytest.raises(SuiteError, match=said):
        suite(tmp_path, toml)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    """A received folder may hold links; what they lead to is not its data."""
    (tmp_path / "secret.jsonl").write_text('{"q": "?", "a": "1", "g": "", "w": ""}\n')
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "rows.jsonl").symlink_to(tmp_path / "secret.jsonl")
    (tmp_path / "s" / "suite.toml").write_text(HEAD + DATA)
    with pytest.raises(SuiteError, match="leads out of the folder"):
        load_suite(tmp_path / "s")


def test_a_number_that_json_cannot_carry_is_refused(tmp_path: Path) -> None:
    """RFC 8785 has no integer beyond 2**53; the digest would be another on another machine."""
    (tmp_path / "rows.jsonl").write_text('{"q": "?", "big": 123456789012345678901}\n')
    content: Any = '[data]\nfiles = "rows.jsonl"\nitem = { question = "q", data = { big = "big" } }\n'
    (tmp_path / "suite.toml").write_text(HEAD + content)
    with pytest.raises(SuiteError, match="JSON cannot carry"):
        load_suite(tmp_path)


def test_a_prompt_that_asks_the_same_of_all_is_refused(tmp_path: Path) -> None:
    """Without `$question` all items would ask the same; the error says where."""
    with pytest.raises(SuiteError, match=r"suite.toml.*`chat` prompt does not hold `\$question`: 6 questions"):
        suite(tmp_path, HEAD.replace('chat = "$question"', 'chat = "What?"') + DATA)


def test_answers_without_a_number_are_refused_for_the_number_scorer(tmp_path: Path) -> None:
    """Every such item would be unscored; the first ones are named."""
    (tmp_path / "rows.jsonl").write_text('{"q": "a?", "a": "5"}\n{"q": "b?", "a": "five"}\n')
    (tmp_path / "suite.toml").write_text(
        HEAD.replace("exact", "number") + '[data]\nfiles = "rows.jsonl"\nitem = { question = "q", answer = "a" }\n'
    )
    with pytest.raises(SuiteError, match=r"1 items have none: .*`five`"):
        load_suite(tmp_path)
