"""A gateway as it is served, for `../shared/bench/gateway_bench.py`: a workspace with a decision, one key, one route.

    python bench/gateway.py FOLDER > ours.json
    python ../shared/bench/gateway_bench.py run nginx weighbridge --specs ours.json

Keys, limits, a budget in money, prices, the audit log and metrics are on.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from weighbridge.core.artefact import digest_of_endpoint
from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import KINDS
from weighbridge.decision.policy import parse_policy
from weighbridge.pilot.access.desk import KeyDesk
from weighbridge.pilot.access.orders import BudgetForm, KeyOrder, LimitsForm
from weighbridge.pilot.access.pepper import load_pepper
from weighbridge.pilot.admission.keeper import STORE_FILE
from weighbridge.pilot.state.sqlite import STATE_FILE, SQLiteState
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.workflow.judge import judge

_MODEL = "mock"
_POLICY = """
[policy]
name = "bench"
version = "1"
title = "Bench"
valid_days = 30
[use]
description = "A measurement"
audience = "internal"
[[rule]]
id = "licence"
kind = "card/v1"
measure = "licence"
operator = "present"
on_fail = "reject"
because = "It must be known."
"""
_FILE = """
[gateway]
listen = "127.0.0.1:{port}"
workspace = "work"
[[route]]
name = "qwen"
decision = "{decision}"
unverified = "allow"
unverified_because = "a mock"
unverified_until = {until}
[route.upstream]
url = "{url}"
model = "{model}"
price = {{ input = 0.1, output = 0.2 }}
"""


def main() -> None:
    """Prepare a folder and print how gateway_bench.py starts what it holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--upstream", default="http://127.0.0.1:18080/v1")
    parser.add_argument("--port", type=int, default=18150)
    asked = parser.parse_args()
    folder = asked.folder.absolute()
    key = prepare(folder, asked.upstream, asked.port)
    serve = [sys.executable, "-m", "weighbridge", "serve", "--config", str(folder / "gateway.toml")]
    spec = {"port": asked.port, "cmd": serve, "key": key, "note": "weighbridge serve, everything on"}
    print(json.dumps({"weighbridge": spec}, indent=1))


def prepare(folder: Path, url: str, port: int) -> str:
    """Write a workspace with a decision about the endpoint, the gateway's file and a key; return the key."""
    work = folder / "work"
    work.mkdir(parents=True, exist_ok=True)
    today = datetime.now(UTC).date()
    subject = digest_of_endpoint(url, _MODEL)
    store = SQLiteStore(work / STORE_FILE)
    card = KINDS["card/v1"].model_validate({"source": "README.md", "licence": "mit"})
    store.add(Evidence(subject, "card/v1", card.model_dump(mode="json", by_alias=True), (), OURS, today))
    _, statement = judge(parse_policy(_POLICY, "bench.toml"), subject, store=store, on=today)
    store.close()
    file = _FILE.format(port=port, decision=statement.id, until=today, url=url, model=_MODEL)
    (folder / "gateway.toml").write_text(file, encoding="utf-8")
    state = SQLiteState(work / STATE_FILE)
    limits = LimitsForm.of(requests_per_minute=10_000_000, tokens_per_minute=1_000_000_000, concurrent=10_000)
    order = KeyOrder.of(name="bench", limits=limits, budget=BudgetForm.of(usd_per_day=100_000.0))
    issued = KeyDesk(state, load_pepper(work)).create("", order)
    state.close()
    return issued.text


if __name__ == "__main__":
    main()
