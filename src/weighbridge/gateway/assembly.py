"""The gateway of a `gateway.toml`, put together: keys, admissions, audit log, pages."""

from __future__ import annotations

import hmac
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.gateway.admin import ADMIN_PATH, create_admin
from weighbridge.gateway.app import Gateway
from weighbridge.gateway.hooks import Hooks, Mount
from weighbridge.gateway.request.bounds import Bounds, bounds_of
from weighbridge.gateway.upstream.pool import Upstreams
from weighbridge.pilot.access.desk import KeyDesk
from weighbridge.pilot.access.gatekeeper import MemoryGatekeeper
from weighbridge.pilot.access.pepper import load_pepper
from weighbridge.pilot.admission.keeper import Keeper
from weighbridge.pilot.audit.log import AuditLog
from weighbridge.pilot.audit.segments import AUDIT_FOLDER
from weighbridge.pilot.state.sqlite import STATE_FILE, SQLiteState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from weighbridge.pilot.admission.configuration.plan import GatewayFile

__all__ = ["Assembly", "assembled"]


@dataclass(frozen=True, slots=True)
class Assembly:
    """A gateway that is ready to listen, and what is said of it at the start."""

    app: Gateway
    bounds: Bounds
    keeper: Keeper
    has_keys: bool


@contextmanager
def assembled(file: GatewayFile, secret: Callable[[str], str | None]) -> Iterator[Assembly]:
    """Put a gateway together, and take it apart again: the log last, so that it hears of everything.

    `secret` returns what a variable of the environment holds. Raises UsageError for keys that are missing there, for
    a log that another process writes, and for a pepper that is not the one of the keys.
    """
    file.workspace.mkdir(parents=True, exist_ok=True)
    bounds = bounds_of(file.limits)
    upstreams = Upstreams(secret)
    for route in file.routes:
        for _, leg in route.legs():
            upstreams.check(leg.upstream)
    with ExitStack() as stack:
        log = AuditLog(file.workspace / AUDIT_FOLDER)
        stack.callback(log.close)
        pepper = load_pepper(file.workspace)
        state = SQLiteState(file.workspace / STATE_FILE)
        stack.callback(state.close)
        gate = MemoryGatekeeper(state, pepper, record=log.record)
        stack.callback(gate.close)
        keeper = Keeper(file, record=log.record)
        stack.callback(keeper.close)
        keeper.start()
        gate.start()
        desk = KeyDesk(state, pepper, record=log.record, changed=gate.refresh)
        hooks = Hooks(
            gate,
            keeper.admissions,
            listeners=(log,),
            user_secret=hmac.digest(pepper, b"weighbridge gateway: names of users", "sha256"),
            mounts=(Mount(ADMIN_PATH, create_admin(desk)),),
            witness=log,
        )
        yield Assembly(Gateway(hooks, upstreams, bounds), bounds, keeper, gate.has_keys)
