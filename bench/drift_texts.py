"""The drift monitors and the observer measured with texts.

python bench/drift_texts.py prompts --data DIR  a new kind of prompt, on real prompts (../shared/data/evals)
python bench/drift_texts.py screen --data DIR   what the screen of refusals misses, on labelled answers
python bench/drift_texts.py cost                processor time of looking at an exchange, and of folding it
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.evaluation.detector.judge import judge_answer
from weighbridge.evaluation.detector.judgement import REFUSED
from weighbridge.evaluation.detector.prose import visible_text
from weighbridge.evaluation.detector.tongue import read_tongue
from weighbridge.pilot.drift.fold import DriftFold
from weighbridge.pilot.drift.sketch import nearest, packed, sketch_of, unpacked
from weighbridge.pilot.drift.state import State
from weighbridge.pilot.exchange import Exchange
from weighbridge.pilot.journal.protocol import Entry
from weighbridge.pilot.observation.noun import Observation
from weighbridge.pilot.observation.observe import observe
from weighbridge.pilot.observation.observer import Observer
from weighbridge.pilot.observation.refusal import declines, may_decline
from weighbridge.pilot.route import Leg, ObserveTerms, Route, UpstreamSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

EVERY = 20_000
SEED = 20261122
DECISION = "d" * 64


def dice(number: int) -> random.Random:
    """Return seeded dice."""
    return random.Random(SEED + number)  # noqa: S311 - a simulation


def read_prompts(data: Path) -> dict[str, list[str]]:
    """Return prompts by where they come from: tables and lines with a column of prompts."""
    found: dict[str, list[str]] = {}
    names = ("prompt", "question", "goal", "Behavior", "Goal", "instruction")
    for path in sorted([*data.rglob("*.jsonl"), *data.rglob("*.csv")]):
        if "labelled" in path.parts:
            continue
        with path.open(encoding="utf-8", errors="replace", newline="") as lines:
            rows = (json.loads(line) for line in lines) if path.suffix == ".jsonl" else csv.DictReader(lines)
            texts = [next((row[name] for name in names if row.get(name)), None) for row in rows]
        kept = [text for text in texts if isinstance(text, str)]
        if len(kept) >= 100:
            found.setdefault(path.relative_to(data).parts[0], []).extend(kept)
    return found


def prompts(data: Path, runs: int) -> None:
    """Print how soon prompts from a source that the reference lacks, or one that doubles, are noticed."""
    sources = read_prompts(data)
    print({name: len(texts) for name, texts in sources.items()})
    names = list(sources)
    sketches = {name: [sketch_of(text, b"bench") for text in texts] for name, texts in sources.items()}
    for new in names:
        old = [name for name in names if name != new]
        for share in (0.05, 0.1, 0.2):
            found = []
            for run in range(runs):
                draw = dice(run)
                state = State(EVERY)
                vectors = (draw.choice(sketches[draw.choice(old)]) for _ in range(8_500))
                quiet = [name for vector in vectors for name in names_of(state, vector)]
                alarmed: list[str] = []
                number = 0
                while not alarmed and number < 5_000:
                    number += 1
                    source = new if draw.random() < share else draw.choice(old)
                    taken = names_of(state, draw.choice(sketches[source]))
                    alarmed = [name for name in taken if name not in quiet]
                found.append((number, len(quiet), alarmed[:1]))
            times = [number for number, _, _ in found]
            print(f"  {new} at {share:.0%}: median {statistics.median(times):,.0f} of {times}; {found[0][2]}")


def names_of(state: State, vector: list[float] | None) -> list[str]:
    """Let a state take a prompt, and return the streams that it alarmed."""
    raised = state.take(placed(state, vector))
    for one in raised:
        one.stream.alarm = {"severity": one.severity}
    return [one.name for one in raised]


def placed(state: State, vector: list[float] | None) -> Observation:
    """Return an observation of nothing but a prompt."""
    centres = [centre for text in state.centres if (centre := unpacked(text)) is not None]
    cluster, distance, sketch = None, None, ""
    if vector is not None:
        if centres:
            cluster, distance = nearest(vector, centres)
        else:
            sketch = packed(vector)
    seen = Observation("", 0.0, "r", "primary", DECISION, "", failed=False, total_s=1.0)
    return replace(seen, cluster=cluster, distance=distance, sketch=sketch)


def labelled(data: Path) -> Iterator[tuple[str, str]]:
    """Yield questions and answers that people labelled."""
    for path in sorted((data / "labelled/xstest-completions").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            yield from ((row["prompt"], row["completion"]) for row in csv.DictReader(lines))
    for path in sorted((data / "labelled").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            yield row["prompt"], row["completion"]
    for path in sorted(Path(__file__).parent.glob("*_answers_*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            yield row["question"], row["answer"]


def screen(data: Path) -> None:
    """Print, by language, how the cheap sign of refusal agrees with the detector, and how much it lets through."""
    counts: dict[str, list[int]] = {}
    for question, answer in labelled(data):
        tongue = read_tongue(answer[:600])
        refused = judge_answer(question, answer).behaviour in REFUSED
        sign = declines(question, answer, tongue)
        language = tongue.language if sign is not None else "other"
        passed = sign is not None and may_decline(visible_text(answer)[:500].lower().replace("\u2019", "'"), language)
        row = counts.setdefault(language, [0, 0, 0, 0, 0])
        for at, value in enumerate(
            (refused, refused and sign, not refused, not refused and sign, not refused and passed)
        ):
            row[at] += bool(value)
    print(f"  {'':8}{'refused':>8} {'found':>6}  {'others':>7} {'taken':>6} {'judged':>7}")
    for language, (refused_n, both, other, wrong, judged) in sorted(counts.items()):
        print(f"  {language:8}{refused_n:>8} {both:>6}  {other:>7} {wrong:>6} {judged:>7}")


def cost(count: int) -> None:
    """Print microseconds of processor time."""
    served = Route("r", Leg(UpstreamSettings("http://localhost", "m"), DECISION))
    terms = ObserveTerms(0.05, 1 << 20)
    observer = Observer(lambda _: terms, lambda _: None)
    exchanges = [exchange(number, 150) for number in range(count)]
    began = time.process_time()
    kept = sum(observer.keeps(one, terms) for one in exchanges)
    middle = time.process_time()
    for one in exchanges:
        observer.ended(one)
    ended = time.process_time()
    print(
        f"  keeps {1e6 * (middle - began) / count:.2f} us, ended {1e6 * (ended - middle) / count:.2f} us ({kept} kept)"
    )
    for words, is_stream in ((30, False), (150, False), (1500, False), (150, True), (1500, True)):
        some = [exchange(number, words, is_stream=is_stream) for number in range(100)]
        began = time.process_time()
        seen = [observe(one, 0.05) for one in some]
        spent = 1e6 * (time.process_time() - began) / len(some)
        print(f"  observe {words} words, {'stream' if is_stream else 'whole'}: {spent:.0f} us")
    fold, entries = DriftFold(served), [Entry(0.0, "r", "seen", one.to_facts(), at) for at, one in enumerate(seen)]
    body = fold.begin()
    for _ in range(20):
        body, _ = fold.take(body, entries)
    began = time.process_time()
    for _ in range(20):
        body, _ = fold.take(body, entries)
    print(f"  fold {1e6 * (time.process_time() - began) / 20 / len(entries):.0f} us an entry")
    began = time.process_time()
    for number in range(200):
        sketch_of(f"{WORDS[number % len(WORDS)]} {TEXT[:700]}", b"key")
    print(f"  sketch of a prompt of 700 characters {1e6 * (time.process_time() - began) / 200:.0f} us")


WORDS = ("river", "stone", "market", "train", "station", "window", "garden", "letter", "summer", "winter", "engine")
TEXT = " ".join(WORDS * 20)


def exchange(number: int, words: int, *, is_stream: bool = False) -> Exchange:
    """Return an exchange with an answer of so many words."""
    said = ["Here is what you asked for:", *(WORDS[(number + at * 7) % len(WORDS)] for at in range(words))]
    ask = json.dumps({"model": "r", "messages": [{"role": "user", "content": f"{number}: tell me of {TEXT[:200]}"}]})
    if is_stream:
        events = [{"choices": [{"index": 0, "delta": {"content": f" {word}"}, "finish_reason": None}]} for word in said]
        answer = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
    else:
        answer = json.dumps({"choices": [{"message": {"content": " ".join(said)}, "finish_reason": "stop"}]})
    return Exchange(
        f"bench{number:012x}", 0.0, "key", "default", "r", "primary", DECISION, "/v1/chat/completions", is_stream,
        status=200, total_s=1.0, first_s=0.1, request=ask.encode(), answer=answer.encode(), sent_bytes=len(answer),
    )  # fmt: skip


def main() -> None:
    """Run one measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("prompts", "screen", "cost"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data/evals"))
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    if given.what == "prompts":
        prompts(given.data, given.runs)
    elif given.what == "screen":
        screen(given.data)
    else:
        cost(20_000)


if __name__ == "__main__":
    main()
