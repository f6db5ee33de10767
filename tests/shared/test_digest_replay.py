"""The rules over what really happened between two snapshots of the hub in 2026, read by a team with six models."""

from __future__ import annotations

import csv
import os
import re
import runpy
from collections import Counter
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from weighbridge.inspection.licence.answer.use import IntendedUse
from weighbridge.knowledge.load import load_knowledge
from weighbridge.watch.digest.compile import View, compile_digest
from weighbridge.watch.digest.cost import History
from weighbridge.watch.digest.rules import shipped_rules
from weighbridge.watch.digest.stake import Stake

if TYPE_CHECKING:
    from weighbridge.watch.digest.item import Item

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("WEIGHBRIDGE_SHARED", ROOT.parent / "shared"))
SNAPSHOTS = SHARED / "data/hubstats"
S = SimpleNamespace(**runpy.run_path(str(ROOT / "tests/unit/watch/digest/scene.py")))

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SNAPSHOTS.is_dir(), reason="the snapshots are not here"),
]
_OURS = (
    "Qwen/Qwen3.6-27B", "deepseek-ai/DeepSeek-V4-Flash", "zai-org/GLM-5.2", "google/gemma-3-27b-it",
    "moonshotai/Kimi-K2.5", "RedHatAI/Kimi-K3-NVFP4",
)  # fmt: skip
_RESTRICTED = re.compile(r"kimi-?k3|glm-?5\.3(?!-flash)|qwen3\.8-(flash-next|2\.4t)|minimax-m(2\.7|3)", re.IGNORECASE)


def _snapshot(day: str) -> dict[str, dict[str, str]]:
    with (SNAPSHOTS / f"hub-{day}.csv").open(encoding="utf-8", newline="") as lines:
        return {row["model_id"]: row for row in csv.DictReader(lines)}


@pytest.fixture(scope="module")
def items() -> tuple[Item, ...]:
    """Read releases and moved licences from 16 August to 5 October against six adopted models."""
    before, after = _snapshot("2026-08-16"), _snapshot("2026-10-05")
    events = []
    for name, row in after.items():
        told = {"licence": row["license"], "task": row["pipeline_tag"]}
        if name not in before and row["created"] >= "2026-08-16":
            events.append(S.event("release", f"hf:{name}", None, told))
        elif name in before and before[name]["license"] != row["license"]:
            events.append(S.event("licence-tag", f"hf:{name}", {"licence": before[name]["license"]}, told))
    assert len(events) > 3000
    use = IntendedUse(offer="internal", commercial=True, fields=())
    stakes = tuple(
        Stake(f"hf:{name}", f"sha256:{n:064x}", name, commit=S.PIN, standing="adopted", decision=f"sha256:{n:064x}",
              decided_on=date(2026, 8, 1), policy="internal", use=use)
        for n, name in enumerate(_OURS)
    )  # fmt: skip
    view = View(stakes, shipped_rules(), load_knowledge(), History({}, {}))
    return compile_digest(events, view, (None, S.SEEN)).items


def test_what_mattered_in_those_weeks_is_named(items: tuple[Item, ...]) -> None:
    """The events that hubs-watch.md tells of (sections 0 and 5), with what to do about them."""
    found = {item.subject: (item.severity, item.next_step) for item in items}
    assert found["hf:RedHatAI/Kimi-K3-NVFP4"] == ("high", "legal review")
    assert found["hf:zai-org/GLM-5.3"] == ("medium", "legal review")
    assert found["hf:zai-org/GLM-5.3-Flash"] == ("medium", "re-evaluate")
    assert found["hf:deepseek-ai/DeepSeek-V4.1-Flash"] == ("medium", "re-evaluate")


def test_three_thousand_events_are_a_page_of_plans(items: tuple[Item, ...]) -> None:
    """What concerns nobody here does not drown what does: ours are at most twenty, and two in three weeks urgent."""
    counts = Counter(item.severity for item in items if item.concerns)
    assert counts["critical"] == 0
    assert counts["high"] <= 2
    assert counts["medium"] <= 20


def test_laxer_tags_are_found_as_they_were_counted() -> None:
    """hubs-watch.md counts 40 third-party repositories named after six restrictive bases and tagged mit or apache."""
    makers = {"moonshotai", "zai-org", "Qwen", "MiniMaxAI"}
    events = [
        S.event("release", f"hf:{name}", None, {"licence": row["license"]})
        for name, row in _snapshot("2026-10-05").items()
        if _RESTRICTED.search(name) and name.partition("/")[0] not in makers
    ]
    view = View((), shipped_rules(), load_knowledge(), History({}, {}))
    items = compile_digest(events, view, (None, S.SEEN)).items
    flagged = [item for item in items if any(why.rule == "tag-laxer-than-base" for why in item.why)]
    assert 36 <= len(flagged) <= 44
