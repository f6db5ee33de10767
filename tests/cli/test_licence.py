"""`weighbridge licence` as a user runs it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from weighbridge.inspection.licence.base import load_base
from weighbridge.inspection.licence.diff import text_of

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

USE = """
[use]
offer = "{offer}"
seat = "DE"
countries = ["DE"]
fields = []
fine_tune = false
distil = false
trains_other_models_on_outputs = false
distributes = false
group_revenue_eur = 3000000000
group_monthly_active_users = {users}
"""


@pytest.fixture
def folder(weighbridge: CommandLine) -> CommandLine:
    """Put three licence texts and a use beside each other."""
    for licence_id in ("llama-3.3", "mit", "tencent-hunyuan-community-eu"):
        words = text_of(licence_id, load_base())
        assert words is not None
        (weighbridge.folder / f"{licence_id}.txt").write_text(words, "utf-8")
    (weighbridge.folder / "use.toml").write_text(USE.format(offer="product", users=1000))
    (weighbridge.folder / "many.toml").write_text(USE.format(offer="internal", users=10**9))
    return weighbridge


def test_json_has_identity_verdict_differences_and_terms(folder: CommandLine) -> None:
    """The form that issue 4 fixes for machines; every term that is quoted has its clause."""
    done = folder("licence", "llama-3.3.txt", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["identity"], found["verdict"]) == (0, "llama-3.3", "is")
    assert found["differences"] == []
    assert found["terms"]["version_date"] == "2024-12-06"
    assert found["terms"]["mau_threshold"].startswith("700 million monthly active users")
    assert found["clauses"]["mau_threshold"]["clause"] == "s.2"
    assert "700 million monthly active users" in found["clauses"]["mau_threshold"]["quotes"][0]


def test_an_altered_text_names_the_difference_and_drops_the_answer(folder: CommandLine) -> None:
    """700 million made 7 million: altered, with both words, and no answer that rests on the old clause."""
    path = folder.folder / "llama-3.3.txt"
    path.write_text(path.read_text("utf-8").replace("700", "7"), "utf-8")
    found = json.loads(folder("licence", "llama-3.3.txt", "--json").stdout)
    assert (found["identity"], found["verdict"], found["nearest"]) == (None, "altered", "llama-3.3")
    [difference] = [one for one in found["differences"] if one["material"]]
    assert difference["kind"] == "number"
    assert "than 7 million" in difference["text"]
    assert found["terms"]["mau_threshold"] == "7 million monthly active users"
    assert found["terms"]["commercial_use"] is None


@pytest.mark.parametrize(
    ("text", "use", "code", "answer"),
    [
        ("mit.txt", "many.toml", 0, "ALLOWED"),
        ("llama-3.3.txt", "use.toml", 11, "A HUMAN MUST DECIDE"),
        ("llama-3.3.txt", "many.toml", 12, "NEEDS A LICENCE from Meta"),
        ("tencent-hunyuan-community-eu.txt", "use.toml", 12, "FORBIDDEN"),
    ],
)
def test_the_answer_is_said_with_its_clause_and_as_exit_code(
    folder: CommandLine, text: str, use: str, code: int, answer: str
) -> None:
    """Four answers by four texts, each with a quotation; and that it is no legal advice."""
    done = folder("licence", text, "--use", use)
    assert done.returncode == code
    assert answer in done.stdout
    assert "Not legal advice" in done.stdout
    if code:
        assert "“" in done.stdout
    assert folder("licence", text, "--use", use, "--no-verdict-code").returncode == 0


def test_two_texts_are_compared(folder: CommandLine) -> None:
    """Two Hunyuan revisions part in their territories; a file and an id of the base can be given."""
    done = folder("licence", "diff", "tencent-hunyuan-community-eu.txt", "tencent-hunyuan-community-eu-uk-kr")
    assert done.returncode == 0
    assert "territory" in done.stdout
    assert "SOUTH KOREA" in done.stdout


def test_the_base_of_a_named_model_counts(folder: CommandLine) -> None:
    """An MIT text shown for deepseek-r1:70b: the licence of Llama 3.3 passes on."""
    done = folder("licence", "mit.txt", "--model", "deepseek-r1:70b", "--json")
    found = json.loads(done.stdout)
    assert [conflict["name"] for conflict in found["in_force"]["conflicts"]] == ["file-against-base"]


def test_licences_of_ones_own_are_read(folder: CommandLine) -> None:
    """`--base` changes one term of a licence that ships, in the user's words, and leaves the others."""
    terms = folder.folder / "base" / "terms"
    terms.mkdir(parents=True)
    own = 'name = "MIT"\nlicensor = "us"\nverified_on = "2026-11-22"\nsource = "us"\n'
    (terms / "mit.toml").write_text(own + '[terms.patent]\nvalue = "as counsel says"\n')
    found = json.loads(folder("licence", "mit.txt", "--base", "base", "--json").stdout)
    assert (found["terms"]["patent"], found["terms"]["commercial_use"]) == ("as counsel says", "yes")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("no-such-file.txt",), 3, "no-such-file.txt"),
        (("diff", "mit.txt"), 2, "compares two texts"),
        (("mit.txt", "llama-3.3.txt"), 2, "one text or model at a time"),
        (("mit.txt", "--use", "gone.toml"), 3, "gone.toml"),
        (("mit.txt", "--base", "gone"), 3, "gone"),
        (("diff", "mit.txt", "gone.txt"), 3, "gone.txt"),
        (("diff", "logo.png", "mit"), 2, "`logo.png` is no text but png"),
        (("logo.png",), 2, "hint: give the licence as plain text"),
    ],
)
def test_wrong_usage_is_said(folder: CommandLine, words: tuple[str, ...], code: int, said: str) -> None:
    """What cannot be read is named, and nothing goes to stdout."""
    (folder.folder / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n words that are no licence")
    done = folder("licence", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr


def test_a_folder_is_read_with_its_policy(folder: CommandLine) -> None:
    """Licence and use policy side by side, as gpt-oss has them: one licence, and the policy is a duty."""
    model = folder.folder / "model"
    model.mkdir()
    for name, licence_id in (("LICENSE", "apache-2.0"), ("USAGE_POLICY", "gpt-oss-usage-policy")):
        words = text_of(licence_id, load_base())
        assert words is not None
        (model / name).write_text(words, "utf-8")
    (model / "config.json").write_text('{"model_type": "llama"}')
    done = folder("licence", "model", "--use", "use.toml", "--json")
    found = json.loads(done.stdout)
    assert (found["identity"], found["verdict"]) == ("apache-2.0", "is")
    assert [(force["role"], force["licence"]) for force in found["in_force"]["in_force"]] == [
        ("weights", "apache-2.0"),
        ("policy", "gpt-oss-usage-policy"),
    ]
    assert (found["terms"]["commercial_use"], found["terms"]["osi_approved"]) == ("yes", "yes")
    assert found["terms"]["field_of_use_limits"] == "comply with all applicable law"
    assert found["answer"]["answer"] == "allowed with duties"
    assert [duty["kind"] for duty in found["answer"]["duties"]] == ["policy"]
