"""The corpus that fuzzing kept (`fuzz/corpus`) is replayed: no crash, no hang, memory bounded. It needs no atheris."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from weighbridge.errors import WeighbridgeError

if TYPE_CHECKING:
    from collections.abc import Callable

FUZZ = Path(__file__).parents[2] / "fuzz"
MOST_BYTES = 2 << 20
RSS_GROWTH_KIB = 200 * 1024
HANG_S = 300

# one child for all: its memory is measured against what it needs to start
CHILD = """
import json, pathlib, resource, sys
sys.path.insert(0, sys.argv[1])
from targets import TARGETS
from weighbridge.errors import WeighbridgeError
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = {}
grown = {}
for name, target in TARGETS.items():
    files = sorted(pathlib.Path(sys.argv[1], "corpus", name).iterdir())
    for number, path in enumerate(files):
        if number == 1:
            before[name] = peak()  # the first input has loaded the tables that the target needs
        try:
            target(path.read_bytes())
        except WeighbridgeError:
            pass
    grown[name] = peak() - before.get(name, peak())
print(json.dumps(grown))
"""


def _targets() -> dict[str, Callable[[bytes], None]]:
    spec = importlib.util.spec_from_file_location("fuzz_targets", FUZZ / "targets.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    targets: dict[str, Callable[[bytes], None]] = module.TARGETS
    return targets


TARGETS = _targets()


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_nothing_that_fuzzing_found_raises(name: str) -> None:
    """Each input reaches code that no other does; only our own errors may come of it."""
    inputs = sorted((FUZZ / "corpus" / name).iterdir())
    assert inputs
    for path in inputs:
        try:
            TARGETS[name](path.read_bytes())
        except WeighbridgeError as error:
            assert error.message  # noqa: PT017 - a sentence is a good answer, and so is none


def test_memory_stays_bounded_over_the_whole_corpus() -> None:
    """In a process of its own, in time: what a header claims is never allocated."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(FUZZ)], capture_output=True, text=True, timeout=HANG_S, check=True
    )
    grown = json.loads(done.stdout)
    assert set(grown) == set(TARGETS)
    assert {name: kib for name, kib in grown.items() if kib > RSS_GROWTH_KIB} == {}


def test_the_corpus_stays_small() -> None:
    """It lies in the repository."""
    assert sum(path.stat().st_size for path in (FUZZ / "corpus").rglob("*")) < MOST_BYTES
