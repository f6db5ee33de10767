"""The server of the pages: uvicorn on the loopback address; elsewhere only for people who log in, and over TLS."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from weighbridge.errors import ExtraMissing, UsageError
from weighbridge.web.oidc.settings import is_loopback
from weighbridge.workflow.evaluation.arena import ballot_at
from weighbridge.workflow.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.applications import Starlette

    from weighbridge.store.protocol import Store

__all__ = ["Place", "run_app", "serve", "tables_of"]

HOST = "127.0.0.1"
_LAST_PORT = 65_535
_MOST_AT_ONCE = 256
_DRAIN_S = 3


@dataclass(frozen=True, slots=True)
class Place:
    """Where pages are served; `behind_proxy` says that TLS ends before it."""

    host: str = HOST
    port: int = 8780
    tls_cert: Path | None = None
    tls_key: Path | None = None
    behind_proxy: bool = False

    def check(self, origin: str) -> None:
        """Refuse what others could read or listen to; `origin` is that of the login, "" without. Raises UsageError."""
        if (self.tls_cert is None) != (self.tls_key is None):
            raise UsageError("TLS needs both a certificate and its key", hint="give `--tls-cert FILE --tls-key FILE`")
        has_tls = self.tls_cert is not None or self.behind_proxy
        if not is_loopback(self.host) and not (origin and has_tls):
            raise UsageError(
                f"`{self.host}` can be reached from other machines, and the pages would be open or in the clear there",
                hint="give `--oidc FILE`, and `--tls-cert` and `--tls-key`, or `--behind-proxy`",
            )
        if origin.startswith("https://") and not has_tls:
            raise UsageError(
                "`origin` is an address with TLS, and nothing here ends it",
                hint="give `--tls-cert` and `--tls-key`, or `--behind-proxy` where a proxy in front does",
            )
        if self.tls_cert is not None and not origin:
            raise UsageError("TLS is for pages that people log in to", hint="give `--oidc FILE`, or leave TLS out")


def serve(
    workspace: Path,
    port: int,
    announce: Callable[[str], None],
    *,
    ballot: str | None = None,
    booth: Callable[[Store], Starlette] | None = None,
    pages: Callable[[Store], Starlette] | None = None,
    place: Place | None = None,
) -> None:
    """Serve the store of a workspace until interrupted; `announce` is told the address once it answers.

    With `ballot`, the id of one ("" for the newest), people vote on it; `booth` makes any other application that writes
    to the store, `pages` one that reads it. Port 0 takes a free one; `place` is for what is not on the loopback
    address. Raises NotFound without a store, UsageError for a port in use, ExtraMissing without the extra `ui`.
    """
    try:
        from weighbridge.web.vote import create_vote_app
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    folder = Workspace(workspace, cache=workspace)  # the pages read no model, so the cache is never opened
    with folder.store(read_only=ballot is None and booth is None) as store:
        if ballot is not None:
            app = create_vote_app(ballot_at(store, ballot or None), store, date.today)
        else:
            app = (booth or pages or (lambda one: _reading(one, folder)))(store)
        run_app(app, port, announce, place)


def _reading(store: Store, folder: Workspace) -> Starlette:
    """Return the pages that only show, without the pilot's."""
    from weighbridge.web.app import create_app

    return create_app(store, folder=folder.path, tables=tables_of(folder))


def tables_of(folder: Workspace) -> Path | None:
    """Return the folder of the user's own tables, if there is one."""
    return folder.knowledge if folder.knowledge.is_dir() else None


def run_app(app: Starlette, port: int, announce: Callable[[str], None], place: Place | None = None) -> None:
    """Run an application on the loopback address, or at a place, until interrupted; errors as those of `serve`."""
    try:
        import uvicorn
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    place = place or Place(port=port)
    with _listen(place.host, place.port) as listener:
        host, bound = listener.getsockname()[:2]
        scheme = "https" if place.tls_cert else "http"
        announce(f"{scheme}://{f'[{host}]' if ':' in host else host}:{bound}/")
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            limit_concurrency=_MOST_AT_ONCE,
            timeout_graceful_shutdown=_DRAIN_S,
            http=_protocol(place),
            ssl_certfile=place.tls_cert,
            ssl_keyfile=place.tls_key,
        )
        try:
            config.load()
        except OSError as error:  # of which those of TLS are kinds
            raise UsageError(
                "the certificate or its key cannot be used", hint="both are PEM files, and the key is its own"
            ) from error
        uvicorn.Server(config).run(sockets=[listener])


def _protocol(place: Place) -> Any:
    """Return the protocol of HTTP: where others can reach it, the gateway's, which bounds how long a head may take."""
    if is_loopback(place.host):
        return "auto"
    try:
        from weighbridge.gateway.request.bounds import Bounds
        from weighbridge.gateway.wire import bounded_protocol
    except ModuleNotFoundError as error:
        raise ExtraMissing(
            f"pages that others can reach need `{error.name}`, which is not installed",
            hint="pip install 'weighbridge[gateway,ui]'",
        ) from error
    return bounded_protocol(Bounds())


def _missing(error: ModuleNotFoundError) -> ExtraMissing:
    return ExtraMissing(f"the pages need `{error.name}`, which is not installed", hint="pip install 'weighbridge[ui]'")


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket."""
    if not 0 <= port <= _LAST_PORT:
        raise UsageError(f"`{port}` is not a port", hint="give a number from 0 to 65535; 0 takes a free one")
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise UsageError(
            f"port {port} cannot be used: {error.strerror}", hint="choose another with `--port`, or 0 for a free one"
        ) from error
