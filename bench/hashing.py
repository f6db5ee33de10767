"""Hashing of model files against coreutils' `sha256sum`, in one run on page-cached files.

    python bench/hashing.py [--mebibytes 1024] [--rounds 5] [--folder DIR] [--json]

The files are safetensors of one tensor: "and search" is the digest with the search of all bytes that belong to no
tensor. A format inside a tensor is nothing that a loader reads, and bytes of a tensor may be any bytes.

One core: both programs are bound to the same core and take turns. Two cores: two files at once against one
file; two `sha256sum` processes at once show what the machine itself can give. The best round counts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.core.progress import silent
from weighbridge.formats.bounded_file import BoundedFile
from weighbridge.formats.safetensors import read_header
from weighbridge.hub.hashing import hash_files
from weighbridge.inspection.stray import in_safetensors

if TYPE_CHECKING:
    from collections.abc import Callable

_MEBIBYTE = 1 << 20


def ours(*paths: Path) -> list[str]:
    """Hash with Weighbridge, without a cache."""
    entries, _ = hash_files({path.name: str(path) for path in paths}, None, silent)
    return [entry.sha256 for entry in entries]


def ours_and_search(*paths: Path) -> list[str]:
    """Hash, and search what belongs to no tensor."""
    digests = ours(*paths)
    for path in paths:
        with BoundedFile(path) as file:
            if list(in_safetensors(file, read_header(path))):
                raise SystemExit("a false alarm")
    return digests


def theirs(*paths: Path) -> list[str]:
    """Hash with one `sha256sum` process a file, all at once."""
    processes = [subprocess.Popen(["sha256sum", str(path)], stdout=subprocess.PIPE, text=True) for path in paths]
    return [process.communicate()[0].split()[0] for process in processes]


def _header(size: int) -> bytes:
    text = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    return len(text).to_bytes(8, "little") + text


def seconds_of(hashing: Callable[..., list[str]], cores: set[int], *paths: Path) -> tuple[float, list[str]]:
    """Time one call on the given cores."""
    os.sched_setaffinity(0, cores)
    started = time.perf_counter()
    digests = hashing(*paths)
    return time.perf_counter() - started, digests


def measure(folder: Path, mebibytes: int, rounds: int) -> dict[str, float]:
    """Return the best seconds of each way of hashing; raises SystemExit where the digests differ."""
    cores = os.sched_getaffinity(0)
    files = [folder / "a.bin", folder / "b.bin"]
    for path in files:
        with path.open("wb") as file:
            file.write(_header(mebibytes * _MEBIBYTE))
            for _ in range(mebibytes):
                file.write(os.urandom(_MEBIBYTE))
    one = {min(cores)}
    best: dict[str, float] = {}
    for number in range(rounds + 1):  # the first round only warms the page cache
        for name, hashing, where, paths in (
            ("sha256sum, 1 file, 1 core", theirs, one, files[:1]),
            ("weighbridge, 1 file, 1 core", ours, one, files[:1]),
            ("weighbridge, and search, 1 core", ours_and_search, one, files[:1]),
            ("weighbridge, 1 file, all cores", ours, cores, files[:1]),
            ("weighbridge, 2 files, all cores", ours, cores, files),
            ("sha256sum x 2, 2 files, all cores", theirs, cores, files),
        ):
            seconds, digests = seconds_of(hashing, where, *paths)
            if digests != theirs(*paths):
                raise SystemExit(f"{name}: the digests differ")
            if number:
                best[name] = min(seconds, best.get(name, seconds))
    os.sched_setaffinity(0, cores)
    return best


def main() -> None:
    """Measure and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mebibytes", type=int, default=1024, help="size of each of the two files")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the files are made (default: the temporary folder)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        best = measure(Path(folder), options.mebibytes, options.rounds)
    one_core = best["sha256sum, 1 file, 1 core"] / best["weighbridge, 1 file, 1 core"]
    search = best["sha256sum, 1 file, 1 core"] / best["weighbridge, and search, 1 core"]
    two_files = 2 * best["weighbridge, 1 file, all cores"] / best["weighbridge, 2 files, all cores"]
    ceiling = 2 * best["sha256sum, 1 file, 1 core"] / best["sha256sum x 2, 2 files, all cores"]
    if options.json:
        ratios = {"one_core": one_core, "and_search": search, "two_files": two_files}
        ratios["two_processes_of_sha256sum"] = ceiling
        print(json.dumps({"schema": "bench-hashing/v1", "seconds": best, "speed_ratios": ratios}))
        return
    for name, seconds in best.items():
        bytes_hashed = options.mebibytes * _MEBIBYTE * (2 if "2 files" in name else 1)
        print(f"{name:<36} {seconds:7.3f} s {bytes_hashed / seconds / 1e9:6.2f} GB/s")
    print(f"\none core: {one_core:.2f} x the speed of `sha256sum` (target 0.90)")
    print(f"with the search: {search:.2f} x (target 0.90)")
    print(f"two files: {two_files:.2f} x the speed of one file (two `sha256sum` at once reach {ceiling:.2f})")


if __name__ == "__main__":
    main()
