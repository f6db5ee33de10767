"""Weighbridge beside seven other calculators, on real configs: how far each is from the truth, and what it costs.

    .venv/bin/python bench/anatomy_peers.py --envs /tmp/peer-envs --accelerate-python /tmp/ref/venv/bin/python

Configs and truth are `$WEIGHBRIDGE_SHARED/data/configs` and its index.csv: `reference_total_params` (transformers on
the meta device) and the derived columns of cache (bf16, one sequence) and active parameters. Each peer is installed
from the package registry into an environment of its own under --envs, at the version below, and driven by
`peers/drive.py`. What needs torch and transformers sees those of --accelerate-python (without it, both are installed:
several GB). `accelerate` demands a hub: it is given the configs by the stub in `$WEIGHBRIDGE_SHARED/tools`.

A peer *refuses* where it says itself that it does not know, and *fails* where it crashes or meets the limit of memory
or time. The claim checked is that no figure of a peer is nearer to the truth than ours; where we refuse, any is.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from weighbridge import __version__

SHARED = Path(os.environ.get("WEIGHBRIDGE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
CONFIGS = SHARED / "data" / "configs"
OURS = "weighbridge"
# what is installed; the first is the peer, and a True says that it needs torch or transformers
PEERS = {
    "kvfit": (["kvfit==0.3.0"], False),
    "hf-mem": (["hf-mem==0.5.6"], False),
    "hf-vram-calc": (["hf-vram-calc==1.0.9", "accelerate==1.15.0"], True),
    "llm-cal": (["llm-cal==0.2.0", "platformdirs"], False),
    "llm-flops": (["llm-flops==0.0.1"], False),
    "accelerate": (["accelerate==1.15.0"], True),
    "llm-resource-planner": (["llm-resource-planner==0.2.0"], True),
}
COLUMNS = {
    "total": "reference_total_params",
    "cache_8192": "derived_kv_bytes_at_8192_bf16",
    "cache_131072": "derived_kv_bytes_at_131072_bf16",
    "active": "derived_active_params",
}
_CACHES = {"cache_8192", "cache_131072"}
# what each has a figure for, from a config alone
GIVES = {
    OURS: set(COLUMNS), "kvfit": _CACHES, "hf-mem": _CACHES, "hf-vram-calc": {"total", *_CACHES},
    "llm-cal": {"total", *_CACHES}, "llm-flops": set(COLUMNS), "accelerate": {"total"},
    "llm-resource-planner": {"total", *_CACHES},
}  # fmt: skip
NEAR = 0.001


def percent(error: float) -> str:
    """Print a relative error in percent, a tiny one by its order."""
    return "0" if error == 0 else f"{error:+.1%}" if abs(error) >= NEAR else f"{100 * error:+.0e}%"


@dataclass
class Row:
    """One true figure of one config; what a tool said of it: a number, or `refuses`, or `fails`."""

    file: str
    quantity: str
    truth: int
    said: dict[str, float | str] = field(default_factory=dict)

    def error(self, tool: str) -> float | None:
        """Return the relative error of a tool's figure; nothing where it gives none."""
        figure = self.said.get(tool)
        return None if figure is None or isinstance(figure, str) else (figure - self.truth) / self.truth

    def cell(self, tool: str) -> str:
        """Return the error in percent, or why there is none."""
        error = self.error(tool)
        return str(self.said.get(tool, "")) if error is None else percent(error)

    @property
    def nearer(self) -> list[str]:
        """The peers whose figure is nearer than ours."""
        ours = self.error(OURS)
        worst = float("inf") if ours is None else abs(ours)
        return [tool for tool in self.said if (error := self.error(tool)) is not None and abs(error) < worst]


def environment(peer: str, folder: Path, with_torch: str | None) -> Path:
    """Return the Python of a peer's environment, made where it is missing."""
    wanted, needs_torch = PEERS[peer]
    home = folder / wanted[0].replace("==", "-")
    python = home / "bin" / "python"
    if not (home / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        if needs_torch and with_torch:
            say = "import sysconfig; print(sysconfig.get_path('purelib'))"
            lent, own = (subprocess.check_output([p, "-c", say], text=True).strip() for p in (with_torch, python))
            Path(own, "lent.pth").write_text(lent + "\n", encoding="utf-8")
        extra = ["torch", "transformers==5.23.0"] if needs_torch and not with_torch else []
        subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted, *extra], check=True)
        (home / "ready").touch()
    return python


def ask_peer(python: Path, peer: str, models: list[dict[str, str]], settings: argparse.Namespace) -> dict[str, Any]:
    """Return a peer's answer by file, and what it cost."""
    with tempfile.TemporaryDirectory() as home:
        hub = {"HF_ENDPOINT": settings.hub} if peer == "accelerate" else {"HF_HUB_OFFLINE": "1"}
        told = {"HOME": home, "HF_HOME": home, "PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", **hub}
        driver = Path(__file__).parent / "peers" / "drive.py"
        ran = subprocess.run(
            [python, driver, peer, str(settings.seconds), str(settings.gib)],
            input=json.dumps(models), env=told, stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
    *answers, last = (json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{"))
    cpu = [answer["cpu_s"] for answer in answers]
    cost = {
        "cpu_s_per_config": sum(cpu) / len(cpu), "cpu_s_worst": max(cpu), "start_cpu_s": last["import_cpu_s"],
        "peak_mib": max(answer["peak_mib"] for answer in answers),
    }  # fmt: skip
    return {"answers": {answer["file"]: answer for answer in answers}, "cost": cost}


def ask_ours(models: list[dict[str, str]]) -> dict[str, Any]:
    """Return our figures by file from one run of the command, and what it cost, start-up included."""
    command = Path(sys.executable).parent / "weighbridge"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    paths = [str(CONFIGS / model["file"]) for model in models]
    ran = subprocess.run([command, "inspect", "--json", *paths], stdout=subprocess.PIPE, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu, peak = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, after.ru_maxrss / 1024
    answers: dict[str, Any] = {}
    for line in ran.stdout.splitlines():
        seen = json.loads(line)
        anatomy = seen.get("anatomy") or {}
        parameters, cache = anatomy.get("parameters") or {}, anatomy.get("kv_cache") or {}
        caches = cache.get("bytes_at") or {}
        figures = {
            "total": parameters.get("total"), "active": (parameters.get("active") or {}).get("all"),
            "cache_8192": caches.get("8192"), "cache_131072": caches.get("131072"),
        }  # fmt: skip
        why = str(parameters.get("reason") or cache.get("reason") or "unknown")
        said = {name: why if figure is None else figure for name, figure in figures.items()}
        answers[Path(seen["reference"]).name] = {"figures": said}
    cost = dict.fromkeys(("cpu_s_per_config", "cpu_s_worst", "start_cpu_s", "peak_mib"))
    return {"answers": answers, "cost": {**cost, "cpu_s_per_config": cpu / len(models), "peak_mib": peak}}


def read_answer(answer: dict[str, Any], quantity: str) -> float | str | None:
    """Return one figure of an answer, or `refuses` or `fails`."""
    if "figures" not in answer:
        return "refuses" if "refuses" in answer else "fails"
    figure: float | str | None = answer["figures"].get(quantity)
    return "refuses" if isinstance(figure, str) else figure


def reasons(answers: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return by file why a tool gives no figures."""
    return {file: why for file, answer in answers.items() if (why := answer.get("refuses") or answer.get("fails"))}


def compare(index: list[dict[str, str]], tools: dict[str, dict[str, Any]]) -> list[Row]:
    """Return a row for each true figure of the index."""
    rows = []
    for entry in index:
        for quantity, column in COLUMNS.items():
            if not entry[column]:
                continue
            row = Row(entry["file"], quantity, int(entry[column]))
            for tool, asked in tools.items():
                word = read_answer(asked["answers"].get(entry["file"], {}), quantity)
                if quantity in GIVES[tool] and word is not None:
                    row.said[tool] = word
            rows.append(row)
    return rows


def summarize(rows: list[Row], tools: list[str]) -> list[dict[str, Any]]:
    """Count, for each quantity and tool, how near its figures are; the worst error with its config."""
    summary = []
    for quantity in COLUMNS:
        for tool in tools:
            mine = [row for row in rows if row.quantity == quantity and tool in row.said]
            if not mine:
                continue
            errors = [(abs(error), row) for row in mine if (error := row.error(tool)) is not None]
            worst = max(errors, key=lambda pair: pair[0], default=(0.0, mine[0]))
            summary.append({
                "quantity": quantity, "tool": tool, "rows": len(mine),
                "exact": sum(error == 0 for error, _ in errors),
                "within_0.1%": sum(0 < error <= NEAR for error, _ in errors),
                "wrong": sum(error > NEAR for error, _ in errors),
                "refuses": sum(row.said[tool] == "refuses" for row in mine),
                "fails": sum(row.said[tool] == "fails" for row in mine),
                "worst_error": worst[1].error(tool) if worst[0] else 0, "worst_on": worst[1].file if worst[0] else "",
            })  # fmt: skip
    return summary


def table(title: str, heads: list[str], rows: list[list[str]], left: int = 1) -> Table:
    """Return a plain table, its first columns to the left."""
    made = Table(title=title, title_justify="left", box=None, padding=(0, 1))
    for place, head in enumerate(heads):
        made.add_column(head, justify="left" if place < left else "right", overflow="fold")
    for row in rows:
        made.add_row(*row)
    return made


def show(result: dict[str, Any], rows: list[Row], tools: list[str]) -> None:
    """Print errors by row, the summary, the cost and the rows that break the claim."""
    console = Console(width=None if sys.stdout.isatty() else 160)
    for quantity in COLUMNS:
        givers = [tool for tool in tools if quantity in GIVES[tool]]
        cells = [[row.file[:-5], *map(row.cell, givers)] for row in rows if row.quantity == quantity]
        console.print(table(f"\n{quantity}: error", ["config", *givers], cells))
    counts = ["rows", "exact", "within_0.1%", "wrong", "refuses", "fails"]
    lines = [
        [line["quantity"], line["tool"], *(str(line[name]) for name in counts), percent(line["worst_error"]),
         line["worst_on"][:-5]]
        for line in result["summary"]
    ]  # fmt: skip
    console.print(table("\nsummary", ["quantity", "tool", *counts, "worst", "on"], lines, left=2))
    costs = [
        [tool, *("" if number is None else f"{number:.3f}" for number in cost.values())]
        for tool, cost in result["cost"].items()
    ]
    heads = ["tool", "CPU s a config", "worst", "to start", "peak MiB"]
    console.print(table(f"\ncost ({OURS}: start-up within)", heads, costs))
    console.print(f"\nrows where a peer is nearer than we are: {len(result['nearer'])} of {len(rows)}")
    for line in result["nearer"]:
        console.print(json.dumps(line), soft_wrap=True)


def publish(root: Path, index: list[dict[str, str]]) -> list[dict[str, str]]:
    """Lay the configs out as repositories of a hub."""
    models = []
    for entry in index:
        name = entry["file"][:-5].replace("__", "/", 1)
        folder = root / name
        folder.mkdir(parents=True)
        shutil.copy(CONFIGS / entry["file"], folder / "config.json")
        models.append({"file": entry["file"], "name": name, "folder": str(folder)})
    return models


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Weighbridge beside other calculators, on real configs.")
    parser.add_argument("--envs", type=Path, default=Path("~/.cache/weighbridge-peers").expanduser())
    parser.add_argument("--accelerate-python", help="a Python with torch and transformers")
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--only", default="", help="only configs whose file name holds this")
    parser.add_argument("--seconds", type=int, default=120, help="limit for one config")
    parser.add_argument("--gib", type=float, default=24, help="limit of address space for one config")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def main() -> None:
    """Ask all, compare, print."""
    settings = arguments()
    with (CONFIGS / "index.csv").open(encoding="utf-8", newline="") as text:
        index = [entry for entry in csv.DictReader(text) if settings.only in entry["file"]]
    sys.path.insert(0, str(SHARED / "tools"))
    stub_hub: Any = importlib.import_module("stub_hub")
    with tempfile.TemporaryDirectory() as temporary, stub_hub.StubHub(Path(temporary)) as hub:
        models, settings.hub = publish(Path(temporary), index), hub.url
        tools = {OURS: ask_ours(models)}
        for peer in settings.peers:
            print(f"{peer} ...", file=sys.stderr)
            tools[peer] = ask_peer(environment(peer, settings.envs, settings.accelerate_python), peer, models, settings)
    rows = compare(index, tools)
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "versions": [f"{OURS} {__version__}", *(PEERS[peer][0][0] for peer in settings.peers)],
        "configs": len(models),
        "summary": summarize(rows, list(tools)),
        "cost": {tool: asked["cost"] for tool, asked in tools.items()},
        "nearer": [{**asdict(row), "nearer": row.nearer} for row in rows if row.nearer],
        "reasons": {tool: reasons(asked["answers"]) for tool, asked in tools.items()},
    }
    if settings.json:
        print(json.dumps({**result, "rows": [asdict(row) for row in rows]}))
    else:
        show(result, rows, list(tools))


if __name__ == "__main__":
    main()
