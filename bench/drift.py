"""The drift monitors measured: false alarms, delays, prompts, the screen of refusals, and what looking costs.

    python bench/drift.py alarms              false alarms of a stream over references, stage by stage
    python bench/drift.py route               false alarms of all monitors of a route together
    python bench/drift.py delays              how soon a rise of 2% is noticed, beside PSI
    python bench/drift.py prompts --data DIR  a new kind of prompt, on real prompts (../shared/data/evals)
    python bench/drift.py screen --data DIR   what the screen of refusals misses, on labelled answers
    python bench/drift.py cost                processor time of looking at an exchange, and of folding it

Simulations are seeded. A false alarm is counted for every reference, and the mean time is observations watched over
alarms, all references together: what an operator of many routes meets. PSI (population stability index) is that of two
bins, refused or not, over windows of 500, with the industry's thresholds 0.1 and 0.2.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
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
from weighbridge.pilot.drift.stream import STAGES, Stream
from weighbridge.pilot.drift.table import stream_kinds
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
CAP = 60_000
WINDOW = 500
DECISION = "d" * 64


def dice(number: int) -> random.Random:
    """Return seeded dice."""
    return random.Random(SEED + number)  # noqa: S311 - a simulation


def refused_stream(draw: random.Random, rate: float, reference: int) -> Stream:
    """Return a refusal stream whose reference has so many observations, drawn at a rate."""
    kind = stream_kinds()["refused"]
    stream = Stream(kind, EVERY / kind.part)
    for _ in range(reference):
        stream.take(draw.random() < rate)
        if stream.detector is not None and stream.detector.alarmed:
            stream.acknowledge()
    return stream


def alarms(references: int, watched: int) -> None:
    """Print the mean time to a false alarm of the refusal stream, whose threshold is twice the route's."""
    print(f"refusal stream, threshold {EVERY / stream_kinds()['refused'].part:,.0f}; {references} references each")
    for rate in (0.005, 0.02, 0.1):
        for size, _ in STAGES:
            draw = dice(size)
            found = 0
            for _ in range(references):
                stream = refused_stream(draw, rate, size)
                stream.acknowledge()
                for _ in range(watched):
                    if stream.take(draw.random() < rate, grows=False):
                        found += 1
                        stream.acknowledge()
            mean = f"{references * watched / found:,.0f}" if found else f"> {references * watched:,}"
            print(f"  rate {rate:<6} reference {size:>6,}: {mean:>10} observations for each of {found} alarms")


def delays(runs: int) -> None:
    """Print how many observations pass from a change until the alarm."""
    for size in (500, 2_000, 8_000, 16_000, 32_000):
        for rate in (0.03, 0.04, 0.06, 0.1):
            draw, found = dice(size), []
            for _ in range(runs):
                stream = refused_stream(draw, 0.02, size)
                stream.acknowledge()
                for _ in range(1_000):
                    if stream.take(draw.random() < 0.02, grows=False):
                        stream.acknowledge()
                found.append(delay(stream, draw, rate))
            middle = statistics.median(found)
            print(
                f"  reference {size:>6,}, 2% -> {rate:.0%}: mean {statistics.mean(found):>6.0f}, median {middle:>6.0f}"
            )
    for bound in (0.1, 0.2):
        for rate in (0.04, 0.06, 0.1):
            draw = dice(0)
            found = [psi_delay(draw, rate, bound) for _ in range(min(runs, 100))]
            never = sum(one >= CAP for one in found)
            print(
                f"  PSI > {bound}, 2% -> {rate:.0%}: mean {statistics.mean(found):,.0f}, never within {CAP:,}: {never}"
            )


def delay(stream: Stream, draw: random.Random, rate: float) -> int:
    """Return after how many observations at a rate a stream alarms."""
    for number in range(1, CAP):
        if stream.take(draw.random() < rate, grows=False):
            return number
    return CAP


def psi_delay(draw: random.Random, rate: float, bound: float) -> int:
    """Return after how many observations the PSI of a window of 500 is above a bound, with 2% as its reference."""
    for end in range(WINDOW, CAP, WINDOW):
        share = max(0.5, sum(draw.random() < rate for _ in range(WINDOW))) / WINDOW
        psi = (share - 0.02) * math.log(share / 0.02) + (0.02 - share) * math.log((1 - share) / 0.98)
        if psi > bound:
            return end
    return CAP


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
                quiet = [name for vector in vectors for name, _ in state.take(placed(state, vector))]
                alarmed: list[str] = []
                number = 0
                while not alarmed and number < 5_000:
                    number += 1
                    source = new if draw.random() < share else draw.choice(old)
                    taken = state.take(placed(state, draw.choice(sketches[source])))
                    alarmed = [name for name, _ in taken if name not in quiet]
                found.append((number, len(quiet), alarmed[:1]))
            times = [number for number, _, _ in found]
            print(f"  {new} at {share:.0%}: median {statistics.median(times):,.0f} of {times}; {found[0][2]}")


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


def synthetic(draw: random.Random, number: int) -> Observation:
    """Return an observation of a route on which nothing changes: rates from 0.2% to 10%."""
    return Observation(
        f"{number}", 0.0, "r", "primary", DECISION, "",
        failed=draw.random() < 0.002, total_s=draw.lognormvariate(0, 0.6), first_s=draw.lognormvariate(-2, 0.6),
        chars=int(draw.lognormvariate(6, 1)), refused=draw.random() < 0.02, is_cut=draw.random() < 0.05,
        in_form=draw.random() < 0.97 if draw.random() < 0.3 else None, same_language=draw.random() < 0.99,
        cluster=min(11, int(draw.expovariate(0.3))), distance=draw.random(),
    )  # fmt: skip


def route(routes: int, watched: int) -> None:
    """Print the mean time to a false alarm of all monitors of a route together, from its first observation on."""
    found: dict[str, int] = {}
    centre = packed([1.0] + [0.0] * 63)
    for number in range(routes):
        draw = dice(number)
        state = State(EVERY, centres=[centre] * 12)
        for at in range(watched):
            for name, stream in state.take(synthetic(draw, at)):
                found[name] = found.get(name, 0) + 1
                stream.acknowledge()
    total = sum(found.values())
    mean = f"{routes * watched / total:,.0f}" if total else f"> {routes * watched:,}"
    print(f"  {routes} routes, {watched:,} observations each, stated {EVERY:,}: one alarm in {mean}; {found}")


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
    kept = sum(observer.keeps(one) for one in exchanges)
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
    parser.add_argument("what", choices=("alarms", "route", "delays", "prompts", "screen", "cost"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data/evals"))
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--watched", type=int, default=20_000)
    given = parser.parse_args()
    if given.what == "alarms":
        alarms(given.runs, given.watched)
    elif given.what == "route":
        route(given.runs, given.watched)
    elif given.what == "delays":
        delays(given.runs)
    elif given.what == "prompts":
        prompts(given.data, min(given.runs, 5))
    elif given.what == "screen":
        screen(given.data)
    else:
        cost(20_000)


if __name__ == "__main__":
    main()
