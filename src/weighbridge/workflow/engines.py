"""Engines: which one answers at an address, what it can do, and whether it serves what it served before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from weighbridge import plugin
from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import KINDS
from weighbridge.engine.discovery.capabilities import Capabilities, discover
from weighbridge.engine.discovery.fingerprint import Fingerprint, Likeness, compare_fingerprints, take_fingerprint
from weighbridge.evaluation.plan import forms_of
from weighbridge.workflow.loop import run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from weighbridge.core.artefact import Artefact
    from weighbridge.engine.limits import Limits
    from weighbridge.engine.protocol import Engine
    from weighbridge.evaluation.suite import Suite
    from weighbridge.store.protocol import Store

__all__ = ["Examined", "context_needed", "engine_at", "examine_engine"]

KIND = "endpoint/v1"
_MARGIN = 256  # tokens that a chat template adds
_LEAST, _STEP = 4096, 4096


@dataclass(frozen=True, slots=True)
class Examined:
    """What an engine can do, its fingerprint if it was taken, and how that compares with the one before."""

    evidence: Evidence
    capabilities: Capabilities
    fingerprint: Fingerprint | None = None
    before: Likeness | None = None
    before_on: date | None = None


def engine_at(address: str, model: str, *, key: str | None = None, limits: Limits | None = None) -> Engine:
    """Return the engine for an address: Anthropic's API where the host or a part of the path says so, else OpenAI's."""
    parts = urlsplit(address)
    speaks_messages = parts.hostname == "api.anthropic.com" or "anthropic" in parts.path.split("/")
    name = "anthropic" if speaks_messages else "openai"
    engine: Engine = plugin.load("engines", name)(address, model, key=key, limits=limits)
    return engine


def context_needed(suites: Sequence[Suite]) -> int:
    """Return the tokens that the longest request of the suites may take, prompt and answer, in steps of 4,096.

    A token is taken for at least two bytes; where it is less, the server says that the prompt is too long, and no
    answer is cut in silence.
    """
    longest = 0
    for suite in suites:
        for item in suite.items:
            prompts = (suite.prompt(item, form) for form in forms_of(suite))
            size = max((len(prompt.encode("utf-8", "replace")) for prompt in prompts), default=0)
            longest = max(longest, size // 2 + suite.max_tokens + _MARGIN)
    return max(_LEAST, -(-longest // _STEP) * _STEP)


def examine_engine(artefact: Artefact, engine: Engine, store: Store, *, on: date, fingerprint: bool = True) -> Examined:
    """Ask an engine what it can do, take its fingerprint, keep both, and compare with the last one in the store."""

    async def ask() -> tuple[Capabilities, Fingerprint | None]:
        async with engine:
            found = await discover(engine)
            return found, await take_fingerprint(engine) if fingerprint else None

    found, taken = run(ask())
    body = {
        "engine": engine.identity.to_json(),
        "capabilities": found.to_json(),
        "fingerprint": taken.to_json() if taken else None,
    }
    KINDS[KIND].model_validate(body)
    known = [one for one in store.select(subject=artefact.digest, kind=KIND) if one.body["fingerprint"]]
    last = max(known, key=lambda one: one.made_on, default=None)
    likeness = compare_fingerprints(Fingerprint.from_json(last.body["fingerprint"]), taken) if last and taken else None
    evidence = Evidence(artefact.digest, KIND, body, (engine.identity.digest,), OURS, on)
    store.add(evidence)
    return Examined(evidence, found, taken, likeness, last.made_on if last and likeness else None)
