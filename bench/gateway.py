"""A gateway as it is served, for `../shared/bench/gateway_bench.py`: a workspace with a decision, one key, one route.

    python bench/gateway.py FOLDER > ours.json
    python ../shared/bench/gateway_bench.py run nginx weighbridge --specs ours.json

Keys, limits, a budget, prices, the audit log, metrics and observing (5%, as by default) are on. `--shadow 0.05`
gives a candidate that share of the prompts, `--canary 0.05` has it serve that share of the callers, `--plain` observes
nothing. The candidate is the same mock, under another name.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import NamedTuple

from weighbridge.pilot.access.desk import KeyDesk
from weighbridge.pilot.access.orders import BudgetForm, KeyOrder, LimitsForm
from weighbridge.pilot.access.pepper import load_pepper
from weighbridge.pilot.state.sqlite import STATE_FILE, SQLiteState
from weighbridge.testing.gate import leg_of

_MODEL, _CANDIDATE_MODEL = "mock", "mock-candidate"
_PRICE = "price = { input = 0.1, output = 0.2 }"
_FILE = """
[gateway]
listen = "127.0.0.1:{port}"
workspace = "work"
[[route]]
name = "qwen"
{leg}"""


def main() -> None:
    """Prepare a folder and print how gateway_bench.py starts what it holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--upstream", default="http://127.0.0.1:18080/v1")
    parser.add_argument("--port", type=int, default=18150)
    parser.add_argument("--shadow", type=float, default=0.0)
    parser.add_argument("--canary", type=float, default=0.0)
    parser.add_argument("--plain", action="store_true")
    asked = parser.parse_args()
    folder = asked.folder.absolute()
    trials = Trials(asked.shadow, asked.canary, observes=not asked.plain)
    key = prepare(folder, asked.upstream, asked.port, trials)
    serve = [sys.executable, "-m", "weighbridge", "serve", "--config", str(folder / "gateway.toml")]
    spec = {"port": asked.port, "cmd": serve, "key": key, "note": "weighbridge serve, everything on"}
    print(json.dumps({"weighbridge": spec}, indent=1))


class Trials(NamedTuple):
    """Which rooms of the pilot take part, and their shares."""

    shadow: float = 0.0
    canary: float = 0.0
    observes: bool = True


def prepare(folder: Path, url: str, port: int, trials: Trials = Trials()) -> str:  # noqa: B008 - it is a tuple
    """Write a workspace with decisions about the endpoints, the gateway's file and a key; return the key."""
    work = folder / "work"
    work.mkdir(parents=True, exist_ok=True)
    file = _FILE.format(port=port, leg=leg_of(work, url, _MODEL, _PRICE))
    if not trials.observes:
        file += "[route.observe]\nshare = 0.0\n"
    for room, terms in (("shadow", f"share = {trials.shadow}"), ("canary", f"steps = [{trials.canary}]")):
        if getattr(trials, room):
            file += f"[route.{room}]\n{terms}\n{leg_of(work, url, _CANDIDATE_MODEL, _PRICE)}"
    (folder / "gateway.toml").write_text(file, encoding="utf-8")
    state = SQLiteState(work / STATE_FILE)
    limits = LimitsForm.of(requests_per_minute=10_000_000, tokens_per_minute=1_000_000_000, concurrent=10_000)
    order = KeyOrder.of(name="bench", limits=limits, budget=BudgetForm.of(usd_per_day=100_000.0))
    issued = KeyDesk(state, load_pepper(work)).create("", order)
    state.close()
    return issued.text


if __name__ == "__main__":
    main()
