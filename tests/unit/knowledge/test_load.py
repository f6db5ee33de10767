from __future__ import annotations

import os
import re
from datetime import date
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from weighbridge.errors import UsageError
from weighbridge.knowledge.load import load_knowledge

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.knowledge.protocol import Known
    from weighbridge.knowledge.tables import Family, Organisation, Release

TODAY = "2026-11-22"


def test_the_shipped_tables_are_whole() -> None:
    """287 organisations and 150 releases are listed, each row with a source and a day, none with a made-up country."""
    known = load_knowledge()
    as_protocol: Known = known
    closed = {one.name for one in as_protocol.organisations.values() if one.notes == "a closed service"}
    assert len(as_protocol.organisations) == 287 + len(closed)
    assert closed == {"anthropic", "voyageai", "inflection"}
    assert len(known.releases) == 150
    rows: list[Organisation | Family | Release] = [*known.organisations.values(), *known.families, *known.releases]
    assert all(row.source and row.as_of for row in rows)
    assert all(re.fullmatch(r"[A-Z]{2}|", one.country) for one in known.organisations.values())
    assert not {"XX", "ZZ"} & {one.country for one in known.organisations.values()}
    assert [one.day for one in known.releases] == sorted(one.day for one in known.releases)


def test_what_families_say_of_makers_is_in_the_other_table() -> None:
    """The maker of a family is a listed publisher; RWKV's author is not, and has no country."""
    known = load_knowledge()
    assert {one.name for one in known.families if one.maker not in known.organisations} == {"RWKV"}
    assert {one.family for one in known.releases} <= {one.name for one in known.families}


def test_the_tables_are_small() -> None:
    """What ships stays under 400 kB."""
    folder = files("weighbridge.knowledge").joinpath("data")
    assert sum(len(file.read_bytes()) for file in folder.iterdir()) < 400_000


def test_a_makers_country_and_the_hosts_of_its_service_are_apart() -> None:
    """Alibaba sits in China, and serves from China and Singapore; `international` is no country."""
    known = load_knowledge()
    qwen = known.organisation("Qwen/Qwen3-8B")
    assert qwen is not None
    assert (qwen.country, qwen.hosts) == ("CN", ("CN", "SG"))
    assert known.organisations["bigscience"].country == ""


def test_a_users_rows_replace_add_and_withdraw(tmp_path: Path) -> None:
    """A row of the same key replaces the shipped one whole, another adds, `withdrawn` takes away; the rest stays."""
    (tmp_path / "organisations.csv").write_text(
        "name,country,kind,source,as_of,withdrawn\n"
        f"Acme,DE,company,us,{TODAY},\n"
        f"bartowski,ZZ,quantizer,us,{TODAY},\n"
        "TheBloke,,,,,yes\n"
    )
    (tmp_path / "families.csv").write_text("name,maker,pattern,not_pattern,source\nAcme,Acme,acme ^ax#,acme-tools,us\n")
    known, shipped = load_knowledge(tmp_path), load_knowledge()
    assert known.organisations["Acme"].as_of == date(2026, 11, 22)
    assert (known.organisations["bartowski"].country, known.organisations["bartowski"].display_name) == (
        "",
        "bartowski",
    )
    assert "TheBloke" not in known.organisations
    assert "TheBloke" in shipped.organisations
    assert len(known.organisations) == len(shipped.organisations)
    named = [known.family_of(name) for name in ("x/Acme-7B", "x/ax2", "x/acme-tools")]
    assert [one and one.name for one in named] == ["Acme", "Acme", None]
    assert shipped.family_of("x/Acme-7B") is None
    like = known.look_alike("acme-official")
    assert like is not None
    assert like.name == "Acme"


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    """What was read is kept while the files stay as they are, and not longer."""
    table = tmp_path / "families.csv"
    table.write_text("name,maker,pattern,source\nAcme,Acme,acme,us\n")
    first = load_knowledge(tmp_path)
    assert load_knowledge(tmp_path) is first
    table.write_text("name,maker,pattern,source\nAcme,Acme,bcme,us\n")
    os.utime(table, ns=(1, 1))
    assert load_knowledge(tmp_path).family_of("x/bcme-1") is not None


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("organisations", "name,country,kind,source\nA,China,company,us\n", "line 2, column `country`"),
        ("organisations", "name,country,kind,source\n\nA B,CN,company,us\n", "line 3, column `name`"),
        ("organisations", "name,country,kind,source\nA,CN,firm,us\n", "column `kind`: `firm` is unknown"),
        ("organisations", "name,country,kind,source\nA,CN,company,\n", "column `source`: is empty"),
        ("organisations", "name,country,kind,source\nA,CN,company,us\nA,CN,company,us\n", "stands on line 2 already"),
        ("organisations", "name,country,kind,source\nA,CN,company\n", "line 2: has 3 cells, the header 4"),
        ("organisations", "name,country,kind\n", "the column `source` is missing"),
        ("organisations", "name,contry,kind,source\n", "the column `contry` is unknown"),
        ("organisations", "name,name,country,kind,source\n", "the column `name` stands there twice"),
        ("organisations", "", "is empty"),
        ("organisations", 'name,country,kind,source\n"A,CN,company,us\n', "line 2:"),
        ("organisations", "name,country,kind,source\nA,CN,company,u\0s\n", "line 2"),
        ("families", "name,maker,pattern,source\nA,B,(a+)+,us\n", "`(a+)+` is no word to find"),
        ("families", "name,maker,pattern,source\nA,B,Acme,us\n", "`Acme` is no word to find"),
        ("releases", "family,model,date,basis,source\nA,a/b,2026-13,announced,us\n", "column `date`"),
        ("releases", "family,model,date,basis,source\nA,a/b,9999-12-31,announced,us\n", "no date of our time"),
        (
            "releases",
            "family,model,date,basis,source,context\nA,a/b,2026,announced,us,1e5\n",
            "column `context`: `1e5` is no whole number",
        ),
        (
            "prices",
            "catalogue,provider,model,usd_per_mtok_input,usd_per_mtok_output\nc,p,m,-1,2\n",
            "column `usd_per_mtok_input`: `-1` is no price",
        ),
        (
            "prices",
            "catalogue,provider,model,usd_per_mtok_input,usd_per_mtok_output\nc,p,m,1,nan\n",
            "column `usd_per_mtok_output`",
        ),
    ],
)
def test_a_row_that_cannot_be_read_is_named_with_file_line_and_column(
    tmp_path: Path, file: str, text: str, said: str
) -> None:
    """Nothing is guessed and nothing skipped: the place is said."""
    (tmp_path / f"{file}.csv").write_text(text)
    with pytest.raises(UsageError) as refused:
        load_knowledge(tmp_path)
    assert said in refused.value.message
    assert f"{file}.csv" in refused.value.message


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    """No folder, a table that is a folder or a pipe, another encoding, and a file without end."""
    with pytest.raises(UsageError, match="no folder of tables"):
        load_knowledge(tmp_path / "none")
    table = tmp_path / "prices.csv"
    table.mkdir()
    with pytest.raises(UsageError, match="is no file"):
        load_knowledge(tmp_path)
    table.rmdir()
    os.mkfifo(table)
    with pytest.raises(UsageError, match="is no file"):
        load_knowledge(tmp_path)
    table.unlink()
    table.write_bytes("catalogue,provider\nAcmé,".encode("latin-1"))
    with pytest.raises(UsageError, match=r"line 2: is not UTF-8"):
        load_knowledge(tmp_path)
    table.write_bytes(b"x" * ((8 << 20) + 1))
    with pytest.raises(UsageError, match="longer than 8 MiB"):
        load_knowledge(tmp_path)
    rows = "".join(f"c,p,m{n},,\n" for n in range(20_001))
    table.write_text(f"catalogue,provider,model,usd_per_mtok_input,usd_per_mtok_output\n{rows}")
    with pytest.raises(UsageError, match="more than 20000 rows"):
        load_knowledge(tmp_path)


def test_a_table_from_a_spreadsheet_is_read(tmp_path: Path) -> None:
    """A byte order mark, lines that end as on Windows, and a comma in quotes are how spreadsheets write CSV."""
    (tmp_path / "organisations.csv").write_bytes(
        b'\xef\xbb\xbfname,display_name,country,kind,source\r\nAcme,"Acme, Inc.",US,company,us\r\n'
    )
    assert load_knowledge(tmp_path).organisations["Acme"].display_name == "Acme, Inc."
