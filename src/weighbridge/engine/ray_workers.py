"""Engines on the workers of a Ray cluster: each actor holds one engine, and only this process keeps answers.

An actor gets the engine as it was made, not entered, and enters it at its first request; so does one that Ray starts
again after it was killed. What a killed worker had in flight is asked again, at another worker first.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from weighbridge.engine.fleet import Fleet
from weighbridge.engine.late import LateEngine
from weighbridge.engine.limits import Limits
from weighbridge.engine.pace import Pace
from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.errors import EngineUnreachable, ExtraMissing

try:
    import ray
    from ray.exceptions import RayError
except ImportError as error:
    raise ExtraMissing("Ray is not installed", hint="install it: `pip install 'weighbridge[ray]'`") from error

if TYPE_CHECKING:
    from types import TracebackType

    from weighbridge.engine.pace import Attempt
    from weighbridge.engine.protocol import Engine, Request

__all__ = ["RayFleet"]

LOCAL = "local"
_RESTARTS = 3
_LEAVE_S = 10.0
_SPARE = 8  # calls of an actor beside its requests


class RayFleet(Fleet):
    """The engines given, each on a worker of the cluster at `address` (`local` starts a cluster for this run)."""

    def __init__(self, engines: list[Engine], address: str) -> None:
        self._address = address
        self._started = False
        self._remotes = [_Remote(engine) for engine in engines]
        super().__init__(self._remotes)

    @property
    def workers(self) -> list[Any]:
        """The handles of the actors, while the fleet is entered."""
        return [remote.actor for remote in self._remotes]

    async def __aenter__(self) -> Self:
        """Join or start the cluster; raises EngineUnreachable."""
        if not ray.is_initialized():
            where = None if self._address == LOCAL else self._address
            quiet: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}
            if where is None:
                quiet["include_dashboard"] = False
            try:
                await asyncio.to_thread(ray.init, address=where, **quiet)
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise EngineUnreachable(
                    f"no Ray cluster answers at `{self._address}`", hint="start one: `ray start --head`"
                ) from error
            self._started = True
        try:
            return await super().__aenter__()
        except BaseException:
            self._end()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the workers, and the cluster where it was ours."""
        await super().__aexit__(kind, error, trace)
        self._end()

    def _end(self) -> None:
        """Leave the cluster, or end it."""
        if self._started:
            ray.shutdown()
            self._started = False


class _Worker:
    """What runs on a worker."""

    def __init__(self, engine: Engine) -> None:
        self._engine = LateEngine(engine)

    async def complete(self, request: Request) -> Completion:
        """Answer one request."""
        return await self._engine.complete(request)

    async def leave(self) -> None:
        """Stop the engine."""
        await self._engine.__aexit__(None, None, None)


class _Remote:
    """One worker's engine, as this process sees it."""

    def __init__(self, engine: Engine) -> None:
        self.identity = engine.identity
        self._engine = engine
        self._lanes = max(1, engine.lanes(generates=True))
        self.pace = Pace(Limits(in_flight=self._lanes))
        self.actor: Any = None

    def lanes(self, *, generates: bool) -> int:
        """Return the lanes of the engine held."""
        return self._engine.lanes(generates=generates)

    async def complete(self, request: Request) -> Completion:
        """Answer one request there; what became of it there stands, unless the worker died."""

        async def attempt() -> Attempt:
            try:
                completion: Completion = await self.actor.complete.remote(request)
            except RayError as error:
                lost = f"the worker was lost: {type(error).__name__}"
                return Completion(Outcome.FAILED, detail=lost), None, True
            return completion, None, False

        return await self.pace.complete(attempt)

    async def __aenter__(self) -> Self:
        """Place the worker."""
        options = {"max_concurrency": self._lanes + _SPARE, "max_restarts": _RESTARTS, "num_cpus": 0}
        self.actor = ray.remote(_Worker).options(**options).remote(self._engine)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the engine there, and the worker."""
        with suppress(RayError, TimeoutError):  # it is gone already, or hangs: killing it is all that is left
            await asyncio.wait_for(self.actor.leave.remote(), timeout=_LEAVE_S)
        ray.kill(self.actor)
