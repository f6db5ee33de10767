"""The gateway of a `gateway.toml`, put together: keys, admissions, audit log, metrics, pages."""

from __future__ import annotations

import hmac
import secrets
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from weighbridge import __version__
from weighbridge.errors import ExtraMissing, UsageError, WeighbridgeError
from weighbridge.gateway.admin import ADMIN_PATH, create_admin
from weighbridge.gateway.app import Gateway
from weighbridge.gateway.asker import UpstreamAsker
from weighbridge.gateway.hooks import Hooks, Mount
from weighbridge.gateway.logs import RefusalLog, logged
from weighbridge.gateway.metrics import METRICS_PATH, METRICS_SCOPE, Metrics, audit_families
from weighbridge.gateway.request.bounds import Bounds, bounds_of
from weighbridge.gateway.stop import STOP_PATH, STOP_SCOPE, CanaryStop
from weighbridge.gateway.trials import Ground, Trials
from weighbridge.gateway.upstream.pool import Upstreams
from weighbridge.pilot.access.clerk import Mark
from weighbridge.pilot.access.desk import KeyDesk
from weighbridge.pilot.access.gatekeeper import MemoryGatekeeper
from weighbridge.pilot.access.pepper import load_pepper
from weighbridge.pilot.admission.keeper import STORE_FILE, Keeper
from weighbridge.pilot.admission.likeness import probe_with
from weighbridge.pilot.admission.told import ToldLegs
from weighbridge.pilot.alarm.deliver import Deliverer
from weighbridge.pilot.audit.head import HeadKeeper
from weighbridge.pilot.audit.log import AuditLog
from weighbridge.pilot.audit.segments import AUDIT_FOLDER
from weighbridge.pilot.audit.unadded import read_unadded
from weighbridge.pilot.state.choose import open_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from weighbridge.inspection.provenance.keys import SigningKey
    from weighbridge.pilot.admission.configuration.plan import GatewayFile
    from weighbridge.pilot.exchange import Listener
    from weighbridge.pilot.route import UpstreamSettings
    from weighbridge.pilot.state.protocol import PilotState

__all__ = ["Assembly", "asked_by", "assembled"]

_OTEL = "OTEL_EXPORTER_OTLP_ENDPOINT"


@dataclass(frozen=True, slots=True)
class Assembly:
    """A gateway that is ready to listen, and what is said of it at the start."""

    app: Gateway
    bounds: Bounds
    keeper: Keeper
    has_keys: bool


@contextmanager
def assembled(
    file: GatewayFile, secret: Callable[[str], str | None], audit_key: SigningKey | None = None
) -> Iterator[Assembly]:
    """Put a gateway together, and take it apart again: the log last, so that it hears of everything.

    `secret` returns what a variable of the environment holds; `audit_key` signs the heads of the log. Raises UsageError
    for keys that are missing there, for a log that another process writes, and for a pepper that is not that of the
    keys.
    """
    _make_workspace(file.workspace)
    upstreams = Upstreams(secret)
    for upstream in asked_by(file):
        upstreams.check(upstream)
    with ExitStack() as stack:
        folder = file.workspace / AUDIT_FOLDER
        log = AuditLog(folder, on_head=HeadKeeper(folder, audit_key) if audit_key else None)
        stack.callback(log.close)
        record = logged(log.record)
        pepper = load_pepper(file.workspace)
        state = open_state(file.workspace)
        stack.callback(state.close)
        gate = MemoryGatekeeper(state, pepper, record=record, mark=_mark(state, log, folder))
        alarms = Deliverer(file.workspace / STORE_FILE, file.alarm, secret, record, state)
        stack.callback(alarms.close)
        name = secrets.token_hex(6)
        ground = Ground(state, pepper, file.workspace, log.record, UpstreamAsker(upstreams, name), alarms)
        trials = Trials(ground, lambda: keeper.admissions)
        keeper: Keeper = Keeper(
            file,
            record=record,
            listeners=(lambda event, _facts: _forget(upstreams, keeper, event), ToldLegs(state)),
            probe=probe_with(secret),
            vet=upstreams.check,
            put=trials.put,
        )
        for part in (gate, keeper, trials):
            stack.callback(part.close)
            part.start()
        alarms.start(trials.books.documents)
        sources = (audit_families(lambda: log.state), trials.families)
        metrics = Metrics(in_flight=lambda: app.in_flight, sources=sources)
        desk = KeyDesk(state, pepper, record=record, changed=gate.refresh)
        hooks = Hooks(
            gate,
            keeper.admissions,
            listeners=(log, metrics, RefusalLog(), *_spans(stack, secret), *trials.listeners),
            choose=trials.choose,
            keeps=trials.keeps,
            user_secret=hmac.digest(pepper, b"weighbridge gateway: names of users", "sha256"),
            mounts=(
                Mount(ADMIN_PATH, create_admin(desk)),
                Mount(METRICS_PATH, metrics.app, METRICS_SCOPE),
                Mount(STOP_PATH, CanaryStop(keeper.admissions.find, trials.halt, trials.stop).app, STOP_SCOPE),
            ),
            witness=log,
        )
        bounds = bounds_of(file.limits)
        app = Gateway(hooks, upstreams, bounds, name)
        record("gateway.started", {"version": __version__, "file": file.digest})
        try:
            yield Assembly(app, bounds, keeper, gate.has_keys)
        finally:
            with suppress(WeighbridgeError):  # a full disk has been told of before
                record("gateway.stopped", {})


def _mark(state: PilotState, log: AuditLog, folder: Path) -> Mark:
    """Add what a gateway that was killed had not added to its keys' usage, and return the mark to go on from."""
    last, rows = read_unadded(folder, state.usage_marks())
    mark = Mark(lambda: log.head.hash, log.head.hash)
    state.add_usage(rows, mark.last, last)
    return mark


def _make_workspace(folder: Path) -> None:
    """Make a workspace where there is none; raises UsageError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"the workspace `{folder}` cannot be made: {error.strerror}",
            hint="`workspace` of `[gateway]` names a folder that this user may write",
        ) from error


def _forget(upstreams: Upstreams, keeper: Keeper, event: str) -> None:
    """Forget what a reload dropped."""
    if event == "routes.reloaded":
        upstreams.keep(asked_by(keeper.file))


def asked_by(file: GatewayFile) -> set[UpstreamSettings]:
    """Return all upstreams that a file names: those of legs, and those that score a shadow's answers."""
    asked = {leg.upstream for route in file.routes for _, leg in route.legs()}
    for terms in (route.shadow.terms for route in file.routes if route.shadow is not None):
        asked |= {terms.judge.upstream} if terms.judge is not None else set()
        asked |= {terms.embedding} if terms.embedding is not None else set()
    return asked


def _spans(stack: ExitStack, secret: Callable[[str], str | None]) -> tuple[Listener, ...]:
    """Return what sends spans, where OpenTelemetry's own variable says where to; raises ExtraMissing."""
    if not secret(_OTEL):
        return ()
    try:
        exported = import_module("weighbridge.gateway.spans").exported_spans()
    except ModuleNotFoundError as error:
        raise ExtraMissing(
            f"`{_OTEL}` asks for spans, which need an extra", hint="`pip install 'weighbridge[otel]'`"
        ) from error
    return (stack.enter_context(exported),)
