"""Models that texts name: recall and precision over labelled texts of our own, and what hostile texts do."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.finding import Confidence
from weighbridge.inventory.found import Found, Unsearched
from weighbridge.inventory.texts.names import kind_of_text
from weighbridge.inventory.texts.text import Text, TextSearch
from weighbridge.knowledge.load import load_knowledge

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent
NAMED = tomllib.loads((HERE / "named.toml").read_text("utf-8"))["case"]
UNNAMED = tomllib.loads((HERE / "unnamed.toml").read_text("utf-8"))["case"]


@pytest.fixture(scope="module")
def texts() -> TextSearch:
    """Return one search over the tables that ship."""
    return TextSearch(load_knowledge())


def found_in(texts: TextSearch, path: str, data: bytes | str) -> list[Found]:
    """Return what a text of a name holds."""
    kind = kind_of_text(path.rpartition("/")[2])
    raw = data if isinstance(data, bytes) else data.encode()
    return [one for one in (texts.search([Text(raw, path, kind)]) if kind else ()) if isinstance(one, Found)]


def names(found: Sequence[Found]) -> set[str]:
    """Return what was named."""
    return {one.name for one in found}


@pytest.mark.parametrize("case", NAMED, ids=lambda case: case["path"])
def test_a_text_names_what_a_reader_would_say(texts: TextSearch, case: dict[str, Any]) -> None:
    """Every labelled name is found, nothing else is, and pins and hubs come with the reference."""
    found = found_in(texts, case["path"], case["text"])
    assert names(found) == set(case["names"])
    references = {one.reference for one in found}
    assert references.issuperset([*case.get("pinned", ()), *case.get("references", ())])
    if "at_most" in case:
        order = list(Confidence)
        assert all(order.index(one.confidence) <= order.index(Confidence(case["at_most"])) for one in found)


@pytest.mark.parametrize("case", UNNAMED, ids=lambda case: case["path"])
def test_what_only_looks_like_a_model_is_not_found(texts: TextSearch, case: dict[str, Any]) -> None:
    """Images, actions, packages, data sets, paths and prose name no model."""
    assert found_in(texts, case["path"], case["text"]) == []


def test_the_labels_are_many_enough() -> None:
    """The figures rest on at least 100 names and 100 strings that look like one."""
    assert sum(len(case["names"]) for case in NAMED) >= 100
    assert sum(case["text"].count("/") for case in UNNAMED) >= 100


def test_the_place_gives_the_line(texts: TextSearch) -> None:
    """A finding points at the line, counted from one."""
    (one,) = found_in(texts, "a.py", '\n\nmodel = AutoModel.from_pretrained("Qwen/Qwen3-8B")\n')
    assert one.place == "a.py:3"
    assert (one.way, one.reference, one.confidence) == ("code", "hf:Qwen/Qwen3-8B", Confidence.HIGH)


def test_the_same_name_on_many_lines_is_one_finding(texts: TextSearch) -> None:
    """A file is not repeated for every line; the surest line decides."""
    text = '# "Qwen/Qwen3-8B"\nLLM(model="Qwen/Qwen3-8B")\nx = "Qwen/Qwen3-8B"\n'
    (one,) = found_in(texts, "a.py", text)
    assert one.confidence is Confidence.HIGH
    assert "2 lines more" in one.detail


def test_a_table_of_models_is_no_choice_of_them(texts: TextSearch) -> None:
    """A file that lists more models than any stack has says so, with low confidence."""
    rows = "\n".join(f'  "Qwen/Qwen3-{n}B": 1,' for n in range(100))
    found = found_in(texts, "prices.json", "{" + rows + "}")
    assert len(found) == 100
    assert {one.confidence for one in found} == {Confidence.LOW}


@pytest.mark.parametrize("coding", ["utf-16", "utf-8-sig", "latin-1"])
def test_other_codings_are_read(texts: TextSearch, coding: str) -> None:
    """UTF-16 with its mark, a byte order mark, and Latin-1 comments do not hide a name."""
    text = '# gr\u00f6\u00dfe\nMODEL_ID = "deepseek-ai/DeepSeek-V3"\n'
    assert names(found_in(texts, "a.py", text.encode(coding))) == {"deepseek-ai/DeepSeek-V3"}


def test_a_file_of_zeros_is_said_to_be_no_text(texts: TextSearch) -> None:
    """What is named like a text and is none is said, not passed over."""
    (one,) = texts.search([Text(b"\0" * 5000, "a.json", "configuration")])
    assert isinstance(one, Unsearched)


@pytest.mark.parametrize(
    "piece",
    [
        "model/",
        "a/b/",
        '"model": "',
        "model = (",
        "--model ",
        "from_pretrained(",
        "qwen-",
        "x.y-",
        "../",
        "\\",
        "model:",
    ],
)
def test_repetition_of_what_the_patterns_look_for_is_read_to_its_end(texts: TextSearch, piece: str) -> None:
    """Nothing but the beginnings of names and keys, in one line and in many, names nothing and ends."""
    assert found_in(texts, "a.py", piece * (20_000 // len(piece))) == []
    assert found_in(texts, "a.py", f"{piece}\n" * (15_000 // len(piece))) == []


def test_a_name_in_a_minified_file_is_found(texts: TextSearch) -> None:
    """One line of a megabyte is read around the words that matter."""
    filler = ";".join(f"var a{n}=b[{n}]/c" for n in range(60_000))
    text = f'{filler};e={{model:"meta-llama/Llama-3.1-8B-Instruct"}};{filler}'
    assert names(found_in(texts, "app.js", text)) == {"meta-llama/Llama-3.1-8B-Instruct"}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"model":{"name":"acme/support-bot"}}', {"acme/support-bot"}),
        ('{"chat":{"model":{"provider":"vllm","id":"acme/support-bot-7b"},"port":1}}', {"acme/support-bot-7b"}),
        ('{"models":[{"name":"acme/one-7b"},{"n":1,"name":"acme/two-7b"}]}', {"acme/one-7b", "acme/two-7b"}),
        ('{"model":{"image":{"name":"acme/server-7b"}},"dataset":{"name":"acme/set-7b"}}', set()),
        ('{"model":{"type":"chat"},"name":"acme/project"}', set()),
    ],
)
def test_keys_of_objects_in_one_line_are_followed(texts: TextSearch, text: str, named: set[str]) -> None:
    """Minified JSON says the same as JSON in lines, alone and after many other keys."""
    filler = ",".join(f'"key_{n}":"a/{n}"' for n in range(500))
    assert names(found_in(texts, "a.json", text)) == named
    assert names(found_in(texts, "a.json", f"{{{filler},{text[1:-1]},{filler}}}")) == named


@pytest.mark.parametrize("piece", ["hf://qwen/", "anthropic.a-a.a"])
def test_a_text_of_nothing_but_beginnings_is_given_up_and_said(texts: TextSearch, piece: str) -> None:
    """What could be names without end is read for so long, and said; in lines of any length."""
    text = f"{piece * (3900 // len(piece))} qwen\n" * 520
    reasons = [one.reason for one in texts.search([Text(text.encode(), "a.yaml", "configuration")])
               if isinstance(one, Unsearched)]  # fmt: skip
    assert reasons == ["holds more words of models than are read closely"]


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ('{"model":"deepseek-ai\\/DeepSeek-R1"}', True),
        ('{"model":"deepseek\\u002dai/DeepSeek-R1"}', True),
        ('m = AutoModel.from_pretrained("deepseek-ai/DeepSeek-R1") # repo_type="dataset"', True),
        ('m = snapshot_download("deepseek-ai/DeepSeek-R1")\nrepo_type="dataset"', True),
        ('m = snapshot_download("deepseek-ai/DeepSeek-R1", repo_type="dataset")', False),
        ('m = snapshot_download("deepseek-ai/DeepSeek-R1",\n    repo_type="dataset")', False),
    ],
)
def test_what_surrounds_a_name_neither_hides_nor_removes_it(texts: TextSearch, text: str, *, is_found: bool) -> None:
    """Escapes of JSON are read; only an argument of the same call makes a model a data set."""
    assert names(found_in(texts, "a.py", text)) == ({"deepseek-ai/DeepSeek-R1"} if is_found else set())
