"""Fuzz one parser, or all in turn, with atheris (libFuzzer): what it finds goes to `fuzz/found/`.

    python fuzz/run.py [TARGET ...] [--seconds 60]      needs: pip install atheris
    python fuzz/run.py --minimise [TARGET ...]          merge what was learnt into the corpus that is kept

A crash is any exception but a WeighbridgeError; a hang is an input of more than 5 s; memory is bounded at 200 MB above
what the parsers need to start. `tests/property/test_fuzz_corpus.py` replays the corpus without atheris.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
_LEARNT = HERE / "learnt"
_FOUND = HERE / "found"
_START_MB = 250  # the interpreter, the instrumented package and the licence texts
_LONGEST = {"licence": 4096, "python": 2048, "template": 2048}


def fuzz_one(name: str, arguments: list[str]) -> None:
    """Hand this process over to libFuzzer."""
    import atheris

    with atheris.instrument_imports(include=["weighbridge", "targets"]):
        from targets import TARGETS

        from weighbridge.errors import WeighbridgeError
    target = TARGETS[name]

    def test(data: bytes) -> None:
        try:
            target(data)
        except WeighbridgeError:
            return

    with tempfile.TemporaryDirectory() as folder:  # libFuzzer starts itself anew to merge, by its first argument
        again = Path(folder) / "again"
        again.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" --child {name} "$@"\n')
        again.chmod(0o700)
        atheris.Setup([str(again), *arguments], test)
        atheris.Fuzz()


def run(name: str, seconds: int) -> int:
    """Fuzz one target in a process of its own; return its exit code."""
    folders = [_LEARNT / name, HERE / "corpus" / name]
    for folder in (*folders, _FOUND):
        folder.mkdir(parents=True, exist_ok=True)
    flags = [
        f"-max_total_time={seconds}", "-timeout=5", f"-rss_limit_mb={_START_MB + 200}", "-print_final_stats=1",
        f"-artifact_prefix={_FOUND / name}-", f"-max_len={_LONGEST.get(name, 8192)}", "-verbosity=0",
    ]  # fmt: skip
    return _child(name, [*flags, *map(str, folders)])


def minimise(name: str) -> int:
    """Add to the kept corpus the few inputs that reach code which no other does."""
    kept = HERE / "corpus" / name
    kept.mkdir(parents=True, exist_ok=True)
    return _child(name, ["-merge=1", "-verbosity=0", str(kept), str(_LEARNT / name)])


def _child(name: str, flags: list[str]) -> int:
    print(f"== {name}", flush=True)
    return subprocess.run([sys.executable, __file__, "--child", name, *flags], check=False).returncode


def main() -> None:
    """Fuzz, or minimise; leaves with 1 where anything was found."""
    if sys.argv[1:2] == ["--child"]:
        fuzz_one(sys.argv[2], sys.argv[3:])
        return
    sys.path.insert(0, str(HERE))
    from targets import TARGETS

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--minimise", action="store_true", help="merge what was learnt into the corpus")
    options = parser.parse_args()
    names = options.targets or list(TARGETS)
    codes = [minimise(name) if options.minimise else run(name, options.seconds) for name in names]
    sys.exit(int(any(codes)))


if __name__ == "__main__":
    main()
