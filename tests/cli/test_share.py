"""`weighbridge share` as a user runs it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import CommandLine

# a listing in small; what belongs to whom is added up by hand below
CSV = """model_id,downloads_30d,likes,created,license,pipeline_tag,params_total,base_model
Qwen/Qwen3-8B,400,9,2026-04-27,apache-2.0,text-generation,8200000000,
meta-llama/Llama-4-8B,200,9,2026-05-01,llama4,text-generation,8000000000,
unsloth/Qwen3-8B-GGUF,100,1,2026-05-01,apache-2.0,text-generation,8200000000,
nobody/some-model,50,1,2026-05-01,mit,text-generation,8200000000,Qwen/Qwen3-8B
mistralai/Mistral-Small-4,250,1,2026-05-01,apache-2.0,image-text-to-text,24000000000,
BAAI/bge-small-en-v1.5,5000,1,2026-05-01,mit,feature-extraction,33000000,
"""


@pytest.fixture
def listing(tmp_path: Path) -> str:
    """Write the listing."""
    (tmp_path / "hub-2026-05-20.csv").write_text(CSV)
    return "hub-2026-05-20.csv"


def test_json_for_machines(weighbridge: CommandLine, listing: str) -> None:
    """Shares, coverage, warnings and the definition, by the names that are documented."""
    done = weighbridge("share", "--snapshot", listing, "--by", "country", "--attribution", "publisher", "--json")
    content = json.loads(done.stdout)
    assert content["schema"] == "weighbridge/share/v1"
    assert content["shares"] == {"CN": 0.4, "US": 0.3, "FR": 0.25, "unlisted": 0.05}
    assert content["regions"] == {"CN": 0.4, "US": 0.3, "EU": 0.25, "unlisted": 0.05}
    assert content["attributions"]["base"]["shares"] == {"CN": 0.55, "FR": 0.25, "US": 0.2}
    assert (content["total"], content["n"]) == (1000, 5)
    assert content["coverage"]["task"] == {"rows": 1.0, "downloads": 1.0, "weight": 1.0, "scope": "snapshot"}
    assert content["coverage"]["country"]["downloads"] == 0.95
    assert content["definition"]["data_date"] == "2026-05-20"
    assert content["hhi"] == pytest.approx(0.4**2 + 0.3**2 + 0.25**2 + 0.05**2)
    assert [one["code"] for one in content["warnings"]] == ["few-models"]
    assert {tuple(one["figures"].values()) for one in content["published"]} >= {(0.171, 0.158)}
    done = weighbridge("share", "--snapshot", listing, "--population", "all", "--attribution", "base", "--json")
    assert json.loads(done.stdout)["shares"]["CN"] == pytest.approx((550 + 5000) / 6000)


def test_people_see_both_attributions_and_the_definition(weighbridge: CommandLine, listing: str) -> None:
    """One line a key with both shares, the figures of others as other definitions, and never a word of users."""
    done = weighbridge("share", "--snapshot", listing)
    (row,) = [line.split() for line in done.stdout.splitlines() if line.startswith("  CN")]
    assert (row[1], row[4]) == ("40.0%", "55.0%")
    assert "not users" in done.stdout
    assert "with other definitions" in done.stdout
    assert done.stderr.splitlines()[-1].startswith("Next: ")


def test_over_time_and_drawn(weighbridge: CommandLine, listing: str, tmp_path: Path) -> None:
    """Two snapshots in the order of their days, a picture that is well-formed, and a page with the definition."""
    (tmp_path / "hub-2026-04-20.csv").write_text(CSV.replace("Qwen/Qwen3-8B,400", "Qwen/Qwen3-8B,900"))
    both = ("--snapshot", listing, "--snapshot", "hub-2026-04-20.csv")
    content = json.loads(weighbridge("share", *both, "--json", "--chart", "time.svg").stdout)
    assert [(one["data_date"], one["shares"]["CN"]) for one in content["series"]] == [
        ("2026-04-20", 0.6),
        ("2026-05-20", 0.4),
    ]
    assert {one["snapshot"] for one in content["warnings"]} == {"hub-2026-04-20.csv", "hub-2026-05-20.csv"}
    assert "composition" not in {one["code"] for one in content["warnings"]}
    assert ET.fromstring((tmp_path / "time.svg").read_text()).tag.endswith("svg")  # noqa: S314 - our own
    assert weighbridge("share", "--snapshot", listing, "--chart", "day.html").returncode == 0
    page = (tmp_path / "day.html").read_text()
    assert "<svg" in page
    assert "not users" in page


def test_a_point_that_cannot_be_compared(weighbridge: CommandLine, listing: str, tmp_path: Path) -> None:
    """A past snapshot without most tasks: its warning is among all, and stands at its line and in the picture."""
    (tmp_path / "hub-2026-04-20.csv").write_text(CSV.replace("apache-2.0,text-generation", "apache-2.0,"))
    both = ("--snapshot", listing, "--snapshot", "hub-2026-04-20.csv")
    content = json.loads(weighbridge("share", *both, "--json", "--chart", "time.svg").stdout)
    strong = {(one["code"], one["snapshot"]) for one in content["warnings"] if one["severity"] == "strong"}
    assert strong == {("task-often-unknown", "hub-2026-04-20.csv"), ("stale-source", "hub-2026-05-20.csv")}
    picture = (tmp_path / "time.svg").read_text()
    assert "in doubt: task-often-unknown" in picture
    assert "hollow" in picture
    lines = weighbridge("share", *both).stdout.splitlines()
    (past,) = [at for at, line in enumerate(lines) if line.startswith("  over time")]
    assert "2026-04-20" in lines[past]
    assert "! not to be compared: task-often-unknown" in lines[past + 1]
    assert any("hub-2026-04-20.csv: the filter by task" in line for line in lines)


def test_one_column_where_attribution_has_no_effect(weighbridge: CommandLine, listing: str) -> None:
    """A licence is a repository's own: one column, and the reason."""
    done = weighbridge("share", "--snapshot", listing, "--by", "licence")
    assert "attribution has no effect here" in done.stdout
    assert "by publisher" not in done.stdout
    assert json.loads(weighbridge("share", "--snapshot", listing, "--by", "licence", "--json").stdout)["same_by_both"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--snapshot", "none.csv"), 3, "no file"),
        (("--snapshot", "hub-2026-05-20.csv", "--snapshot", "hub-2026-05-20.csv"), 2, "named twice"),
        (("--snapshot", "hub-2026-05-20.csv", "--column", "downloads"), 2, "is no pair"),
        (("--snapshot", "hub-2026-05-20.csv", "--column", "pulls=likes"), 2, "no figure is called"),
        (("--snapshot", "hub-2026-05-20.csv", "--column", "downloads=pulls"), 2, "has no column"),
        (("--snapshot", "hub-2026-05-20.csv", "--chart", "x.png"), 2, "neither .svg nor .html"),
        (("--snapshot", "hub-2026-05-20.csv", "--relative", "nobody/knows"), 3, "not in the snapshot"),
        (("--snapshot", "hub-2026-05-20.csv", "--bases", "hub-2026-05-20.csv"), 0, "Next: "),
    ],
)
def test_wrong_usage(weighbridge: CommandLine, listing: str, words: tuple[str, ...], code: int, said: str) -> None:
    """Each with its exit code, and a sentence that names what was wrong."""
    assert listing
    done = weighbridge("share", *words)
    assert done.returncode == code
    assert said in done.stderr


def test_one_model_beside_its_class(weighbridge: CommandLine, listing: str) -> None:
    """Too few of its size and age: no score, and the reason."""
    done = weighbridge("share", "--snapshot", listing, "--relative", "Qwen/Qwen3-8B", "--json")
    content = json.loads(done.stdout)
    assert (content["schema"], content["score"], content["peers"]) == ("weighbridge/share-relative/v1", None, 1)
    assert "unknown" in weighbridge("share", "--snapshot", listing, "--relative", "Qwen/Qwen3-8B").stdout
