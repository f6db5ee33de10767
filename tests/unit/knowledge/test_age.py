from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from weighbridge.knowledge.age import ages_of
from weighbridge.knowledge.load import load_knowledge

if TYPE_CHECKING:
    from pathlib import Path


def test_a_table_is_old_when_half_of_it_is(tmp_path: Path) -> None:
    """A new row does not make a table new: half of the shipped rows were looked at on 2026-11-21."""
    (tmp_path / "releases.csv").write_text(
        "family,model,date,basis,source,as_of\nQwen,Qwen/Qwen9,2027-05-01,announced,us,2027-05-02\n"
    )
    known = load_knowledge(tmp_path)
    on = date(2026, 11, 21) + timedelta(121)
    ages = {age.table: age for age in ages_of(known, on)}
    assert (ages["releases"].days, ages["releases"].is_old) == (121, True)
    assert ages["releases"].newest == date(2027, 5, 2)
    assert "121 days ago" in ages["releases"].warning
    assert not any(age.is_old for age in ages_of(known, on - timedelta(1)) if age.table != "prices")


def test_rows_that_do_not_say_are_old(tmp_path: Path) -> None:
    """Without days nobody knows how old a table is, and that is said."""
    shipped = load_knowledge()
    table = "\n".join(f"{name},CN,company,us" for name in shipped.organisations)
    (tmp_path / "organisations.csv").write_text(f"name,country,kind,source\n{table}\n")
    (age,) = (one for one in ages_of(load_knowledge(tmp_path), date(2026, 11, 22)) if one.table == "organisations")
    assert (age.days, age.is_old) == (None, True)
    assert "nobody says" in age.warning
