"""An upstream over plain HTTP/1.1 or TLS, with its own pool of connections."""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from weighbridge import __version__
from weighbridge.errors import UsageError
from weighbridge.gateway.upstream.address import resolve
from weighbridge.gateway.upstream.connection import Connection
from weighbridge.gateway.upstream.protocol import UpstreamFailure

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from weighbridge.pilot.route import UpstreamSettings

__all__ = ["HTTPUpstream"]

_IDLE_S = 4.0  # uvicorn and llama.cpp close an idle connection after 5 s, and a request sent just then is lost
_CLOSING_S = 1.0  # within which the news of a close comes that crossed a request
_FRESH_S = 60.0  # how long a name's address is believed
_MOST_IDLE = 256
_PORTS = {"http": 80, "https": 443}


class HTTPUpstream:
    """One upstream. Its name is resolved and checked here (see `resolve`), and connections go to that very address.

    `key` is sent as a bearer token. No proxy of the environment, no redirects, no cookies. Raises UsageError for an
    address or a key that cannot be used.
    """

    def __init__(self, settings: UpstreamSettings, key: str | None, allowed: Collection[str] = ()) -> None:
        self._settings = settings
        self._allowed = allowed
        parts = urlsplit(settings.url)
        if (
            parts.scheme not in _PORTS
            or not parts.hostname
            or parts.username
            or parts.query
            or not _is_plain(settings.url)
        ):
            raise UsageError(
                f"`{settings.url[:100]}` is no address of an upstream",
                hint="write `http://host:port/v1` or `https://...`",
            )
        if key is not None and not (key and _is_plain(key)):
            raise UsageError(f"the key in `{settings.key_variable}` is empty or holds more than visible ASCII")
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._name = parts.hostname
        self._path = parts.path.rstrip("/")
        self._tail = "".join(
            (
                f" HTTP/1.1\r\nhost: {parts.netloc}\r\ncontent-type: application/json\r\naccept-encoding: identity\r\n",
                f"user-agent: weighbridge/{__version__}\r\n",
                f"authorization: Bearer {key}\r\n" if key else "",
            )
        )
        self._idle: list[Connection] = []
        self._place = ("", 0)
        self._fresh_until = 0.0
        self._sweeper: asyncio.TimerHandle | None = None

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Connection:
        """Send a request below the base URL; see the protocol.

        A kept connection that closes at once, before a byte of the answer has come, was closing anyway: a new one is
        tried, once. One that closes later may have been closed by what was asked, which is not for another server then.
        """
        extra = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        head = f"POST {self._path}{path}{self._tail}{extra}content-length: {len(body)}\r\n\r\n".encode("ascii")
        kept = self._kept()
        if kept is not None:
            asked_at = time.monotonic()
            try:
                return await self._ask(kept, head, body)
            except UpstreamFailure as failure:
                is_late = time.monotonic() - asked_at > _CLOSING_S
                if failure.kind != "reset" or not kept.is_untouched or is_late:
                    raise
            self.close()  # those that were kept with it are closing, too
        return await self._ask(await self._connect(), head, body)

    async def _ask(self, connection: Connection, head: bytes, body: bytes) -> Connection:
        """Send a request over a connection, and cut it where that fails; raises UpstreamFailure."""
        try:
            await connection.ask(head, body)
        except BaseException:  # whatever interrupts the wait cuts the connection
            connection.finish()
            raise
        return connection

    def close(self) -> None:
        """Close all idle connections; those in use close with their answers."""
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.cut()

    def give_back(self, connection: Connection) -> None:
        """Keep a connection for another request."""
        if len(self._idle) < _MOST_IDLE:
            connection.idle_since = time.monotonic()
            self._idle.append(connection)
            if self._sweeper is None:
                self._sweeper = asyncio.get_running_loop().call_later(_IDLE_S, self._sweep)
        else:
            connection.cut()

    def _sweep(self) -> None:
        """Close what was idle for too long, so that an upstream that no route names any more holds no connection."""
        oldest = time.monotonic() - _IDLE_S
        self._idle, stale = [], self._idle
        for connection in stale:
            if connection.is_open and connection.idle_since > oldest:
                self._idle.append(connection)
            else:
                connection.cut()
        self._sweeper = asyncio.get_running_loop().call_later(_IDLE_S, self._sweep) if self._idle else None

    def _kept(self) -> Connection | None:
        """Return the connection that was used last, if it is fresh; the others are older still."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_open:
                continue
            if time.monotonic() - connection.idle_since < _IDLE_S:
                return connection
            self._idle.append(connection)
            self.close()
        return None

    async def _connect(self) -> Connection:
        """Open a connection to what the name means now; raises UpstreamFailure."""
        loop = asyncio.get_running_loop()
        connection = Connection(loop, self._settings.idle_s, self.give_back)
        name = self._name if self._tls else None
        try:
            async with asyncio.timeout(self._settings.connect_s):
                if time.monotonic() > self._fresh_until:
                    self._place = (await resolve(self._settings.url, self._allowed))[1:]
                    self._fresh_until = time.monotonic() + _FRESH_S
                address, port = self._place
                await loop.create_connection(lambda: connection, address, port, ssl=self._tls, server_hostname=name)
        except (OSError, TimeoutError) as error:  # TLS errors are OSErrors
            self._fresh_until = 0.0  # the name may mean another machine by now
            raise UpstreamFailure("connect", type(error).__name__) from error
        return connection


def _is_plain(text: str) -> bool:
    """Whether a text is visible ASCII without a space: nothing that could end a header."""
    return text.isascii() and text.isprintable() and " " not in text
