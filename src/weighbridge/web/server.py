"""The server of the pages: uvicorn on the loopback address, and nowhere else."""

from __future__ import annotations

import socket
from datetime import date
from typing import TYPE_CHECKING

from weighbridge.errors import ExtraMissing, UsageError
from weighbridge.workflow.evaluation.arena import ballot_at
from weighbridge.workflow.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.applications import Starlette

    from weighbridge.store.protocol import Store

__all__ = ["run_app", "serve"]

HOST = "127.0.0.1"
_LAST_PORT = 65_535


def serve(
    workspace: Path,
    port: int,
    announce: Callable[[str], None],
    *,
    ballot: str | None = None,
    booth: Callable[[Store], Starlette] | None = None,
) -> None:
    """Serve the store of a workspace until interrupted; `announce` is told the address once it answers.

    With `ballot`, the id of one ("" for the newest), people vote on it; `booth` makes any other application that writes
    to the store; without, everything is read only. Port 0 takes a free one. Raises NotFound without a store, UsageError
    for a port in use, ExtraMissing without the extra `ui`.
    """
    try:
        from weighbridge.web.app import create_app
        from weighbridge.web.vote import create_vote_app
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    folder = Workspace(workspace, cache=workspace)  # the pages read no model, so the cache is never opened
    with folder.store(read_only=ballot is None and booth is None) as store:
        if booth is not None:
            app = booth(store)
        elif ballot is not None:
            app = create_vote_app(ballot_at(store, ballot or None), store, date.today)
        else:
            app = create_app(store, folder=workspace, tables=folder.knowledge if folder.knowledge.is_dir() else None)
        run_app(app, port, announce)


def run_app(app: Starlette, port: int, announce: Callable[[str], None]) -> None:
    """Run an application on the loopback address until interrupted; errors as those of `serve`."""
    try:
        import uvicorn
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    with _listen(port) as listener:
        announce(f"http://{HOST}:{listener.getsockname()[1]}/")
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
        )
        uvicorn.Server(config).run(sockets=[listener])


def _missing(error: ModuleNotFoundError) -> ExtraMissing:
    return ExtraMissing(f"the pages need `{error.name}`, which is not installed", hint="pip install 'weighbridge[ui]'")


def _listen(port: int) -> socket.socket:
    """Return a listening socket on the loopback address."""
    if not 0 <= port <= _LAST_PORT:
        raise UsageError(f"`{port}` is not a port", hint="give a number from 0 to 65535; 0 takes a free one")
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        raise UsageError(
            f"port {port} cannot be used: {error.strerror}", hint="choose another with `--port`, or 0 for a free one"
        ) from error
