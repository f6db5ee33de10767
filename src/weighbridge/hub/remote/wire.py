"""HTTP to a hub and its storage: bounded, retried, counted, and with the token kept where it belongs."""

from __future__ import annotations

import contextlib
import threading
import zlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, Self
from urllib.parse import urljoin, urlsplit

from pyreqwest.client import SyncClientBuilder
from pyreqwest.exceptions import ConnectError, PyreqwestError, RequestError

from weighbridge.errors import HubUnreachable, WeighbridgeError
from weighbridge.formats.place import quote
from weighbridge.hub.remote.patience import Patience, Trouble

if TYPE_CHECKING:
    from types import TracebackType

    from pyreqwest.response import SyncResponse

__all__ = ["LANES", "Answer", "Ask", "TooLong", "Wire"]

LANES = 8  # requests in flight; hubs allow more, and more win nothing for pieces this small
_MAX_HOPS = 5
_MAX_ERROR_BODY = 16 << 10
_STRANGE = "this hub is not to be trusted, or something else answers at its address"
_CONNECT_S, _READ_S, _TOTAL_S = 10.0, 30.0, 120.0
_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
_OK, _PARTIAL, _MULTIPLE = 200, 206, 300
_KEPT = (
    "content-length", "content-range", "content-type", "content-encoding", "etag", "link", "location", "retry-after",
    "ratelimit", "x-error-code", "x-error-message", "x-linked-etag", "x-linked-size", "x-repo-commit",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ask:
    """One question: where, the most bytes that an answer may hold, and whether a part or a packed answer is wanted.

    `part` is (first byte, how many); `is_packed` allows gzip, for answers of the hub's own interface only, and
    `most_sent` bounds what such an answer may take on the way. HEAD asks for the headers alone.
    """

    url: str
    most: int
    method: Literal["GET", "HEAD"] = "GET"
    part: tuple[int, int] | None = None
    is_packed: bool = False
    most_sent: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The last answer of a chain of redirects; `hops` holds the headers of each, the last one's too."""

    status: int
    body: bytes
    url: str
    hops: tuple[dict[str, str], ...]

    @property
    def is_good(self) -> bool:
        """Whether it is what was asked for."""
        return _OK <= self.status < _MULTIPLE

    def header(self, name: str) -> str:
        """Return a header of the last hop, or nothing."""
        return self.hops[-1].get(name, "")

    def first(self, name: str) -> str:
        """Return a header of the first hop that has it: the hub speaks before its storage does."""
        return next((hop[name] for hop in self.hops if name in hop), "")


class TooLong(WeighbridgeError):
    """An answer longer than what was asked for; its rest was not read."""


@dataclass(slots=True)
class _Counts:
    """What went over the wire."""

    bytes_read: int = 0
    calls: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Wire:
    """A connection to one hub; safe to use from threads. What comes is counted as it comes, packed or not."""

    def __init__(self, endpoint: str, token: str | None = None, patience: Patience | None = None) -> None:
        self.endpoint = endpoint
        self._token = token
        self._stop = threading.Event()
        self._patience = patience or Patience(sleep=self._stop.wait)
        self._counts = _Counts()
        builder = (
            SyncClientBuilder()
            .follow_redirects(enable=False)  # followed here, so that the token stays behind
            .connect_timeout(timedelta(seconds=_CONNECT_S))
            .read_timeout(timedelta(seconds=_READ_S))
            .timeout(timedelta(seconds=_TOTAL_S))
            .gzip(enable=False).brotli(enable=False).zstd(enable=False).deflate(enable=False)
            .user_agent("weighbridge")
        )  # fmt: skip
        if urlsplit(endpoint).hostname in _THIS_MACHINE:
            builder = builder.no_proxy()
        self._client = builder.build()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def stop(self) -> None:
        """End all waiting, and ask nobody any more: another thread of this reading has failed."""
        self._stop.set()

    @property
    def bytes_read(self) -> int:
        """Bytes of all bodies and headers so far, repeated ones too."""
        return self._counts.bytes_read

    @property
    def calls(self) -> int:
        """Requests so far, redirects and repetitions too."""
        return self._counts.calls

    def get(self, ask: Ask) -> Answer:
        """Ask, following redirects and trying again where that may help.

        Return what a hub says for good, refusals (4xx) too. Raises HubUnreachable where it never came to that,
        and TooLong for an answer that is longer than `ask.most`.
        """
        trouble = Trouble()
        for trouble in self._patience.attempts():
            if self._stop.is_set():
                break
            try:
                answer = self._follow(ask)
            except (PyreqwestError, ValueError, OSError, EOFError) as error:
                trouble.fail(_said(error), is_silence=_is_silence(error))
                continue
            if answer.status not in _LATER:
                return answer
            trouble.fail(f"HTTP {answer.status}", asked=answer.header("retry-after"), limit=answer.header("ratelimit"))
        asks = f", and asks to wait {trouble.wait_s:.0f} s" if trouble.wait_s else ""
        raise HubUnreachable(
            f"{quote(_shown(ask.url))} gave no answer: {trouble.said}{asks}",
            hint="try again later, or look at the address; what was read so far is kept",
        )

    def rest(self, number: int) -> None:
        """Pause before asking again for what came damaged, longer each time."""
        self._patience.pause(number)

    def _count(self, n_bytes: int) -> None:
        with self._counts.lock:
            self._counts.bytes_read += n_bytes

    def _follow(self, ask: Ask) -> Answer:
        """Go from redirect to redirect, with the token only where the hub itself is asked."""
        url, hops = ask.url, list[dict[str, str]]()
        while True:
            status, headers, body = self._once(url, ask)
            hops.append(headers)
            if status not in _REDIRECTS:
                return Answer(status, body, url, tuple(hops))
            target = urljoin(url, headers.get("location", ""))
            scheme = urlsplit(target).scheme
            if len(hops) > _MAX_HOPS or scheme not in {"http", "https"} or (url[:6], scheme) == ("https:", "http"):
                raise WeighbridgeError(f"{quote(_shown(ask.url))} redirects to where Weighbridge does not go")
            url = target

    def _once(self, url: str, ask: Ask) -> tuple[int, dict[str, str], bytes]:
        """Send one request; return status, the headers that matter, and the bounded body."""
        request = self._client.request(ask.method, url).header(
            "accept-encoding", "gzip" if ask.is_packed else "identity"
        )
        if ask.part is not None:
            request = request.header("range", f"bytes={ask.part[0]}-{ask.part[0] + ask.part[1] - 1}")
        if self._token and _origin(url) == _origin(self.endpoint):
            request = request.bearer_auth(self._token)
        with self._counts.lock:
            self._counts.calls += 1
        with request.build_streamed() as response:
            status = response.status
            headers = _headers(response)
            self._count(sum(len(name) + len(value) + 4 for name, value in response.headers.items()))
            if status in _REDIRECTS or ask.method == "HEAD":
                return status, headers, b""
            is_good = _OK <= status < _MULTIPLE
            if not is_good:
                return status, headers, self._beginning(response)
            return status, headers, self._body(response, headers, ask)

    def _beginning(self, response: SyncResponse) -> bytes:
        """Read the beginning of a refusal."""
        body, reader = bytearray(), response.body_reader
        while len(body) < _MAX_ERROR_BODY and (chunk := reader.read_chunk()) is not None:
            self._count(len(chunk))
            body += bytes(chunk)
        return bytes(body[:_MAX_ERROR_BODY])

    def _body(self, response: SyncResponse, headers: dict[str, str], ask: Ask) -> bytes:
        """Read a body, unpacked; raises TooLong, or EOFError where less comes than was announced."""
        announced = headers.get("content-length", "")
        is_packed = "gzip" in headers.get("content-encoding", "")
        most_sent = ask.most if ask.most_sent is None else ask.most_sent
        if announced.isdigit() and int(announced) > most_sent:
            raise _too_long(ask)
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16) if is_packed else None
        body, sent, reader = bytearray(), 0, response.body_reader
        while (chunk := reader.read_chunk()) is not None:
            sent += len(chunk)
            self._count(len(chunk))
            body += _unpack(unpacker, bytes(chunk), ask.most + 1 - len(body)) if unpacker else bytes(chunk)
            if len(body) > ask.most or sent > most_sent:
                raise _too_long(ask)
        if announced.isdigit() and sent != int(announced):
            raise EOFError("the answer breaks off")
        if unpacker is not None and not unpacker.eof:
            raise EOFError("the packed answer breaks off")
        return bytes(body)


def _unpack(unpacker: zlib._Decompress, chunk: bytes, most: int) -> bytes:
    """Unpack at most `most` bytes: a small answer may unfold into a very large one."""
    try:
        data = unpacker.decompress(chunk, most)
    except zlib.error as error:
        raise EOFError("the packed answer is damaged") from error
    return data


def _said(error: Exception) -> str:
    """Return what went wrong on the way: the innermost cause, which names no address."""
    causes = _causes(error)
    if causes:
        return f"the connection failed: {causes[-1]}"
    return str(error) if isinstance(error, EOFError) else f"the connection failed: {type(error).__name__}"


def _is_silence(error: Exception) -> bool:
    """Whether there was nobody to connect to: no such name, a closed port."""
    return isinstance(error, ConnectError) and "client error (Connect)" in _causes(error)


def _causes(error: Exception) -> list[str]:
    """Return the causes of a failed request, the innermost last."""
    return [cause["message"] for cause in error.details["causes"] or ()] if isinstance(error, RequestError) else []


def _too_long(ask: Ask) -> TooLong:
    """Return the error for an answer that does not end where it should."""
    why = "ignores the range that was asked for" if ask.part else f"answers with more than {ask.most} bytes"
    return TooLong(f"{quote(_shown(ask.url))} {why}", hint=_STRANGE)


def _headers(response: SyncResponse) -> dict[str, str]:
    """Return the headers that are looked at; one that is no text counts as not sent."""
    found: dict[str, str] = {}
    for name in _KEPT:
        with contextlib.suppress(PyreqwestError, ValueError):
            if (value := response.get_header(name)) is not None:
                found[name] = value
    return found


def _origin(url: str) -> tuple[str, str, int | None]:
    """Return what a token belongs to."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _shown(url: str) -> str:
    """Return an address without its query: signed ones carry secrets."""
    return url.partition("?")[0]
