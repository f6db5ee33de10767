"""The server of known speed on a virtual clock: hours of load in seconds, for tests and simulations."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

from weighbridge.engine.protocol import Completion, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.engine.protocol import Request
    from weighbridge.testing.load_server import Speed

__all__ = ["VirtualClock", "VirtualTarget"]


class VirtualClock:
    """The running loop's clock."""

    beat_s = 0.1

    def now(self) -> float:
        """Return the loop's seconds."""
        return asyncio.get_running_loop().time()

    async def until(self, moment: float) -> None:
        """Wait until a moment of the loop."""
        await asyncio.sleep(max(0.0, moment - self.now()))


class VirtualTarget:
    """Answers as `Speed` says, in its slots, and no later than `timeout_s`; `texts` are the prompts it was sent."""

    def __init__(self, speed: Speed, timeout_s: float = 1e9) -> None:
        self.speed, self.timeout_s = speed, timeout_s
        self.texts: list[str] = []
        self._slots = asyncio.Semaphore(speed.slots)

    async def once(self, request: Request, extra: Mapping[str, Any] | None = None) -> Completion:  # noqa: ARG002 - the shape of Target
        """Answer one request."""
        began = asyncio.get_running_loop().time()
        self.texts.append(request.text)
        if self.speed.fail_every and len(self.texts) % self.speed.fail_every == 0:
            return Completion(Outcome.FAILED, detail="HTTP 500: told to fail")
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._answer(request.max_tokens, began)
        except TimeoutError:
            return Completion(Outcome.TIMEOUT, detail="too late")

    async def _answer(self, tokens: int, began: float) -> Completion:
        """Take a slot and write the answer."""
        loop, speed = asyncio.get_running_loop(), self.speed
        async with self._slots:
            moments = []
            for number in range(tokens):
                await asyncio.sleep(speed.itl_s if number else speed.ttft_s)
                if speed.stall_every_s:
                    phase = loop.time() % speed.stall_every_s
                    if phase >= speed.stall_every_s - speed.stall_s:
                        await asyncio.sleep(speed.stall_every_s - phase)
                moments.append(loop.time() - began)
        gaps = [later - sooner for sooner, later in itertools.pairwise(moments)]
        return Completion(
            Outcome.TRUNCATED,
            text="w" * tokens,
            prompt_tokens=10,
            completion_tokens=tokens,
            first_token_s=None if speed.sticky and tokens > 1 else moments[0],
            total_s=moments[-1],
            longest_gap_s=max(gaps, default=None),
        )
