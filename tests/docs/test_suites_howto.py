"""The page on benchmarks prints a suite that is one."""

from __future__ import annotations

import re
from pathlib import Path

from weighbridge.evaluation.suite import load_suite, shipped_recipes, shipped_suites

PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "suites.md"


def test_the_toml_of_the_page_loads(tmp_path: Path) -> None:
    """Every key of the reference is accepted as printed, over a table as it describes."""
    (toml,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    for split in ("test", "dev"):
        (tmp_path / split).mkdir()
        rows = "".join(f"{split}{n},Which?,(A) w,(B) x,(C) y,(D) z,B,OK,2024\n" for n in range(6))
        (tmp_path / split / f"law_{split}.csv").write_text("number,text,A,B,C,D,key,status,year\n" + rows)
    (tmp_path / "suite.toml").write_text(toml)
    (tmp_path / "dev" / "law_dev.csv").write_text(
        (tmp_path / "dev" / "law_dev.csv").read_text().replace("Which?", "What?")
    )
    suite = load_suite(tmp_path)
    assert (len(suite.items), suite.items[0].answer, suite.items[0].group) == (6, "B", "law")
    assert suite.prompt(suite.items[0], "completion").startswith("Questions about law.\n\nWhat?\nA. w\n")


def test_the_page_names_every_suite() -> None:
    """Those that ship, and the recipes."""
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in (*shipped_suites(), *shipped_recipes()))
