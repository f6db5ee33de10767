"""`weighbridge lineage` and `weighbridge openness` as a user runs them."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING

import pytest

from weighbridge.testing.tiny_weights import Row, gguf_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import CommandLine

ANSWERS = """
[[answer]]
framework = "osaid"
item = "data-description"
state = "partial"
by = "A. Reviewer"
on = 2026-11-22
"""


@pytest.fixture
def models(tmp_path: Path) -> tuple[str, str]:
    """Write a model and its base: one matrix, and in the model a name that says AWQ."""
    row = struct.pack("<64f", *(float(at % 7 - 3) for at in range(64)))
    for name, said in (("own.gguf", "Llama 2 7B AWQ"), ("base.gguf", "Llama 2 7B")):
        metadata = {"general.architecture": "llama", "general.name": said, "general.file_type": 15}
        rows = [Row("blk.0.ffn_up.weight", (64, 4), 0, 1024)]
        (tmp_path / name).write_bytes(gguf_bytes(metadata, rows, data=row * 4))
    return "own.gguf", "base.gguf"


def test_lineage_beside_a_base(weighbridge: CommandLine, models: tuple[str, str]) -> None:
    """Verdict, figures, and what an adversary could hide; the same as JSON."""
    done = weighbridge("lineage", models[0], "--base", models[1])
    assert done.returncode == 0
    assert "consistent with base" in done.stdout
    assert "median cosine 1.000 over 4 rows" in done.stdout
    assert "quantized twice" in done.stdout
    assert "permutes or rotates" in done.stdout
    content = json.loads(weighbridge("lineage", models[0], "--base", models[1], "--json").stdout)
    assert content["schema"] == "weighbridge/lineage/v1"
    assert content["lineage"]["compared"]["verdict"] == "consistent with"


def test_an_endpoint_has_no_lineage(weighbridge: CommandLine) -> None:
    """The weights behind an address cannot be seen: wrong usage, with what to give instead."""
    for command in ("lineage", "openness"):
        done = weighbridge(command, "http://127.0.0.1:9/v1#m")
        assert done.returncode == 2
        assert "endpoint" in done.stderr


def test_a_file_that_is_no_model_is_no_base(weighbridge: CommandLine, models: tuple[str, str], tmp_path: Path) -> None:
    """What has no tensors cannot be compared: wrong usage, not "cannot tell"."""
    (tmp_path / "passwd").write_text("root:x:0:0\n")
    for words in ((models[0], "--base", str(tmp_path / "passwd")), (str(tmp_path / "passwd"),)):
        done = weighbridge("lineage", *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert "passwd` is no model" in done.stderr


def test_openness_with_answers(weighbridge: CommandLine, models: tuple[str, str], tmp_path: Path) -> None:
    """Three frameworks, each with its grade; the reviewer's name and day stand beside the answer."""
    (tmp_path / "answers.toml").write_text(ANSWERS)
    done = weighbridge("openness", models[0], "--answers", "answers.toml")
    assert done.returncode == 0
    assert "Open Source AI Definition: not met" in done.stdout
    assert "A. Reviewer on 2026-11-22" in done.stdout
    content = json.loads(weighbridge("openness", models[0], "--json").stdout)
    assert [one["id"] for one in content["openness"]["frameworks"]] == ["osaid", "mof", "osai-index"]
    assert content["openness"]["standing"] == "unknown"


def test_answers_that_are_absent_are_said_to_be(weighbridge: CommandLine, models: tuple[str, str]) -> None:
    """A file that is not there is wrong usage, not a crash."""
    done = weighbridge("openness", models[0], "--answers", "none.toml")
    assert done.returncode == 2
    assert "none.toml" in done.stderr
