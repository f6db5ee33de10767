"""The corpus that fuzzing kept (`fuzz/corpus`) is replayed: no crash, no hang, memory bounded. It needs no atheris."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

FUZZ = Path(__file__).parents[2] / "fuzz"
MOST_BYTES = 2 << 20
RSS_GROWTH_KIB = 200 * 1024
HANG_S = 300

# one child for all: its memory is measured against what it needs to start
CHILD = """
import json, pathlib, resource, sys, traceback
sys.path.insert(0, sys.argv[1])
from targets import TARGETS
from weighbridge.errors import WeighbridgeError
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
grown = {}
raised = {}
for name, target in TARGETS.items():
    files = sorted(pathlib.Path(sys.argv[1], "corpus", name).iterdir())
    before = peak()
    for number, path in enumerate(files):
        try:
            target(path.read_bytes())
        except WeighbridgeError as error:
            if not error.message:
                raised[f"{name}/{path.name}"] = "an error without a sentence"
        except Exception:
            raised[f"{name}/{path.name}"] = traceback.format_exc()
        if number == 0:
            before = peak()  # the first input has loaded the tables that the target needs
    grown[name] = peak() - before
    assert files, name
print(json.dumps([raised, grown]))
"""


def test_nothing_that_fuzzing_found_raises_or_fills_the_memory() -> None:
    """Each input reaches code that no other does: only our own errors come of it, and no claim of size is allocated."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(FUZZ)], capture_output=True, text=True, timeout=HANG_S, check=False
    )
    assert done.returncode == 0, done.stderr
    raised, grown = json.loads(done.stdout)
    assert raised == {}
    assert set(grown) == {folder.name for folder in (FUZZ / "corpus").iterdir()}
    assert {name: kib for name, kib in grown.items() if kib > RSS_GROWTH_KIB} == {}


def test_the_corpus_stays_small() -> None:
    """It lies in the repository."""
    assert sum(path.stat().st_size for path in (FUZZ / "corpus").rglob("*")) < MOST_BYTES
