"""A run in a fork, against the same run as a new process; and waiting that ends."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from weighbridge.testing.forked import run_forked
from weighbridge.testing.waiting import first_document, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from weighbridge.testing.fault_server import FaultServer


@pytest.mark.parametrize(
    "words", [["--version"], ["wiegh"], ["inspect", "./model"], ["evidence", "list"], ["knowledge", "list", "--json"]]
)
def test_a_fork_does_what_a_new_process_does(words: list[str], tmp_path: Path) -> None:
    """Streams and exit code, in a folder and an environment of its own."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    env = {**os.environ, "COLUMNS": "60", "NO_COLOR": "1", "XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "weighbridge", *words]
    new = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)
    fork = run_forked(words, tmp_path, env, timeout=60)
    assert (fork.returncode, fork.stdout, fork.stderr) == (new.returncode, new.stdout, new.stderr)


def test_a_fork_that_hangs_is_ended(
    serve: Callable[[Callable[[int, str], bytes | None]], FaultServer], tmp_path: Path
) -> None:
    """As `subprocess.run` does it."""
    server = serve(lambda _n, _path: None)
    server.models_reply = None
    with pytest.raises(subprocess.TimeoutExpired):
        run_forked(["engine", f"{server.url}#m"], tmp_path, os.environ, timeout=0.5)


def test_waiting_ends() -> None:
    """For what does not come about, and for a process that ends before it has said a document: its stderr is told."""
    with pytest.raises(TimeoutError):
        wait_for(lambda: False, seconds=0.05)
    program = "import sys; print('{'); sys.exit('it broke')"
    with (
        subprocess.Popen([sys.executable, "-c", program], stdout=-1, stderr=-1, text=True) as process,
        pytest.raises(ChildProcessError, match="it broke"),
    ):
        first_document(process)
