"""A fleet: several engines that serve the same model, asked as one; each request goes where least is in flight."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from weighbridge.engine.protocol import Completion, EngineIdentity, Outcome
from weighbridge.errors import EngineUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from weighbridge.engine.pace import Pace
    from weighbridge.engine.protocol import Engine, Request

__all__ = ["Fleet"]

_MOST_MOVES = 8  # of one request, from one engine that goes away to the next
_LOOK_S = 0.25  # between looks whether one of them is back
_NOBODY = Completion(Outcome.NOT_ASKED, attempts=0, detail="every endpoint failed too often in a row")
_LOST = frozenset({Outcome.NOT_ASKED, Outcome.FAILED, Outcome.TIMEOUT})


@dataclass(slots=True)
class _Member:
    """One engine, its pace where it has one, and what the fleet has in flight there."""

    engine: Engine
    pace: Pace | None
    in_flight: int = 0
    lanes: int = 1
    is_up: bool = True

    @property
    def load(self) -> float:
        """What is in flight as a share of what it takes; infinite where it is away."""
        if not self.is_up or (self.pace is not None and not self.pace.is_ready):
            return float("inf")
        return self.pace.load if self.pace is not None else self.in_flight / self.lanes

    @property
    def is_lost(self) -> bool:
        """Whether nothing will be asked of it any more."""
        return not self.is_up or (self.pace is not None and self.pace.breaker.given_up)


class Fleet:
    """Several engines as one; that they serve the same model is what the user says (their identities name it).

    An engine that cannot be reached at the start is left out (`left_out` says why); one that goes away later loses its
    requests to the others, and is probed until it is back. Raises EngineUnreachable on entering where none is left.
    """

    def __init__(self, engines: Sequence[Engine]) -> None:
        self._members = [_Member(engine, getattr(engine, "pace", None)) for engine in engines]
        for member in self._members:
            if member.pace is not None:
                member.pace.leaves = True
        self.engines = list(engines)
        self.identity = _joined([engine.identity for engine in engines])
        self.left_out: list[str] = []
        self._granted: list[_Member] = []
        self._on_sleep: Callable[[], None] | None = None

    @property
    def pace(self) -> Self | None:
        """The fleet itself, where its engines have a pace."""
        return self if all(member.pace is not None for member in self._members) else None

    @property
    def asleep(self) -> int:
        """Requests that wait between attempts."""
        return sum(member.pace.asleep for member in self._members if member.pace is not None)

    @property
    def on_sleep(self) -> Callable[[], None] | None:
        """What is called when a request begins to wait between attempts."""
        return self._on_sleep

    @on_sleep.setter
    def on_sleep(self, call: Callable[[], None] | None) -> None:
        self._on_sleep = call
        for member in self._members:
            if member.pace is not None:
                member.pace.on_sleep = call

    async def room(self) -> None:
        """Wait for a turn at the engine with the least in flight; at none where all are away: `complete` waits."""
        member = min(self._members, key=lambda one: one.load)
        if member.load < float("inf") and member.pace is not None and await member.pace.room():
            self._granted.append(member)

    def give_back(self) -> None:
        """Give back a turn that `room` gave."""
        if self._granted and (pace := self._granted.pop().pace) is not None:
            pace.give_back()

    def told(self) -> str:
        """Say how many engines answer, where not all do."""
        up = sum(member.load < float("inf") for member in self._members)
        return f"{up} of {len(self._members)} engines answer" if up < len(self._members) else ""

    def lanes(self, *, generates: bool) -> int:
        """Return the lanes of all engines together."""
        for member in self._members:
            member.lanes = member.engine.lanes(generates=generates)
        return sum(member.lanes for member in self._members if member.is_up)

    async def complete(self, request: Request) -> Completion:
        """Answer one request at one of the engines; where that one goes away, at the next."""
        attempts, completion = 0, _NOBODY
        for _ in range(_MOST_MOVES):
            member = self._granted.pop() if self._granted else await self._next()
            if member is None:
                break
            member.in_flight += 1
            try:
                completion = await member.engine.complete(request)
            finally:
                member.in_flight -= 1
            attempts += completion.attempts
            if completion.outcome not in _LOST or (member.pace is not None and member.pace.is_ready):
                break
        return replace(completion, attempts=attempts)

    async def _next(self) -> _Member | None:
        """Return the engine with the least in flight, once one is there; None when all are lost."""
        while not all(member.is_lost for member in self._members):
            member = min(self._members, key=lambda one: one.load)
            if member.load < float("inf"):
                return member
            await asyncio.sleep(_LOOK_S)
        return None

    async def __aenter__(self) -> Self:
        """Start or reach all engines at once."""
        entered = await asyncio.gather(
            *(member.engine.__aenter__() for member in self._members), return_exceptions=True
        )
        for member, result in zip(self._members, entered, strict=True):
            if isinstance(result, EngineUnreachable):
                member.is_up = False
                self.left_out.append(result.message)
        failures = [one for one in entered if isinstance(one, BaseException) and not isinstance(one, EngineUnreachable)]
        if failures or len(self.left_out) == len(self._members):
            await self._leave(None, None, None)
            raise (
                failures[0]
                if failures
                else EngineUnreachable(
                    f"none of {len(self._members)} engines can be reached: {self.left_out[0]}",
                    hint="start the servers, or look at the addresses",
                )
            )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop what was started."""
        await self._leave(kind, error, trace)

    async def _leave(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave all that were entered."""
        up = [member.engine for member in self._members if member.is_up]
        await asyncio.gather(*(engine.__aexit__(kind, error, trace) for engine in up), return_exceptions=True)


def _joined(identities: list[EngineIdentity]) -> EngineIdentity:
    """Return the identity of all: the one they share, or one that names every address."""
    first = identities[0]
    if all(identity == first for identity in identities):
        return first
    addresses = sorted({identity.address or identity.model for identity in identities})
    models = sorted({identity.model for identity in identities})
    return EngineIdentity(
        first.name,
        " | ".join(models),
        version=first.version,
        address=" | ".join(addresses),
        settings={**first.settings, "addresses": addresses},
        asserted=any(identity.asserted for identity in identities),
    )
