"""`weighbridge canary` as a user runs it: choose, record, ask again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.cli.test_behaviour import bank, served

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import CommandLine
    from tests.cli.test_behaviour import Serve


def test_a_canary_of_evidence_sees_a_change(weighbridge: CommandLine, serve: Serve, tmp_path: Path) -> None:
    """Chosen from a measured model it sings for another behaviour, and not for the same one."""
    model = served(serve, lambda question: "CN" in question)
    measured = weighbridge.json("behaviour", model, "--bank", bank(tmp_path))
    file = tmp_path / "canary.jsonl"
    done = weighbridge("canary", "--from-evidence", measured["id"], "--items", "20", "--out", str(file))
    assert done.returncode == 0, done.stderr
    rows = [json.loads(one) for one in file.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 20
    assert {row["behaviour"] for row in rows} == {"compliance", "refusal"}
    assert "asked only once" in done.stderr

    same = weighbridge.json("canary", "check", str(file), model)
    assert same["verdict"] == "no change shown"
    assert same["identical"]["value"] == 1
    other = weighbridge.json("canary", "check", str(file), served(serve, lambda _question: False), code=12)
    assert other["verdict"] == "behaviour changed"
    assert other["started"] == sum(row["behaviour"] == "refusal" for row in rows)
    told = weighbridge("canary", "check", str(file), served(serve, lambda _question: True))
    assert told.returncode == 12
    assert "behaviour changed" in told.stdout


def test_a_canary_of_a_bank_is_recorded_first(weighbridge: CommandLine, serve: Serve, tmp_path: Path) -> None:
    """Without a reference nothing is known; the recorded file has one, and is asked by `--engine` as well."""
    file, known = tmp_path / "canary.jsonl", tmp_path / "known.jsonl"
    done = weighbridge("canary", "--bank", "behaviour", "--out", str(file))
    assert done.returncode == 0, done.stderr
    model = served(serve, lambda question: "how" in question.lower())
    assert weighbridge("canary", "check", str(file), model).returncode == 11
    done = weighbridge("canary", "check", str(file), model, "--record", str(known))
    assert done.returncode == 0, done.stderr
    assert f"Recorded: {known}, with a reference for 30 of 30 rows" in done.stderr
    assert "nothing to compare with before today" in done.stdout
    assert "lost" not in done.stdout
    assert weighbridge("canary", "check", str(known), "--engine", model).returncode == 0


def test_what_contradicts_itself_is_refused(weighbridge: CommandLine, tmp_path: Path) -> None:
    """Nothing to choose from, both, languages that are not there, a file that is none, no model."""
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"id": "x"}\n')
    for words, said in (
        ((), "nothing is named to choose from"),
        (("--bank", "behaviour", "--from-evidence", "abc"), "two sources"),
        (("--bank", "behaviour", "--languages", "tlh"), "no items"),
        (("check", str(broken), "http://127.0.0.1:9/v1#m"), "no row of a canary"),
        (("check", str(broken)), "name the model"),
    ):
        done = weighbridge("canary", *words)
        assert done.returncode == 2, done.stdout
        assert said in done.stderr
