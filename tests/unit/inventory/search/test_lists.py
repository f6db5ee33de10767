"""Lists of references that somebody wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inventory.found import Found, Unsearched
from weighbridge.inventory.listed import read_list

if TYPE_CHECKING:
    from pathlib import Path


def references(path: Path, text: str) -> list[tuple[str, str]]:
    """Return names and references of a list."""
    path.write_text(text)
    return [(one.name, one.reference) for one in read_list(path) if isinstance(one, Found)]


def test_one_reference_a_line(tmp_path: Path) -> None:
    """Ids, references with a hub, pages and names that are no id; notes and empty lines are nothing."""
    text = (
        "# ours\n\nQwen/Qwen3-8B\nhf:google/gemma-2b@abc\nms:Qwen/Qwen3-14B\n"
        "https://huggingface.co/microsoft/phi-4\nhttps://www.modelscope.cn/models/Qwen/QwQ-32B\ngpt-oss:20b\n"
    )
    assert references(tmp_path / "l.txt", text) == [
        ("Qwen/Qwen3-8B", "hf:Qwen/Qwen3-8B"),
        ("google/gemma-2b", "hf:google/gemma-2b@abc"),
        ("Qwen/Qwen3-14B", "ms:Qwen/Qwen3-14B"),
        ("microsoft/phi-4", "hf:microsoft/phi-4"),
        ("Qwen/QwQ-32B", "ms:Qwen/QwQ-32B"),
        ("gpt-oss:20b", ""),
    ]


def test_a_column_of_a_csv_file(tmp_path: Path) -> None:
    """The column is told by its name, and a revision beside it is the pin."""
    text = 'team;model;revision\nsearch;"Qwen/Qwen3-8B";abc\nchat;google/gemma-2b;\n'
    assert references(tmp_path / "l.csv", text) == [
        ("Qwen/Qwen3-8B", "hf:Qwen/Qwen3-8B@abc"),
        ("google/gemma-2b", "hf:google/gemma-2b"),
    ]


def test_what_is_no_reference_is_said(tmp_path: Path) -> None:
    """A line that no model can be called is a place that was not read."""
    (tmp_path / "l.txt").write_text("x" * 1000 + "\n")
    (one,) = read_list(tmp_path / "l.txt")
    assert isinstance(one, Unsearched)
