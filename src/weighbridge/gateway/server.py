"""Run the gateway: where it may listen, the test of itself, and a stop that lets answers end."""

from __future__ import annotations

import asyncio
import gc
import http.client
import ipaddress
import logging
import resource
import signal
import socket
import ssl
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import uvicorn
import uvloop

from weighbridge.errors import UsageError, WeighbridgeError
from weighbridge.gateway.logs import REFUSED
from weighbridge.gateway.request.endpoints import MODELS
from weighbridge.gateway.wire import bounded_protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from weighbridge.gateway.hooks import App
    from weighbridge.gateway.request.bounds import Bounds

__all__ = ["Listening", "check_certificate", "may_listen", "run"]

_BACKLOG = 2048
_DRAIN_S = 30
_TEST_S = 5.0
_SWITCH_S = 0.001  # in which threads that read and score let the event loop go on; CPython's 5 ms would be felt
_UNAUTHORISED = 401
_OWN_FILES = 256  # logs, databases, libraries
_log = logging.getLogger("weighbridge.gateway")


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the gateway listens; `behind_proxy` says that TLS ends before it."""

    host: str = "127.0.0.1"
    port: int = 8790
    tls_cert: Path | None = None
    tls_key: Path | None = None
    behind_proxy: bool = False

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def scheme(self) -> str:
        """`http` or `https`."""
        return "https" if self.tls_cert else "http"


def may_listen(listening: Listening, *, has_keys: bool) -> None:
    """Refuse an address that others can reach without keys, or without TLS; raises UsageError."""
    if (listening.tls_cert is None) != (listening.tls_key is None):
        raise UsageError("TLS needs both a certificate and its key", hint="give `--tls-cert FILE --tls-key FILE`")
    if listening.is_local:
        return
    if not has_keys:
        raise UsageError(
            f"`{listening.host}` can be reached from other machines, and there is no key yet",
            hint="make one with `weighbridge pilot key create NAME`, or listen on 127.0.0.1",
        )
    if listening.tls_cert is None and not listening.behind_proxy:
        raise UsageError(
            f"`{listening.host}` can be reached from other machines, and keys would travel in the clear",
            hint="give `--tls-cert` and `--tls-key`, or `--behind-proxy` where a proxy in front ends TLS",
        )


def check_certificate(listening: Listening) -> None:
    """See that certificate and key can be used, where there are any; raises UsageError."""
    if listening.tls_cert is None:
        return
    try:  # nobody is there who could type a password
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(listening.tls_cert, listening.tls_key, password="")
    except OSError as error:  # of which those of TLS are kinds
        raise UsageError(
            "the certificate or its key cannot be used",
            hint="both are PEM files, the key is the certificate's own, and has no password",
        ) from error


def run(app: App, listening: Listening, bounds: Bounds, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or Ctrl-C, then let what is under way end (30 s); `announce` is told the address.

    Before that a request without a key must have got 401; raises UsageError (an address in use), WeighbridgeError.
    """
    _allow_files(bounds.connections)
    config = _configured(app, listening, bounds)
    with _listen(listening) as listener:
        server = _TestedServer(config, lambda: _test(listening, listener.getsockname()[:2]))
        address = f"{listening.scheme}://{_shown(listener.getsockname()[:2])}"
        server.announce = lambda: announce(address)
        server.run(sockets=[listener])
        if server.failure is not None:
            raise server.failure


def _configured(app: App, listening: Listening, bounds: Bounds) -> uvicorn.Config:
    """Return uvicorn's configuration, the certificate read; raises UsageError."""
    check_certificate(listening)
    config = uvicorn.Config(
        app,
        http=bounded_protocol(bounds),
        loop=lambda: _Loop(bounds.header_s),  # type: ignore[arg-type] # uvicorn takes any callable
        ws="none",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=int(bounds.keep_alive_s),
        timeout_graceful_shutdown=_DRAIN_S,
        ssl_certfile=listening.tls_cert,
        ssl_keyfile=listening.tls_key,
    )
    config.load()
    return config


class _Loop(uvloop.Loop):
    """uvloop's, with as much time for a handshake as for a head: what has not shaken hands is in nobody's count."""

    def __init__(self, handshake_s: float) -> None:
        super().__init__()
        self._handshake_s = handshake_s

    async def create_server(self, *args: Any, **kwargs: Any) -> Any:
        """Listen."""
        if kwargs.get("ssl") is not None:
            kwargs["ssl_handshake_timeout"] = self._handshake_s
        return await super().create_server(*args, **kwargs)


def _allow_files(connections: int) -> None:
    """Let the process open as many files as callers and upstreams may need; many systems begin with 1,024."""
    wanted = 2 * connections + _OWN_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        _log.warning("this process may open %d files, and %d connections may need %d", hard, connections, wanted)
        wanted = hard
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class _TestedServer(uvicorn.Server):
    """A server that asks itself for something without a key before it is announced."""

    def __init__(self, config: uvicorn.Config, test: Callable[[], None]) -> None:
        super().__init__(config)
        self.failure: WeighbridgeError | None = None
        self.announce: Callable[[], None] = lambda: None
        self._test = test

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGTERM and Ctrl-C as a wish to stop; uvicorn raises them again at its end, past our cleaning up."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, test, announce."""
        await super().startup(sockets)
        _log.addFilter(_is_no_refusal)  # of the test itself, which would look like an attack
        try:
            await asyncio.to_thread(self._test)
        except WeighbridgeError as error:
            self.failure = error
            self.should_exit = True
        else:
            gc.collect()
            sys.setswitchinterval(_SWITCH_S)
            gc.freeze()  # what is there now stays to the end: walking it again would hold answers up for 30 ms
            self.announce()
        finally:
            _log.removeFilter(_is_no_refusal)


def _is_no_refusal(record: logging.LogRecord) -> bool:
    """Whether a line tells something else than that a request was refused."""
    return record.msg != REFUSED


def _test(listening: Listening, address: tuple[str, int]) -> None:
    """Ask for the models without a key; raises WeighbridgeError unless that gets 401."""
    host, port = address
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - where to ask, not where to listen
    if listening.tls_cert:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # it is ourselves that we ask
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, port, timeout=_TEST_S, context=context
        )
    else:
        connection = http.client.HTTPConnection(host, port, timeout=_TEST_S)
    try:
        connection.request("GET", MODELS)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise WeighbridgeError(f"the gateway does not answer itself: {type(error).__name__}") from error
    finally:
        connection.close()
    if status != _UNAUTHORISED:
        raise WeighbridgeError(f"a request without a key got {status}, not 401: the gateway will not run like that")


def _shown(address: tuple[str, int]) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _listen(listening: Listening) -> socket.socket:
    """Return a listening socket; raises UsageError."""
    family = socket.AF_INET6 if ":" in listening.host else socket.AF_INET
    try:
        return socket.create_server((listening.host, listening.port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"`{listening.host}` port {listening.port} cannot be used: {error}",
            hint="choose another with `--host` and `--port`; port 0 takes a free one",
        ) from error
