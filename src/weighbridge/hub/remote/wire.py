"""HTTP to a hub and its storage: bounded, retried, counted, and with the token kept where it belongs."""

from __future__ import annotations

import threading
import zlib
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Self, TypeVar
from urllib.parse import urljoin, urlsplit

from pyreqwest.client import SyncClientBuilder
from pyreqwest.exceptions import PyreqwestError

from weighbridge.errors import HubUnreachable, WeighbridgeError
from weighbridge.formats.place import quote
from weighbridge.hub.remote.answer import (
    Answer,
    Ask,
    BrokenOff,
    TooLong,
    is_silence,
    kept_headers,
    origin,
    said,
    shown,
    too_long,
)
from weighbridge.hub.remote.patience import LONGEST_S, Patience, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from pyreqwest.bytes import Bytes
    from pyreqwest.request import SyncRequestBuilder
    from pyreqwest.response import SyncResponse, SyncResponseBodyReader

__all__ = ["LANES", "Answer", "Ask", "Stream", "TooLong", "Wire"]

LANES = 8  # requests in flight; hubs allow more, and more win nothing for pieces this small
_MAX_HOPS = 5
_MAX_ERROR_BODY = 16 << 10
_CONNECT_S, _READ_S, _TOTAL_S = 10.0, 30.0, 120.0
_LEAST_BYTES_PER_S = 8 << 10  # a stream that is slower is broken off; it goes on over another connection
_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
_Read = TypeVar("_Read")


@dataclass(slots=True)
class _Counts:
    """What went over the wire."""

    bytes_read: int = 0
    calls: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Stream:
    """An answer whose body is read piece by piece, so that a large file is never held; `answer` holds the rest."""

    def __init__(self, answer: Answer, reader: SyncResponseBodyReader, wire: Wire) -> None:
        self.answer = answer
        self._reader = reader
        self._wire = wire

    def pieces(self) -> Iterator[Bytes]:
        """Yield the body as it comes; raises BrokenOff where the way breaks, or somebody stopped the wire."""
        try:
            while (piece := self._reader.read_chunk()) is not None:
                self._wire.count(len(piece))
                yield piece
                if self._wire.is_stopped:
                    raise BrokenOff("stopped")
        except PyreqwestError as error:
            raise BrokenOff(said(error)) from error


class Wire:
    """A connection to one hub; safe to use from threads. What comes is counted as it comes, packed or not."""

    def __init__(
        self,
        endpoint: str,
        token: str | None = None,
        patience: Patience | None = None,
        *,
        longest_s: float = LONGEST_S,
    ) -> None:
        self.endpoint = endpoint
        self._token = token
        self._stop = threading.Event()
        self._patience = patience or Patience(sleep=self._stop.wait, longest_s=longest_s)
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
    def is_stopped(self) -> bool:
        """Whether nobody is asked any more."""
        return self._stop.is_set()

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
        with self._answered(ask, self._whole) as answer:
            return answer

    @contextmanager
    def stream(self, ask: Ask) -> Iterator[Stream]:
        """Ask as `get` does, and lend the body while it comes; a refusal's beginning is in `answer.body`.

        What goes wrong before the body is tried again here; where the body breaks off, the reader knows how far it
        came and asks for the rest. `ask.most` bounds how long the stream may take, not what is read of it.
        """
        with self._answered(ask, self._opened) as stream:
            yield stream

    def rest(self, number: int) -> None:
        """Pause before asking again for what came damaged, longer each time."""
        self._patience.pause(number)

    def count(self, n_bytes: int) -> None:
        """Add what came."""
        with self._counts.lock:
            self._counts.bytes_read += n_bytes

    @contextmanager
    def _answered(self, ask: Ask, read: Callable[[Ask, SyncResponse, Answer], _Read]) -> Iterator[_Read]:
        """Ask until there is an answer for good; lend what `read` makes of it."""
        trouble = Trouble()
        for trouble in self._patience.attempts():
            if self.is_stopped:
                break
            with ExitStack() as stack:
                try:
                    response, answer = self._follow(ask, stack)
                    found = read(ask, response, answer)
                except (PyreqwestError, ValueError, OSError, EOFError) as error:
                    trouble.fail(said(error), is_silence=is_silence(error))
                    continue
                if answer.status not in _LATER:
                    yield found
                    return
            trouble.fail(f"HTTP {answer.status}", asked=answer.header("retry-after"), limit=answer.header("ratelimit"))
        asks = f", and asks to wait {trouble.wait_s:.0f} s" if trouble.wait_s else ""
        raise HubUnreachable(
            f"{quote(shown(ask.url))} gave no answer: {trouble.said}{asks}",
            hint="try again later, or look at the address; what was read so far is kept",
        )

    def _follow(self, ask: Ask, stack: ExitStack) -> tuple[SyncResponse, Answer]:
        """Go from redirect to redirect, with the token only where the hub itself is asked; leave the last one open."""
        url, hops = ask.url, list[dict[str, str]]()
        while True:
            with ExitStack() as hop:
                response = hop.enter_context(self._request(url, ask).build_streamed())
                headers = kept_headers(response)
                self.count(sum(len(name) + len(value) + 4 for name, value in response.headers.items()))
                hops.append(headers)
                if response.status not in _REDIRECTS:
                    stack.push(hop.pop_all())
                    return response, Answer(response.status, b"", url, tuple(hops))
            target = urljoin(url, headers.get("location", ""))
            scheme = urlsplit(target).scheme
            if len(hops) > _MAX_HOPS or scheme not in {"http", "https"} or (url[:6], scheme) == ("https:", "http"):
                raise WeighbridgeError(f"{quote(shown(ask.url))} redirects to where Weighbridge does not go")
            url = target

    def _request(self, url: str, ask: Ask) -> SyncRequestBuilder:
        """Build one request, and count it."""
        request = self._client.request(ask.method, url).header(
            "accept-encoding", "gzip" if ask.is_packed else "identity"
        )
        if ask.part is not None:
            request = request.header("range", f"bytes={ask.part[0]}-{ask.part[0] + ask.part[1] - 1}")
        if self._token and origin(url) == origin(self.endpoint):
            request = request.bearer_auth(self._token)
        with self._counts.lock:
            self._counts.calls += 1
        return request.timeout(timedelta(seconds=_TOTAL_S + ask.most / _LEAST_BYTES_PER_S)) if ask.is_long else request

    def _whole(self, ask: Ask, response: SyncResponse, answer: Answer) -> Answer:
        """Read a body whole."""
        if ask.method == "HEAD":
            return answer
        body = self._body(response, answer.hops[-1], ask) if answer.is_good else self._beginning(response)
        return replace(answer, body=body)

    def _opened(self, ask: Ask, response: SyncResponse, answer: Answer) -> Stream:  # noqa: ARG002 - the shape of a reader
        """Leave a good body to be read."""
        body = b"" if answer.is_good else self._beginning(response)
        return Stream(replace(answer, body=body), response.body_reader, self)

    def _beginning(self, response: SyncResponse) -> bytes:
        """Read the beginning of a refusal."""
        body, reader = bytearray(), response.body_reader
        while len(body) < _MAX_ERROR_BODY and (chunk := reader.read_chunk()) is not None:
            self.count(len(chunk))
            body += bytes(chunk)
        return bytes(body[:_MAX_ERROR_BODY])

    def _body(self, response: SyncResponse, headers: dict[str, str], ask: Ask) -> bytes:
        """Read a body, unpacked; raises TooLong, or EOFError where less comes than was announced."""
        announced = headers.get("content-length", "")
        is_packed = "gzip" in headers.get("content-encoding", "")
        most_sent = ask.most if ask.most_sent is None else ask.most_sent
        if announced.isdigit() and int(announced) > most_sent:
            raise too_long(ask)
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16) if is_packed else None
        body, sent, reader = bytearray(), 0, response.body_reader
        while (chunk := reader.read_chunk()) is not None:
            sent += len(chunk)
            self.count(len(chunk))
            body += _unpack(unpacker, bytes(chunk), ask.most + 1 - len(body)) if unpacker else bytes(chunk)
            if len(body) > ask.most or sent > most_sent:
                raise too_long(ask)
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
