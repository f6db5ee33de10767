"""The sandboxes: start, HumanEval, and what limits cost.

    python bench/sandbox.py [--human-eval FILE.jsonl.gz] [--name wasm|bubblewrap] [--starts 50] [--json]

Wall and CPU milliseconds are medians over single programs; CPU is what the sandbox reports. HumanEval is run twice: its
reference solutions, and `return None` for each problem. Memory is this process's peak, as `getrusage` counts it.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weighbridge.sandbox.choice import choose
from weighbridge.sandbox.protocol import Limits, Program, Verdict

if TYPE_CHECKING:
    from weighbridge.sandbox.protocol import Sandbox

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "evals" / "human-eval" / "HumanEval.jsonl.gz"
CALLS = 1000


def median_ms(sandbox: Sandbox, program: Program, times: int) -> dict[str, float]:
    """Run one program several times; return the medians."""
    walls, cpus = [], []
    for _ in range(times):
        began = time.perf_counter()
        outcome = sandbox.run(program)
        walls.append(time.perf_counter() - began)
        cpus.append(outcome.seconds)
    return {"wall_ms": 1e3 * statistics.median(walls), "cpu_ms": 1e3 * statistics.median(cpus)}


def human_eval(sandbox: Sandbox, rows: list[dict[str, str]], body: str | None) -> dict[str, float]:
    """Run all problems with one body, or with their own solutions."""
    began, passed, slowest = time.perf_counter(), 0, 0.0
    for row in rows:
        solution = row["canonical_solution"] if body is None else body
        tests = f"{row['test']}\ncheck({row['entry_point']})\n"
        outcome = sandbox.run(Program(row["prompt"] + solution, tests, row["prompt"], (row["entry_point"],)))
        passed += outcome.verdict is Verdict.PASSED
        slowest = max(slowest, outcome.seconds)
    return {"passed": passed, "of": len(rows), "wall_s": time.perf_counter() - began, "slowest_cpu_s": slowest}


def measure(name: str | None, rows: list[dict[str, str]], starts: int) -> dict[str, Any]:
    """Return all figures of one sandbox."""
    began = time.perf_counter()
    sandbox = choose(name=name)
    sandbox.run(Program("pass"))
    result: dict[str, Any] = {"sandbox": sandbox.name, "ready_s": time.perf_counter() - began}
    result["one_room"] = median_ms(sandbox, Program("pass"), starts)
    result["two_rooms"] = median_ms(sandbox, Program("def f(x): return x", "assert f(1) == 1"), starts)
    many = Program("def f(x): return x", f"for i in range({CALLS}):\n    assert f(i) == i")
    calls = median_ms(sandbox, many, 5)
    result["call_us"] = 1e3 * (calls["wall_ms"] - result["two_rooms"]["wall_ms"]) / CALLS
    loop = Program("while True: pass", limits=Limits(seconds=1.0))
    result["loop_of_1_s"] = median_ms(sandbox, loop, 3)
    result["memory_bomb"] = median_ms(sandbox, Program("x = []\nwhile True: x.append(bytes(10**6))"), 3)
    if rows:
        result["references"] = human_eval(sandbox, rows, None)
        result["return_none"] = human_eval(sandbox, rows, "    return None\n")
    result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return result


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--human-eval", type=Path, default=SHARED)
    parser.add_argument("--name", choices=["wasm", "bubblewrap"])
    parser.add_argument("--starts", type=int, default=50)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = []
    if given.human_eval.is_file():
        with gzip.open(given.human_eval, "rt", encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
    result = measure(given.name, rows, given.starts)
    if given.json:
        print(json.dumps(result, indent=1))
        return
    for key, value in result.items():
        figures = value.items() if isinstance(value, dict) else [("", value)]
        print(
            f"{key:14}",
            "  ".join(f"{name} {one:.4g}" if isinstance(one, float) else f"{name} {one}" for name, one in figures),
        )


if __name__ == "__main__":
    main()
