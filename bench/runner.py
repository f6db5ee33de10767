"""The runner against a raw client: CPU a sample, span, and time to the first request.

    python bench/runner.py [--n 2000] [--runs 3] [--lm-eval VENV/bin/lm-eval] [--json]
    python bench/runner.py --faults [--runs 3]       a fifth of the requests fails: coverage and span over the ideal,
                                                     and over what a perfect client takes under the same faults
    python bench/runner.py --memory [--n 100000]     VmHWM of the process itself, and CPU a sample, at 64 x 20 ms

Every row of a setting runs in turn against a fresh mock server; the median of the runs is printed.
CPU is user + system of the whole process, start-up included, as `getrusage` counts it. Our modules are compiled
before, as pip does when it installs: with PYTHONDONTWRITEBYTECODE a checkout compiles them in every start (0.25 s).
`--least` prints the least of the runs in place of the median, for a machine with other work on it. `--lm-eval` adds
lm-evaluation-harness (pip install 'lm-eval[api]' elsewhere), asked the same questions with its log of samples on.
"""

from __future__ import annotations

import argparse
import compileall
import heapq
import importlib.util
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
SETTINGS = ((20, 64), (100, 64), (20, 256), (100, 256))
FAULTY = ((2000, 64, 20), (300, 32, 20), (300, 32, 100))
FAULT_RATE = 0.2
FAULTS = ((None, None), (429, 0.2), (429, None), (500, None), (503, None))


def make_suite(folder: Path, n: int) -> None:
    """Write a suite of n questions whose answer is always "A"."""
    folder.mkdir()
    (folder / "suite.toml").write_text(
        '[suite]\nname = "bench"\nversion = "1"\ntitle = "Bench"\nmeasures = "score/v1"\nlanguage = "en"\n'
        'licence = "Apache-2.0"\nsource = "ours"\nscorer = "exact"\nmax_tokens = 8\n[prompt]\nchat = "$question"\n'
    )
    rows = ({"id": f"q{i}", "question": f"Question {i}: which letter?", "answer": "A"} for i in range(n))
    (folder / "items.jsonl").write_text("\n".join(json.dumps(row) for row in rows))


def lm_eval_command(program: str, suite: Path, in_flight: int) -> list[str]:
    """Write the same questions as a task of lm-evaluation-harness, and return the command that asks them."""
    (suite / "bench.yaml").write_text(
        f"task: bench\ndataset_path: json\ndataset_kwargs: {{data_files: {{test: {suite / 'items.jsonl'}}}}}\n"
        'test_split: test\noutput_type: generate_until\ndoc_to_text: "{{question}}"\ndoc_to_target: "{{answer}}"\n'
        'generation_kwargs: {until: ["\\n\\n"], max_gen_toks: 8, do_sample: false}\n'
        "metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]\n"
    )
    address = "http://127.0.0.1:{port}/v1/chat/completions"
    return [
        program, "run", "--model", "local-chat-completions",
        "--model_args", f"model=mock,base_url={address},num_concurrent={in_flight}",
        "--tasks", "bench", "--include_path", str(suite), "--apply_chat_template",
        "--output_path", str(suite / "out"), "--log_samples",
    ]  # fmt: skip


def one_run(command: list[str], latency_ms: int, *faults: str) -> dict[str, float]:
    """Run a command against a fresh mock server; `{port}` in the command is its port."""
    server = subprocess.Popen(
        [sys.executable, str(HERE / "mock_server.py"), "--latency-ms", str(latency_ms), *faults],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        port = server.stdout.readline().strip() if server.stdout else ""
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
        asking = subprocess.Popen(
            [part.replace("{port}", port) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        peak_mb = watched_mb(asking)
        if asking.returncode:
            raise SystemExit(f"{command[0]} ended with {asking.returncode}")
        wall, after = time.time() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/stats") as answer:
            stats = json.load(answer)
    finally:
        server.kill()
        server.wait()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "wall_s": wall,
        "cpu_s": cpu,
        "peak_mb": peak_mb,
        "span_s": stats["span_s"],
        "start_s": stats["first"] - started,
        **stats,
    }


def watched_mb(process: subprocess.Popen[bytes]) -> float:
    """Wait for a process, and return its own VmHWM in MB: ru_maxrss of a child starts at its parent's."""
    peak = 0
    while process.poll() is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii", errors="replace")
        except OSError:
            break
        peak = max([peak, *(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))])
        time.sleep(0.05)
    process.wait()
    return peak / 1024


def ours(suite: Path, in_flight: int, work: str) -> list[str]:
    """Return our command."""
    return [
        sys.executable, "-m", "weighbridge", "evaluate", "http://127.0.0.1:{port}/v1#mock",
        "--suite", str(suite), "--in-flight", str(in_flight), "--workspace", work, "--json",
    ]  # fmt: skip


def faults(runs: int) -> None:
    """Print what came of a fifth of the requests failing: the least span of the runs.

    It stands over the ideal, n x latency / in flight, over the same run without faults on the same machine, and over
    what a perfect client takes under these faults; the last column is that client over the ideal.
    """
    names = f"{'span s':>8}{'/ ideal':>9}{'/ none':>8}{'/ perfect':>11}{'perfect / ideal':>17}"
    print(f"{'setting':<24}{'fault':<24}{'requests':>9}{'faults':>8}{names}")
    for n, in_flight, latency_ms in FAULTY:
        steady_s = 0.0
        for status, after in FAULTS:
            spans = [faulty(n, in_flight, latency_ms, status, after) for _ in range(runs)]
            run = min(spans, key=lambda run: run["span_s"])
            steady_s = steady_s or run["span_s"]
            name = f"{status or 'none'}" + (f", retry-after {after} s" if after is not None else "")
            setting, ideal_s = f"{n} at {in_flight} x {latency_ms} ms", n * latency_ms / 1000 / in_flight
            counts = f"{run['requests']:>9.0f}{run['faults']:>8.0f}{run['span_s']:>8.2f}"
            perfect_s = perfect_span_s(n, in_flight, latency_ms / 1000, after or 0.0 if status else None)
            ratios = (
                f"{run['span_s'] / ideal_s:>9.2f}{run['span_s'] / steady_s:>8.2f}{run['span_s'] / perfect_s:>11.2f}"
            )
            print(f"{setting:<24}{name:<24}{counts}{ratios}{perfect_s / ideal_s:>17.2f}", flush=True)


def perfect_span_s(n: int, in_flight: int, latency_s: float, asked_s: float | None) -> float:
    """Return what a client takes that costs no time, fills every place, and asks again the moment it may.

    `asked_s` is what Retry-After asks for, None where nothing fails. Faults fall by number, as mock_server.py says.
    """
    now, last_s, number, fresh = 0.0, 0.0, 0, n
    running: list[tuple[float, bool]] = []
    waiting: list[float] = []
    while fresh or waiting or running:
        while len(running) < in_flight and (fresh or (waiting and waiting[0] <= now)):
            if waiting and waiting[0] <= now:
                heapq.heappop(waiting)
            else:
                fresh -= 1
            number += 1
            heapq.heappush(
                running, (now + latency_s, asked_s is not None and number * 2654435761 % 2**32 < FAULT_RATE * 2**32)
            )
        now = min(
            running[0][0] if running else math.inf, waiting[0] if waiting and len(running) < in_flight else math.inf
        )
        while running and running[0][0] <= now:
            last_s, failed = heapq.heappop(running)
            if failed:
                heapq.heappush(waiting, last_s + (asked_s or 0.0))
    return last_s


def faulty(n: int, in_flight: int, latency_ms: int, status: int | None, after: float | None) -> dict[str, float]:
    """Ask n questions of a server that fails a fifth of its requests; ends the program where one has no answer."""
    words = ["--fault-rate", str(FAULT_RATE), "--fault-status", str(status)] if status is not None else []
    words += ["--retry-after", str(after)] if after is not None else []
    with tempfile.TemporaryDirectory() as scratch:
        suite = Path(scratch) / "bench"
        make_suite(suite, n)
        run = one_run(ours(suite, in_flight, f"{scratch}/work"), latency_ms, *words)
    if run["requests"] - run["faults"] != n:
        raise SystemExit(f"{n - run['requests'] + run['faults']:.0f} questions have no answer")
    return run


def memory(n: int) -> None:
    """Print the peak memory and the CPU a sample of one large run."""
    with tempfile.TemporaryDirectory() as scratch:
        suite = Path(scratch) / "bench"
        make_suite(suite, n)
        run = one_run(ours(suite, 64, f"{scratch}/work"), 20)
    print(f"{n:,} samples: VmHWM {run['peak_mb']:.0f} MB, {run['cpu_s'] / n * 1000:.3f} ms CPU a sample")


def measure(
    n: int, runs: int, lm_eval: str | None, middle_of: Callable[[list[float]], float] = statistics.median
) -> list[dict[str, float | str]]:
    """Return one row a client and setting, medians of the runs or what `middle_of` makes of them."""
    rows: list[dict[str, float | str]] = []
    for latency_ms, in_flight in SETTINGS:
        results: dict[str, list[dict[str, float]]] = {}
        for _ in range(runs):
            with tempfile.TemporaryDirectory() as scratch:
                suite = Path(scratch) / "bench"
                make_suite(suite, n)
                commands = {
                    "raw asyncio": [sys.executable, str(HERE / "raw_client.py"), "{port}", str(in_flight), str(n)],
                    "weighbridge": ours(suite, in_flight, f"{scratch}/work"),
                }
                if lm_eval:
                    commands["lm-eval"] = lm_eval_command(lm_eval, suite, in_flight)
                for name, words in commands.items():
                    results.setdefault(name, []).append(one_run(words, latency_ms))
        raw_span = middle_of([run["span_s"] for run in results["raw asyncio"]])
        for name, found in results.items():
            middle = {key: middle_of([run[key] for run in found]) for key in found[0]}
            rows.append({
                "setting": f"{latency_ms} ms x {in_flight}",
                "client": name,
                "wall_s": middle["wall_s"],
                "to_first_request_s": middle["start_s"],
                "span_s": middle["span_s"],
                "span_over_raw": middle["span_s"] / raw_span,
                "cpu_ms_a_sample": middle["cpu_s"] / n * 1000,
                "peak_in_flight": middle["peak"],
            })  # fmt: skip
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int)
    parser.add_argument("--faults", action="store_true")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--least", action="store_true")
    parser.add_argument("--lm-eval", metavar="COMMAND", help="where lm-evaluation-harness is installed")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    ours_at = importlib.util.find_spec("weighbridge")
    for folder in (ours_at.submodule_search_locations or []) if ours_at else []:
        compileall.compile_dir(folder, quiet=2)
    print("load average:", *(f"{load:.1f}" for load in os.getloadavg()), file=sys.stderr)
    if wanted.faults:
        faults(wanted.runs)
        return
    if wanted.memory:
        memory(wanted.n or 100_000)
        return
    rows = measure(wanted.n or 2000, wanted.runs, wanted.lm_eval, min if wanted.least else statistics.median)
    if wanted.json:
        print(json.dumps(rows, indent=2))
        return
    columns = f"{'wall s':>8}{'first s':>9}{'span s':>8}{'/ raw':>7}{'CPU ms/sample':>15}{'peak':>6}"
    print(f"{'setting':<14}{'client':<14}{columns}")
    for row in rows:
        numbers = [
            float(row[key]) for key in ("wall_s", "to_first_request_s", "span_s", "span_over_raw", "cpu_ms_a_sample")
        ]
        wall, first, span, ratio, cpu = numbers
        print(
            f"{row['setting']:<14}{row['client']:<14}{wall:>8.2f}{first:>9.2f}{span:>8.2f}{ratio:>7.2f}{cpu:>15.3f}"
            f"{float(row['peak_in_flight']):>6.0f}"
        )


if __name__ == "__main__":
    main()
