"""How far fingerprints of other servers are from a reference's, what one check says, and after how many an alarm comes.

    pip install xllamacpp
    python bench/identity.py REFERENCE.gguf OTHER.gguf ... [--template FILE ...] [--load 2] [--texts] [--runs 300]

Each file is served by llama.cpp on 127.0.0.1 and asked as the gateway asks: 25 prompts, each alone and among others.
The reference is asked again, and once more beside `--load` other callers; `--template` serves it with another chat
template. `--texts` asks for 32 greedy tokens instead of log-probabilities. `--runs` simulates the monitor on streams
whose mean is just the usual distance: the mean number of checks until a false alarm, in thresholds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import uvloop
import xllamacpp

from weighbridge.engine.discovery.capabilities import Capabilities
from weighbridge.engine.discovery.fingerprint import compare_fingerprints, distance_between, take_fingerprint
from weighbridge.engine.limits import Limits
from weighbridge.engine.openai import OpenAIEngine
from weighbridge.engine.protocol import Request
from weighbridge.pilot.identity.fold import USUAL, IdentityFold
from weighbridge.pilot.journal.protocol import Entry
from weighbridge.pilot.route import Leg, UpstreamSettings
from weighbridge.statistics.drift import SRDetector

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.engine.discovery.fingerprint import Fingerprint

LIMITS = Limits(in_flight=4, timeout_s=300.0, attempts=1, timeouts=1, patience_s=5.0)
WORDS = ("tell", "me", "of", "ships", "rivers", "lamps", "birds", "stones")
PORTS = count(18_700)
MOST_CHECKS = 1000
THRESHOLD = 2000.0


def served(path: Path, template: str = "") -> tuple[Any, str]:
    """Start a server; return it, so that it lives, and its address."""
    settings = xllamacpp.CommonParams()
    settings.model.path = str(path)
    settings.hostnames, settings.port = ["127.0.0.1"], next(PORTS)
    settings.n_parallel, settings.n_ctx, settings.cpuparams.n_threads = 4, 4096, 1
    settings.cache_ram_mib, settings.use_jinja = 0, True
    if template:
        settings.chat_template = template
    return xllamacpp.Server(settings), f"http://127.0.0.1:{settings.port}/v1"


def taken(url: str, form: str, *, texts: bool, callers: int = 0) -> Fingerprint:
    """Take a fingerprint beside so many other callers."""
    offered = 0 if texts else 20
    can = Capabilities(chat=True, completion=form == "completion", chat_logprobs=offered, completion_logprobs=offered)
    draw = random.Random(7)  # noqa: S311 - words of a load

    async def ask() -> Fingerprint:
        async with OpenAIEngine(url, "m", limits=LIMITS) as engine:

            async def call() -> None:
                while True:
                    words = draw.choices(WORDS, k=draw.randint(3, 40))
                    await engine.complete(Request("chat", " ".join(words), draw.randint(4, 24), temperature=1.0))

            others = [asyncio.create_task(call()) for _ in range(callers)]
            found = await take_fingerprint(engine, can)
            for other in others:
                other.cancel()
            return found

    return uvloop.run(ask())


def checks_until_alarm(stream: str, distance: float) -> int | None:
    """Return after how many checks of one distance the monitor alarms; None for never."""
    fold = IdentityFold("r", "primary", Leg(UpstreamSettings("http://h/v1", "m"), "d", fingerprint="f"))
    body = fold.begin()
    facts = {"leg": "primary", "decision": "d", "reference": "f", "verdict": "same", "why": "",
             "distances": {stream: distance}}  # fmt: skip
    for number in range(1, MOST_CHECKS):
        body, notices = fold.take(body, [Entry(float(number), "r", "probe", facts, number)])
        if notices:
            return number
    return None


def false_alarms(usual: float, draw: Callable[[int], Any], runs: int) -> float:
    """Return the mean number of checks until a false alarm, in thresholds."""
    detector = SRDetector(usual, THRESHOLD, (2.0, 5.0, 17.0))
    until, alive = np.zeros(runs), np.ones(runs, bool)
    values = np.zeros((runs, 3))
    bets = np.array([min(multiple * usual, (1 + usual) / 2) / usual - 1 for multiple in detector.multiples])
    bets = bets / (1 - usual)
    while alive.any() and until.max() < 20 * THRESHOLD:
        values = (1 + bets * (draw(runs)[:, None] - usual)) * (values + 1)
        until += alive
        alive &= values.mean(1) < THRESHOLD
    return float(until.mean() / THRESHOLD)


def main() -> None:
    """Measure and print JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="*")
    parser.add_argument("--template", type=Path, action="append", default=[])
    parser.add_argument("--load", type=int, default=2)
    parser.add_argument("--texts", action="store_true")
    parser.add_argument("--runs", type=int, default=0)
    given = parser.parse_args()
    states: list[tuple[str, Path, str, int]] = [(path.name, path, "", 0) for path in given.models]
    if states:
        name, path, _, _ = states[0]
        states[1:1] = [(f"{name}, again", path, "", 0), (f"{name}, {given.load} callers", path, "", given.load)]
        states += [(one.name, path, one.read_text("utf-8"), 0) for one in given.template]
    reference: dict[str, Fingerprint] = {}
    for name, path, template, callers in states:
        server, url = served(path, template)
        for form in ("completion", "chat"):
            found = taken(url, form, texts=given.texts, callers=callers)
            distance = distance_between(reference.setdefault(form, found), found)
            stream = "texts" if given.texts else form
            row = {"served": name, "form": form, "answered": found.answered, "noise": found.noise, "distance": distance,
                   "verdict": compare_fingerprints(reference[form], found).verdict,
                   "alarm_after": checks_until_alarm(stream, distance or 0.0)}  # fmt: skip
            print(json.dumps(row), flush=True)
        del server
    if given.runs:
        rng, usual = np.random.default_rng(1), USUAL["chat"]
        draws: dict[str, Callable[[int], Any]] = {
            "coin": lambda n: (rng.random(n) < usual).astype(float),
            "beta": lambda n: rng.beta(0.3, 0.3 / usual - 0.3, n),
        }
        for kind, draw in draws.items():
            print(json.dumps({"stream": kind, "false_alarm_after": false_alarms(usual, draw, given.runs)}), flush=True)


if __name__ == "__main__":
    main()
