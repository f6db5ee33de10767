from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from weighbridge.errors import UsageError, WeighbridgeError
from weighbridge.knowledge.load import load_knowledge
from weighbridge.workflow.knowledge import check_tables, update_tables

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "name,country,kind,source,withdrawn\n"


def test_rows_join_what_is_there(tmp_path: Path) -> None:
    """A second file keeps the rows of the first, replaces one, and takes back what was withdrawn."""
    own = tmp_path / "own"
    (tmp_path / "a.csv").write_text(HEAD + "Acme,DE,company,us,\nBeta,FR,company,us,\nTheBloke,,,,yes\n")
    (tmp_path / "b.csv").write_text("source,kind,name,country\nthem,company,Beta,IT\nthem,quantizer,TheBloke,GB\n")
    assert [change.kind for change in update_tables([tmp_path / "a.csv"], own)] == ["added", "added", "withdrawn"]
    changes = update_tables([tmp_path / "b.csv"], own)
    assert [(change.key, change.kind) for change in changes] == [(("Beta",), "changed"), (("TheBloke",), "changed")]
    known = load_knowledge(own).organisations
    assert (known["Acme"].country, known["Beta"].country, known["TheBloke"].source) == ("DE", "IT", "them")


def test_a_table_that_cannot_be_written_stays_as_it_was(tmp_path: Path) -> None:
    """Where the folder is a file, an error of the house says so; the file is left alone."""
    (tmp_path / "a.csv").write_text(HEAD + "Acme,DE,company,us,\n")
    (tmp_path / "own").write_text("mine")
    with pytest.raises(WeighbridgeError, match="cannot be written"):
        update_tables([tmp_path / "a.csv"], tmp_path / "own")
    assert (tmp_path / "own").read_text() == "mine"


def test_a_pipe_is_no_table(tmp_path: Path) -> None:
    """Nobody waits for a writer that never comes."""
    os.mkfifo(tmp_path / "x.csv")
    with pytest.raises(UsageError, match="is no file"):
        update_tables([tmp_path / "x.csv"], tmp_path / "own")


def test_a_careful_reader_remarks(tmp_path: Path) -> None:
    """What has no effect is told: a withdrawal of nothing, a row that ships, a file that is none of the tables."""
    shipped = load_knowledge().organisations["bartowski"]
    (tmp_path / "organisations.csv").write_text(
        "name,display_name,country,kind,source,as_of,withdrawn\n"
        f'bartowski,bartowski,CA,quantizer,"{shipped.source}",{shipped.as_of},\n'
        "Nobody,,,,,,yes\n"
    )
    (tmp_path / "organizations.csv").write_text("x\n")
    rows, remarks = check_tables(tmp_path)
    assert rows == {"organisations": 2}
    assert remarks == [
        "organisations: `Nobody` is withdrawn and does not ship: nothing to withdraw",
        "organisations: `bartowski` says what ships anyway",
        "`organizations.csv` is none of the tables, and is not read",
    ]


def test_tables_that_do_not_know_each_other_are_remarked(tmp_path: Path) -> None:
    """A maker without a row, a word that a shipped family has, and releases of no family."""
    (tmp_path / "families.csv").write_text("name,maker,pattern,source\nAcme,Acme,acme qwen,us\n")
    (tmp_path / "releases.csv").write_text("family,model,date,basis,source\nZeta,Acme/zeta,2026,announced,us\n")
    assert check_tables(tmp_path)[1] == [
        "families: `Acme`, the maker of `Acme`, is not listed: it has no country",
        "families: `qwen` is a word of Acme and Qwen: a name with it alone is of neither",
        "releases: `Zeta` is no listed family: no name will be of it",
    ]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b'"', b"name,maker\n", b"a" * 100_000])
def test_a_file_of_no_table_is_refused(tmp_path: Path, content: bytes) -> None:
    """The columns of all tables are named."""
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(UsageError, match="columns of no table") as refused:
        update_tables([tmp_path / "x.csv"], tmp_path / "own")
    assert "families: name,maker" in str(refused.value.hint)
