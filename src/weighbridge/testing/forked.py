"""`weighbridge` as a process of its own, in the time of a fork: a server has imported the package, a run forks it."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["run_forked"]

_FORKS = multiprocessing.get_context("forkserver")
# a fork imports the main module again, and that is pytest where xdist is not
_FORKS.set_forkserver_preload(["weighbridge.testing.imported", "pytest"])


def run_forked(
    words: Sequence[str], cwd: Path, env: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run `weighbridge WORDS` to its end, with streams, exit code, folder and environment as a new process has them.

    It starts in 20 ms, where the imports of a new process take up to a second. Not new are what the interpreter itself
    starts with: `PYTHON*` and the seed of hashes. Raises `subprocess.TimeoutExpired` after `timeout` seconds.
    """
    command = ["weighbridge", *words]
    with NamedTemporaryFile() as out, NamedTemporaryFile() as err:
        process = _FORKS.Process(target=_run, args=(command, str(cwd), dict(env), (out.name, err.name)))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(command, timeout)
        return subprocess.CompletedProcess(command, process.exitcode, out.read().decode(), err.read().decode())


def _run(command: list[str], cwd: str, env: dict[str, str], streams: tuple[str, str]) -> None:
    """Take on what a process is started with, and run the command line."""
    for number, name in enumerate(streams, 1):
        descriptor = os.open(name, os.O_WRONLY)
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = command
    importlib.import_module("weighbridge.cli.main").run()
