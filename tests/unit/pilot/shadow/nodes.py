"""A node of a gateway with a shadow, for tests: models in memory, and lists of all that is told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from weighbridge.errors import WeighbridgeError
from weighbridge.gateway.asker import addressed
from weighbridge.pilot.asker import Reply
from weighbridge.pilot.exchange import Usage
from weighbridge.pilot.shadow.pair import Pair
from weighbridge.pilot.shadow.runner import Links, Shadow

from .conftest import SECRET, chat

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.pilot.exchange import Exchange
    from weighbridge.pilot.journal.protocol import Entry
    from weighbridge.pilot.route import Route, UpstreamSettings
    from weighbridge.pilot.shadow.texts import TextKeeper


def told(text: str) -> Reply:
    """Return a good reply."""
    return Reply(200, chat(text), first_s=0.01, total_s=0.03, usage=Usage(10, 5))


@dataclass
class Models:
    """An Asker in memory: replies by the model's name, each a text, a Reply, or what makes one of a body."""

    replies: dict[str, str | Reply | Callable[[bytes], Reply]]
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    waits: asyncio.Event | None = None

    async def __call__(self, upstream: UpstreamSettings, path: str, body: bytes) -> Reply:
        """Reply."""
        self.asked.append((upstream.model, path, body))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.waits is not None:
                await self.waits.wait()
            await asyncio.sleep(0)
        finally:
            self.at_once -= 1
        reply = self.replies[upstream.model]
        if isinstance(reply, str):
            return told(reply)
        return reply if isinstance(reply, Reply) else reply(body)

    def of(self, model: str) -> list[bytes]:
        """Return what one model was asked."""
        return [body for name, _, body in self.asked if name == model]


@dataclass
class Node:
    """A shadow on a node, and all that it was joined to; time moves a second with every exchange."""

    route: Route
    models: Models
    bank: Any = None
    is_open: bool = True
    keeper: TextKeeper | None = None
    entries: list[Entry] = field(default_factory=list)
    records: list[tuple[str, Any]] = field(default_factory=list)
    refuses: bool = False
    at: float = 1e9

    def __post_init__(self) -> None:
        """Join it."""
        links = Links(lambda _: self.is_open, addressed, SECRET, self.record, self.keeper, lambda: self.at)
        self.shadow = Shadow(lambda _: self.route, self.models, self.entries.append, self.bank, links=links)

    def record(self, event: str, facts: Any) -> None:
        """Note it, or refuse as a full disk does."""
        if self.refuses:
            raise WeighbridgeError("the disk is full")
        self.records.append((event, facts))

    def run(self, *exchanges: Exchange) -> list[Pair]:
        """Let exchanges end and wait until all is done; return the pairs so far."""

        async def main() -> None:
            for exchange in exchanges:
                self.at += 1
                self.shadow.ended(exchange)
                await self.done()

        asyncio.run(main())
        return self.pairs

    async def done(self) -> None:
        """Wait until nothing is under way."""
        while tasks := self.shadow._tasks:
            await asyncio.wait(tuple(tasks))

    @property
    def pairs(self) -> list[Pair]:
        """The pairs that were put."""
        return [Pair.from_facts(entry.facts) for entry in self.entries if "spent_out" not in entry.facts]

    def count(self, event: str) -> int:
        """Return how often something happened."""
        return self.shadow.counts["qwen", event]
