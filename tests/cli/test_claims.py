"""`weighbridge claims` as a user runs it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import CommandLine


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("DeepSeek-V3 has 671B parameters.", 0),  # its README
        ("DeepSeek-V3 has 405B parameters.", 12),
        ("The weather is fine.", 0),
        ("DeepSeek-V3 supports 41 languages.", 0),  # its publisher says no number
    ],
)
def test_a_contradiction_is_the_exit_code(weighbridge: CommandLine, text: str, code: int) -> None:
    """12 where a claim is contradicted, 0 else, and 0 wherever no verdict is asked for."""
    assert weighbridge("claims", text).returncode == code
    assert weighbridge("claims", text, "--no-verdict-code").returncode == 0


def test_machines_read_a_file(weighbridge: CommandLine, tmp_path: Path) -> None:
    """Every claim with its line, its outcome and the facts it was held against, each with its source."""
    (tmp_path / "article.md").write_text("# News\n\nKimi K2 has 1T parameters.\n", encoding="utf-8")
    loaded = json.loads(weighbridge("claims", "article.md", "--json").stdout)
    (claim,) = loaded["claims"]
    assert loaded["schema"] == "weighbridge/claims/v1"
    assert (claim["model"], claim["quantity"], claim["line"]) == ("moonshotai/Kimi-K2-Instruct", "total_parameters", 3)
    assert (claim["value"], claim["outcome"]) == (1e12, "supported")
    assert all(fact["source"] for fact in claim["facts"])


def test_people_read_the_source(weighbridge: CommandLine) -> None:
    """A contradicted figure comes with the true one, where that is from, and whose the figure is."""
    output = weighbridge("claims", "DeepSeek-V3 has 405B parameters.").stdout
    for words in ("contradicted", "671B", "Llama-3.1-405B", "source: computed from its config", "1 contradicted"):
        assert words in output


def test_a_text_longer_than_a_file_name_is_a_text(weighbridge: CommandLine) -> None:
    """No file system has such a name, and none is asked for it twice."""
    done = weighbridge("claims", "DeepSeek-V3 has 671B parameters. " * 20)
    assert (done.returncode, done.stderr) == (0, "")
