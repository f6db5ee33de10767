"""`weighbridge knowledge`, as a user meets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import CommandLine

OWN = """name,country,kind,source,as_of,withdrawn
Acme,DE,company,https://example.com,2026-11-22,
Qwen,CN,company,our lawyer,2026-11-22,
TheBloke,,,,,yes
"""


def test_from_a_file_to_an_answer_that_uses_it(weighbridge: CommandLine, tmp_path: Path) -> None:
    """A file is taken in, what changed is shown, the tables are found in the workspace, and checked."""
    (tmp_path / "organisations.csv").write_text(OWN)
    assert weighbridge("knowledge", "show", "Acme").returncode == 3
    tried = weighbridge("knowledge", "update", "organisations.csv", "--dry-run")
    assert "Nothing is written" in tried.stderr
    assert not (tmp_path / "weighbridge-work").exists()
    changed = weighbridge("knowledge", "update", "organisations.csv")
    assert changed.returncode == 0
    assert [row.split()[0] for row in changed.stdout.splitlines() if not row.startswith("    ")] == [
        "added", "changed", "withdrawn",
    ]  # fmt: skip
    assert "source: ATOM tracked-models; hosts: commonly known, not re-checked -> our lawyer" in changed.stdout
    assert "DE" in weighbridge("knowledge", "show", "Acme/Model-7B").stdout
    rows = {row["name"] for row in weighbridge.json("knowledge", "list", "organisations")["rows"]}
    assert "Acme" in rows
    assert "TheBloke" not in rows
    assert weighbridge.json("knowledge", "check")["rows"] == {"organisations": 3}
    again = weighbridge.json("knowledge", "update", "organisations.csv")
    assert {change["kind"] for change in again["changes"]} == {"unchanged", "withdrawn"}


def test_a_row_that_cannot_be_read_changes_nothing(weighbridge: CommandLine, tmp_path: Path) -> None:
    """Two files, one of them wrong: the place is said, and neither is taken."""
    (tmp_path / "organisations.csv").write_text(OWN)
    (tmp_path / "mine.csv").write_text("family,model,date,basis,source\nAcme,Acme/one,soon,announced,us\n")
    refused = weighbridge("knowledge", "update", "organisations.csv", "mine.csv")
    assert refused.returncode == 2
    assert "error: `mine.csv`, line 2, column `date`: `soon` is no date" in refused.stderr
    assert not (tmp_path / "weighbridge-work").exists()
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    assert "the columns of no table" in weighbridge("knowledge", "update", "other.csv").stderr
    assert weighbridge("knowledge", "check", "nowhere").returncode == 2


def test_a_setting_names_the_folder(weighbridge: CommandLine, tmp_path: Path) -> None:
    """`WEIGHBRIDGE_KNOWLEDGE`, `knowledge` in weighbridge.toml and `--knowledge` find the same tables."""
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "organisations.csv").write_text(OWN)
    assert weighbridge("knowledge", "show", "Acme", WEIGHBRIDGE_KNOWLEDGE="tables").returncode == 0
    assert weighbridge("knowledge", "show", "Acme", "--knowledge", "tables").returncode == 0
    (tmp_path / "weighbridge.toml").write_text('knowledge = "tables"\n')
    assert weighbridge("knowledge", "show", "Acme").returncode == 0
    missing = weighbridge("knowledge", "show", "Acme", WEIGHBRIDGE_KNOWLEDGE="gone")
    assert missing.returncode == 2
    assert "`gone` is no folder of tables" in missing.stderr


def test_a_name_is_shown_with_its_family_and_rhythm(weighbridge: CommandLine) -> None:
    """A derivative's family, the releases of it, their cadence; a silent family; a look-alike."""
    shown = weighbridge.json("knowledge", "show", "hf:bartowski/Qwen_Qwen3-8B-GGUF@main")
    assert (shown["organisation"]["country"], shown["family"]["name"], shown["look_alike"]) == ("CA", "Qwen", None)
    assert (len(shown["releases"]), shown["cadence"]["median_days"]) == (33, 48)
    assert "silent" in weighbridge("knowledge", "show", "Yi").stdout
    like = weighbridge("knowledge", "show", "Deepseek_ai/DeepSeek-V4")
    assert "could be taken for `deepseek-ai`" in like.stdout
    assert like.returncode == 0
    near = weighbridge("knowledge", "show", "Aprtus")
    assert near.returncode == 3
    assert "Apertus" in near.stderr


@pytest.mark.parametrize("table", ["organisations", "families", "releases", "prices", "look_alikes"])
def test_every_table_says_its_age(weighbridge: CommandLine, table: str) -> None:
    """Rows on stdout, their age on stderr."""
    listed = weighbridge("knowledge", "list", table)
    assert listed.returncode == 0
    assert len(listed.stdout.splitlines()) >= (5 if table == "look_alikes" else 70)
    assert "looked at" in listed.stderr
