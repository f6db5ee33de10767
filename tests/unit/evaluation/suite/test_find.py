"""Finding suites: shipped, recipes with and without data, places; and what the shelf remembers."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from weighbridge.errors import NotFound, SuiteError, UsageError
from weighbridge.evaluation.suite import find_suite, shipped_recipes, shipped_suites
from weighbridge.evaluation.suite.file import read_suite_file
from weighbridge.evaluation.suite.shelf import Shelf
from weighbridge.workflow.evaluation.suites import add_copy, check_suite, describe, fetch_copy, list_suites

DAY = date(2026, 11, 22)
ROW = {"question": "Two and two?", "answer": "2+2=4\n#### 4"}


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """Return an empty shelf."""
    return Shelf(tmp_path / "shelf")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a folder with one question of GSM8K's form."""
    folder = tmp_path / "gsm8k"
    folder.mkdir()
    (folder / "test.jsonl").write_text(json.dumps(ROW) + "\n")
    return folder


def test_a_recipe_without_data_says_how_to_get_them(shelf: Shelf) -> None:
    """The licence, and three ways; a licence that forbids commerce leaves out the fetching."""
    with pytest.raises(NotFound, match=r"not part of Weighbridge \(MIT\)") as caught:
        find_suite("gsm8k", shelf=shelf)
    hint = str(caught.value.hint)
    assert all(way in hint for way in ("--data FOLDER", "suites add gsm8k FOLDER", "suites fetch gsm8k", "github.com"))
    with pytest.raises(NotFound, match="CC-BY-NC") as caught:
        find_suite("ceval", shelf=shelf)
    assert "fetch" not in str(caught.value.hint)


def test_data_in_a_folder(shelf: Shelf, data: Path) -> None:
    """`--data` reads the rows where they lie, a folder or the file itself."""
    for place in (data, data / "test.jsonl"):
        suite = find_suite("gsm8k", place, shelf=shelf)
        assert (suite.name, [item.answer for item in suite.items]) == ("gsm8k", ["4"])
    with pytest.raises(SuiteError, match="ships with its questions"):
        find_suite("latency", data, shelf=shelf)


def test_added_data_are_remembered_with_their_digest(shelf: Shelf, data: Path) -> None:
    """The suite is found by name from then on; data that change are refused until they are added again."""
    suite, note = add_copy("gsm8k", data, shelf, DAY)
    assert (note.folder, note.licence, list(note.files)) == (data, "MIT", ["test.jsonl"])
    assert find_suite("gsm8k", shelf=shelf).digest == suite.digest
    assert next(row for row in list_suites(shelf) if row.name == "gsm8k").state == "here"
    (data / "test.jsonl").write_text(json.dumps(ROW | {"answer": "#### 5"}) + "\n")
    with pytest.raises(SuiteError, match="is not what was added on 2026-11-22"):
        find_suite("gsm8k", shelf=shelf)
    add_copy("gsm8k", data, shelf, DAY)
    assert find_suite("gsm8k", shelf=shelf).items[0].answer == "5"


def test_wrong_data_are_not_added(shelf: Shelf, tmp_path: Path) -> None:
    """They are read whole before anything is remembered."""
    with pytest.raises(SuiteError, match="holds no data of `mmlu`"):
        add_copy("mmlu", tmp_path, shelf, DAY)
    with pytest.raises(NotFound, match="there is no recipe `gsm8`"):
        add_copy("gsm8", tmp_path, shelf, DAY)
    with pytest.raises(NotFound, match="there is no"):
        add_copy("gsm8k", tmp_path / "nowhere", shelf, DAY)
    assert not shelf.folder.exists()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"folder": 3}', "\udcff", '{"files": {}, "folder": "x"}'])
def test_a_damaged_note_is_refused(shelf: Shelf, text: str) -> None:
    """Whatever stands in it: an error with what to do, never a traceback."""
    shelf.folder.mkdir(parents=True)
    shelf.note("gsm8k").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SuiteError) as caught:
        find_suite("gsm8k", shelf=shelf)
    assert "suites add gsm8k" in str(caught.value.hint)


def test_nothing_is_fetched_before_the_licence_is_accepted_by_name(shelf: Shelf) -> None:
    """No network is touched; what may only be the user's own copy is never fetched."""
    for accepted in (None, "yes", "Apache-2.0"):
        with pytest.raises(UsageError, match="under MIT") as caught:
            fetch_copy("gsm8k", accepted, shelf, DAY)
        assert "--accept MIT" in str(caught.value.hint)
    with pytest.raises(UsageError, match="is not fetched"):
        fetch_copy("cmmlu", "CC-BY-NC-4.0", shelf, DAY)


def test_terms_are_said_before_anything_is_asked(shelf: Shelf, tmp_path: Path) -> None:
    """A suite under a non-commercial licence carries it as a notice, and its licence goes into evidence."""
    for split in ("test", "dev"):
        (tmp_path / split).mkdir()
        lines = "".join(f"{n},{split} {n}?,w,x,y,z,B\n" for n in range(6))
        (tmp_path / split / "anatomy.csv").write_text(",Question,A,B,C,D,Answer\n" + lines)
    suite = find_suite("cmmlu", tmp_path, shelf=shelf)
    assert suite.licence == "CC-BY-NC-4.0"
    assert any("not for commercial use" in notice for notice in suite.notices)
    assert describe("ceval", None, shelf)["notices"][0].startswith("`ceval` is under CC-BY-NC-SA-4.0")


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_every_recipe_can_be_described(name: str, shelf: Shelf) -> None:
    """Its TOML is sound, says its licence, source and where its data are, and takes its own name."""
    file = read_suite_file(shipped_recipes()[name])
    content = describe(name, None, shelf)
    assert file.suite.name == name
    assert file.data
    assert file.get
    assert file.suite.licence != "not stated"
    assert (content["questions"], content["suite"]["name"]) == (None, name)
    assert name not in shipped_suites()
    if "NC" in file.suite.licence:
        assert file.fetch is None
        assert file.terms is not None


def test_check_names_what_a_reader_would_ask(shelf: Shelf, tmp_path: Path) -> None:
    """Doubles, choices alike, one letter right too often, few questions, no licence."""
    rows = [{"question": f"q{n // 2}", "choices": ["x", "x", "y", "z"], "answer": "C"} for n in range(40)]
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    _, remarks = check_suite(str(tmp_path / "mine.jsonl"), None, shelf)
    said = "\n".join(remarks)
    assert "40 questions stand more than once" in said
    assert "40 questions have two choices alike" in said
    assert "`C` is right for 40 of 40" in said
    assert "no licence is stated" in said


def test_the_description_shows_the_first_request(shelf: Shelf, data: Path) -> None:
    """As an engine gets it, with the examples before it."""
    content = describe("gsm8k", data, shelf)
    assert content["first_request"]["form"] == "chat"
    assert content["first_request"]["text"].startswith("Two and two?")
    assert len(content["first_request"]["turns"]) == 8
    assert content["questions"] == 1


def test_the_shelf_is_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By the variable of ours, else by XDG's."""
    monkeypatch.delenv("WEIGHBRIDGE_SUITES", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert Shelf.here().folder == tmp_path / "weighbridge" / "suites"
    monkeypatch.setenv("WEIGHBRIDGE_SUITES", "/s")
    assert Shelf.here().folder == Path("/s")
