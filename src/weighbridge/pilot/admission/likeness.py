"""Fingerprints of upstreams: what was weighed, and whether the same answers now."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self

import uvloop

from weighbridge import plugin
from weighbridge.engine.discovery.capabilities import Capabilities
from weighbridge.engine.discovery.fingerprint import (
    Fingerprint,
    as_chats,
    compare_fingerprints,
    distance_between,
    take_fingerprint,
    worst_of,
)
from weighbridge.engine.limits import Limits
from weighbridge.errors import NotFound, UsageError, WeighbridgeError
from weighbridge.pilot.admission.configuration.plan import WEIGHED

if TYPE_CHECKING:
    from types import TracebackType

    from weighbridge.core.evidence import Evidence
    from weighbridge.core.progress import Advance, Progress
    from weighbridge.engine.discovery.fingerprint import Likeness
    from weighbridge.engine.protocol import Completion, Engine, Request
    from weighbridge.pilot.route import UpstreamSettings
    from weighbridge.store.protocol import Store

__all__ = ["Expected", "Held", "Probe", "find_expected", "hold_against", "probe_with"]

KIND = "endpoint/v1"
_LIMITS = Limits(in_flight=4, timeout_s=60.0, attempts=2, timeouts=1, patience_s=5.0)


@dataclass(frozen=True, slots=True)
class Expected:
    """The fingerprint that an upstream must still have; `id` is that of its statement, and tells all of it.

    `of_chats` is that of the same prompts as chats, where `fingerprint` does not go through the chat template.
    """

    id: str
    fingerprint: Fingerprint = field(compare=False)
    can: Capabilities = field(compare=False)
    of_chats: Fingerprint | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Held:
    """What came of holding a fingerprint against the expected one: the worse likeness, and how far they are apart.

    `distances` are those of `distance_between`, by the stream they belong to: `completion`, `chat`, or `texts`.
    """

    likeness: Likeness
    distances: tuple[tuple[str, float], ...] = ()


Probe = Callable[["UpstreamSettings", Capabilities, "Advance"], Fingerprint]
"""Takes an upstream's fingerprint the way the expected one was taken, counting answers; raises WeighbridgeError."""


def find_expected(store: Store, decision: Evidence, wanted: str) -> Expected:
    """Return the fingerprint that a leg names, by id or as the decision had it in view.

    Raises NotFound or UsageError where there is none, or none of what was decided on.
    """
    if wanted == WEIGHED:
        seen = set(decision.inputs)
        taken = [one for one in store.select(subject=decision.subject, kind=KIND) if one.id in seen]
        taken = [one for one in taken if one.body.get("fingerprint")]
        if not taken:
            raise NotFound("the decision had no fingerprint in view", hint=_HINT)
        statement = taken[-1]
    else:
        statement = store.get(wanted)
    if statement.kind != KIND or not statement.body.get("fingerprint"):
        raise UsageError("what `fingerprint` names is none", hint=_HINT)
    if statement.subject != decision.subject:
        raise UsageError("the fingerprint that is named was taken of another model", hint=_HINT)
    try:
        fingerprint = Fingerprint.from_json(statement.body["fingerprint"])
        chats = statement.body.get("chat_fingerprint")
        of_chats = Fingerprint.from_json(chats) if chats else None
        can = _capabilities(statement.body["capabilities"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError("the fingerprint that is named cannot be read", hint=_HINT) from error
    return Expected(statement.id, fingerprint, can, of_chats)


def probe_with(secret: Callable[[str], str | None] = os.environ.get) -> Probe:
    """Return a probe that asks an upstream the 25 fixed prompts, each twice; `secret` reads its key's variable.

    It raises EngineUnreachable, and UsageError where the server wants a key.
    """

    def probe(upstream: UpstreamSettings, can: Capabilities, advance: Advance) -> Fingerprint:
        key = secret(upstream.key_variable) if upstream.key_variable else None
        engine: Engine = plugin.load("engines", "openai")(upstream.url, upstream.model, key=key, limits=_LIMITS)

        async def ask() -> Fingerprint:
            async with _Counted(engine, advance) as counted:
                return await take_fingerprint(counted, can)

        return uvloop.run(ask())  # after asyncio's own loop the HTTP client's threads can abort the exit

    return probe


class _Counted:
    """An engine that says when it has answered."""

    def __init__(self, engine: Engine, advance: Advance) -> None:
        self._engine = engine
        self._advance = advance
        self.identity = engine.identity

    def lanes(self, *, generates: bool) -> int:
        """Return the engine's own number."""
        return self._engine.lanes(generates=generates)

    async def complete(self, request: Request) -> Completion:
        """Ask the engine, and count."""
        completion = await self._engine.complete(request)
        self._advance(1)
        return completion

    async def __aenter__(self) -> Self:
        """Enter the engine."""
        await self._engine.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave it."""
        await self._engine.__aexit__(kind, error, trace)


def hold_against(expected: Expected, upstream: UpstreamSettings, probe: Probe, progress: Progress) -> Held | str:
    """Take the fingerprints and compare them; a text where none could be taken, saying why.

    What differs is asked once more, and differs unless it then does not: a moment's noise must not close a route. The
    distances are those of the first time, so that a monitor sees every check alike.
    """
    try:
        first = _held(expected, upstream, probe, progress)
    except WeighbridgeError as error:
        return f"its fingerprint cannot be taken ({type(error).__name__})"
    if first.likeness.verdict != "differs":
        return first
    with suppress(WeighbridgeError):
        again = _held(expected, upstream, probe, progress).likeness
        return first if again.verdict == "cannot tell" else Held(again, first.distances)
    return first


def _held(expected: Expected, upstream: UpstreamSettings, probe: Probe, progress: Progress) -> Held:
    """Take the fingerprints once, and compare; raises WeighbridgeError."""
    wanted = [(expected.fingerprint, expected.can)]
    if expected.of_chats is not None:
        wanted.append((expected.of_chats, as_chats(expected.can)))
    prompts = sum(len(one.rows or one.texts) for one, _ in wanted)
    with progress(f"asking {upstream.model} for its fingerprint", 2 * prompts, "questions") as advance:
        pairs = [(one, probe(upstream, can, advance)) for one, can in wanted]
    apart = ((one.form if one.rows else "texts", distance_between(one, other)) for one, other in pairs)
    return Held(
        worst_of(compare_fingerprints(one, other) for one, other in pairs),
        tuple((stream, distance) for stream, distance in apart if distance is not None),
    )


def _capabilities(value: dict[str, Any]) -> Capabilities:
    """Read what `Capabilities.to_json` gave."""
    known = {one.name for one in fields(Capabilities)}
    return Capabilities(**{**{name: one for name, one in value.items() if name in known}, "models": ()})


_HINT = "take it from the server that was weighed: `weighbridge engine REF --engine URL`, and name its id"
