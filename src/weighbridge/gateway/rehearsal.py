"""A start without serving anybody: whatever `weighbridge serve` refuses is refused here, too, in the same words."""

from __future__ import annotations

from contextlib import closing, suppress
from typing import TYPE_CHECKING

from weighbridge.errors import NotFound
from weighbridge.gateway.assembly import asked_by
from weighbridge.gateway.server import check_certificate, may_listen
from weighbridge.gateway.upstream.pool import Upstreams
from weighbridge.pilot.access.gatekeeper import MemoryGatekeeper
from weighbridge.pilot.access.pepper import load_pepper
from weighbridge.pilot.alarm.deliver import destination
from weighbridge.pilot.state.choose import open_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.gateway.server import Listening
    from weighbridge.pilot.admission.configuration.plan import GatewayFile

__all__ = ["rehearse"]


def rehearse(file: GatewayFile, listening: Listening, secret: Callable[[str], str | None]) -> None:
    """See that upstreams, alarms and keys have their secrets, and the address what it needs; raises UsageError.

    Nothing is asked of a network, and a gateway may run beside it.
    """
    upstreams = Upstreams(secret)
    for upstream in asked_by(file):
        upstreams.check(upstream)
    destination(file.alarm, secret)
    has_keys = False
    with suppress(NotFound), closing(open_state(file.workspace, must_exist=True)) as state:
        has_keys = MemoryGatekeeper(state, load_pepper(file.workspace)).has_keys
    may_listen(listening, has_keys=has_keys)
    check_certificate(listening)
