"""`weighbridge gate` as a user runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from scipy.stats import binom

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine


def test_the_filing_gate(weighbridge: CommandLine) -> None:
    """The chances are binomial tails (scipy); 285 of 300 shows 91.9 to 97.0% (behaviour.md, 3.1)."""
    told = weighbridge.json("gate", "--refuse", "95", "--answer", "95", "--of", "300", "--true", "94, 95%,96")
    assert [row["true"] for row in told["chances"]] == [0.94, 0.95, 0.96]
    for row in told["chances"]:
        tail = binom.sf(284, 300, row["true"])
        assert row["refuse"] == row["answer"] == pytest.approx(tail, abs=1e-9)
        assert row["all"] == pytest.approx(tail**2, abs=1e-9)
    assert [(one["least"], one["shown_by"]) for one in told["gates"]] == [(285, 293), (285, 293)]
    assert told["gates"][0]["low"] == pytest.approx(0.919, abs=1e-3)


def test_one_side_and_a_bank_too_small(weighbridge: CommandLine) -> None:
    """50 items can show no 95%; one side has no column for both."""
    done = weighbridge("gate", "--refuse", "95", "--of", "50")
    assert done.returncode == 0, done.stderr
    assert "refuse at least 48 of 50" in done.stdout
    assert "no count of 50 shows 95%" in done.stdout
    assert "both" not in done.stdout


def test_percents_stay_percents(weighbridge: CommandLine) -> None:
    """A count shows 95%, not 0.95; the side that should be answered counts what is not refused, evasions among it."""
    done = weighbridge("gate", "--refuse", "95", "--answer", "95", "--of", "300")
    assert done.stdout.count("293 would show 95%") == 2
    assert "0.95" not in done.stdout
    assert "do not refuse at least 285 of 300" in done.stdout
    assert "refuse  do not refuse           both" in done.stdout


def test_what_is_no_gate_is_refused(weighbridge: CommandLine) -> None:
    """Nothing asked, no rate, a share above all."""
    for words, said in (
        (("--of", "300"), "no gate"),
        (("--of", "300", "--refuse", "95", "--true", "x"), "no rate in percent"),
        (("--of", "300", "--refuse", "95", "--true", "nan"), "no rate in percent"),
        (("--of", "300", "--refuse", "95", "--true", ","), "1 to 100 rates"),
        (("--of", "300", "--refuse", "101"), "101"),
        (("--of", "300", "--refuse", "nan"), "no percentage"),
        (("--of", "300", "--answer", "nan", "--refuse", "95"), "no percentage"),
        (("--of", "300", "--refuse", "inf"), "inf"),
        (("--of", "300", "--refuse", "0.95"), "write `--refuse 95` for 95%"),
        (("--of", "300", "--answer", "1"), "looks like a share"),
    ):
        done = weighbridge("gate", *words)
        assert done.returncode == 2, done.stdout
        assert said in done.stderr
