"""Hold file scanners side by side on the corpus that `weighbridge.testing` builds; nothing in it is live malware.

    python bench/safety_peers.py --venvs DIR [--benign DIR] [--most N]

DIR holds one virtual environment a tool, named like it (`python -m venv DIR/picklescan`, then pip install). A tool
that is not there is left out. `--benign` adds files of yours that are sound: state dicts, joblib pipelines. Each tool
sees one file at a time and is judged by its exit code; "found" is what would stop a pipeline. Peers start anew for
each file, and so does Weighbridge; times are medians in seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.testing.hostile_archives import hostile_files
from weighbridge.testing.hostile_pickles import benign_pickles, hostile_pickles

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT_S = 120
# tool: command (`{}` is the file, `{dir}` its folder), exit codes that mean found, and clean; any other is an error
TOOLS: dict[str, tuple[list[str], set[int], set[int]]] = {
    "picklescan": (["picklescan", "-p", "{}"], {1}, {0}),
    "modelscan": (["modelscan", "-p", "{}"], {1}, {0}),
    "fickling": (["fickling", "--check-safety", "{}"], {1}, {0}),
    "modelaudit": (["modelaudit", "scan", "{}", "--format", "json"], {1}, {0}),
    "aisbom-cli": (["aisbom", "scan", "{dir}", "--output", "{dir}/../sbom.json"], {2}, {0}),
    "c4nary": (["c4nary", "scan", "{}"], {1}, {0}),
    "modelvet": (
        ["python", "-c", "import modelvet as m, sys; sys.exit(m.verify_path('{}').verdict.name != 'ACCEPT')"], {1}, {0},
    ),
}  # fmt: skip
ONLY = {"c4nary": (".gguf",), "modelvet": (".gguf", ".safetensors")}  # what they read; any other file is an error
QUIET = {"AISBOM_NO_OSV": "1", "AISBOM_NO_HF_LOOKUP": "1", "NO_ANALYTICS": "1", "PROMPTFOO_DISABLE_TELEMETRY": "1"}


@dataclass(slots=True)
class Row:
    """What one tool said of one group of files."""

    found: int = 0
    clean: int = 0
    error: int = 0
    seconds: list[float] = field(default_factory=list)


def corpus(folder: Path, benign: Path | None, most: int) -> Iterator[tuple[str, Path]]:
    """Write the corpus and yield each file with its group, each in a folder of its own."""
    groups = {
        "pickles that run code": {f"{n}.pkl": data for n, data in enumerate(hostile_pickles().values())},
        "files that run code": {n: d for n, (d, verdict) in hostile_files().items() if verdict.startswith("runs")},
        "files to stop at": {n: d for n, (d, verdict) in hostile_files().items() if not verdict.startswith("runs")},
        "benign": {f"{how.replace(' ', '_')}.pkl": data for how, data in benign_pickles().items()},
    }
    if benign is not None:
        groups["benign"] |= {path.name: path.read_bytes() for path in sorted(benign.iterdir())}
    for group, files in groups.items():
        step = max(1, len(files) // most)
        for number, (name, data) in enumerate(list(files.items())[::step]):
            path = folder / group.replace(" ", "_") / str(number) / name
            path.parent.mkdir(parents=True)
            path.write_bytes(data)
            yield group, path


def ask(venv: Path, tool: str, path: Path, row: Row) -> None:
    """Ask one tool of one file."""
    command, found, clean = TOOLS[tool]
    if tool in ONLY and not path.name.endswith(ONLY[tool]):
        row.error += 1
        return
    filled = [part.replace("{dir}", str(path.parent)).replace("{}", str(path)) for part in command]
    filled[0] = str(venv / "bin" / filled[0])
    start = time.perf_counter()
    try:
        code = subprocess.run(
            filled, capture_output=True, check=False, timeout=TIMEOUT_S, env={**os.environ, **QUIET}
        ).returncode
    except (OSError, subprocess.TimeoutExpired):
        code = -1
    row.seconds.append(time.perf_counter() - start)
    row.found += code in found
    row.clean += code in clean
    row.error += code not in found | clean


def ask_weighbridge(path: Path, row: Row) -> None:
    """Ask Weighbridge of one file: a finding of high or critical severity is what stops."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "weighbridge", "inspect", str(path), "--json"],
        capture_output=True, text=True, check=False, timeout=TIMEOUT_S,
    )  # fmt: skip
    row.seconds.append(time.perf_counter() - start)
    try:
        (file,) = json.loads(done.stdout)["safety"]["files"]
    except (ValueError, KeyError, TypeError):
        row.error += 1
        return
    stops = any(found["severity"] in {"high", "critical"} for found in file["findings"])
    row.found += stops
    row.clean += not stops


def main() -> None:
    """Print one table: found / clean / error of each tool in each group."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venvs", type=Path, required=True)
    parser.add_argument("--benign", type=Path)
    parser.add_argument("--most", type=int, default=1000, help="files of each group")
    given = parser.parse_args()
    tools = [tool for tool in TOOLS if (given.venvs / tool / "bin").is_dir()]
    table: dict[tuple[str, str], Row] = {}
    with tempfile.TemporaryDirectory() as folder:
        for group, path in corpus(Path(folder), given.benign, given.most):
            ask_weighbridge(path, table.setdefault((group, "weighbridge"), Row()))
            for tool in tools:
                ask(given.venvs / tool, tool, path, table.setdefault((group, tool), Row()))
    groups = list(dict.fromkeys(group for group, _ in table))
    print("found / clean / error (median s)")
    for tool in ("weighbridge", *tools):
        cells = [table[group, tool] for group in groups]
        text = "  ".join(
            f"{group}: {row.found}/{row.clean}/{row.error} ({statistics.median(row.seconds or [0.0]):.2f})"
            for group, row in zip(groups, cells, strict=True)
        )
        print(f"{tool:<12} {text}")


if __name__ == "__main__":
    main()
