"""Our HTTP client against servers that speak it oddly, or not at all."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from typing import TYPE_CHECKING

import pytest

from weighbridge.errors import UsageError
from weighbridge.gateway.upstream.address import is_blocked, resolve
from weighbridge.gateway.upstream.http import HTTPUpstream
from weighbridge.gateway.upstream.protocol import AnswerTooLong, UpstreamFailure
from weighbridge.pilot.route import UpstreamSettings
from weighbridge.testing.upstream_double import HANG, RESET, Step, UpstreamDouble, answer

if TYPE_CHECKING:
    from pathlib import Path

OK = b"HTTP/1.1 200 OK\r\n"


async def asked(upstream: HTTPUpstream, times: int = 1, most: int = 10_000) -> list[tuple[int, bytes]]:
    """Post some times, one after the other; return what came."""
    found = []
    for _ in range(times):
        got = await upstream.post("/x", b"{}", {"via": "1.1 test"})
        try:
            found.append((got.status, await got.whole(most)))
        finally:
            got.close()
    upstream.close()
    return found


def to(double: UpstreamDouble, idle_s: float = 5.0) -> HTTPUpstream:
    """Return an upstream that leads to a double."""
    return HTTPUpstream(UpstreamSettings(double.url, "m", idle_s=idle_s), "key")


@pytest.mark.parametrize(
    ("reply", "body"),
    [
        (OK + b"content-length: 2\r\n\r\nab", b"ab"),
        (OK + b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n1;x=y\r\nb\r\n0\r\nTrailer: 1\r\n\r\n", b"ab"),
        (OK + b"connection: close\r\n\r\nab", b"ab"),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
            + OK
            + b"content-length: 2\r\n\r\nab",
            b"ab",
        ),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nab", b"ab"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (OK + b"content-length: 0\r\n\r\n", b""),
    ],
)
def test_every_framing_of_http_is_read(reply: bytes, body: bytes) -> None:
    """Length, chunks, until the end; information before the answer (RFC 9112 section 6)."""
    with UpstreamDouble(lambda *_: [reply], closes=True).running() as double:
        assert asyncio.run(asked(to(double))) == [(int(reply[9:12]) if reply[9] != 49 else 200, body)]


@pytest.mark.parametrize(
    "steps",
    [
        [OK + b"content-length: 5\r\n\r\nab"],
        [OK + b"transfer-encoding: chunked\r\n\r\n5\r\nab"],
        [OK + b"transfer-encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n"],
        [OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\nab"],
        [OK + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
        [OK + b"transfer-encoding: gzip, chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"],
        [OK + b"x: " + b"y" * 200_000],
        [b"SSH-2.0-OpenSSH\r\n"],
        [b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nabc"],
        [],
        [RESET],
    ],
)
def test_what_is_no_whole_answer_is_a_failure(steps: list[Step]) -> None:
    """Short, malformed, endless or another protocol: never a body that looks whole."""
    with UpstreamDouble(lambda *_: steps, closes=True).running() as double:
        with pytest.raises(UpstreamFailure) as caught:
            asyncio.run(asked(to(double)))
        assert caught.value.kind == "reset"


def test_a_connection_is_used_again_and_a_closed_one_is_not() -> None:
    """Five requests take one connection; one that the server has closed costs nothing but a new one."""
    with UpstreamDouble(lambda *_: [answer(b"a")]).running() as double:
        assert asyncio.run(asked(to(double), 5)) == [(200, b"a")] * 5
        assert double.connections == 1
    with UpstreamDouble(lambda *_: [answer(b"a")], closes=True).running() as double:
        assert asyncio.run(asked(to(double), 5)) == [(200, b"a")] * 5
        assert double.connections == 5


async def filled(upstream: HTTPUpstream, connections: int) -> None:
    """Have an upstream keep so many connections, and ask once more."""
    await asyncio.gather(*(one_of(upstream) for _ in range(connections)))
    try:
        await upstream.post("/last", b"{}", {})
    finally:
        upstream.close()
        await asyncio.sleep(0.05)  # for the transports to close


async def one_of(upstream: HTTPUpstream) -> None:
    """Ask, and hold the answer while others ask."""
    got = await upstream.post("/first", b"{}", {})
    await got.whole(100)
    await asyncio.sleep(0.1)
    got.close()


@pytest.mark.parametrize(("works_s", "times"), [(0.0, 2), (1.2, 1)])
def test_a_prompt_that_ends_servers_does_not_go_from_one_to_the_next(works_s: float, times: int) -> None:
    """However many connections are kept: a close at once is tried again once, one after some work never."""

    def play(_: int, path: str) -> list[Step]:
        return [answer(b"a")] if path.endswith("/first") else [works_s, RESET]

    with UpstreamDouble(play).running() as double:
        with pytest.raises(UpstreamFailure):
            asyncio.run(filled(to(double), 20))
        assert sum(one.head.startswith(b"POST /v1/last ") for one in double.asked) == times


def test_what_nobody_asked_for_is_never_taken_for_an_answer() -> None:
    """A second answer to one request ends the connection, and the next request has its own (response smuggling)."""
    with UpstreamDouble(lambda n, _: [answer(b"%d" % n) + (answer(b"evil") if n == 1 else b"")]).running() as double:
        assert asyncio.run(asked(to(double), 2)) == [(200, b"1"), (200, b"2")]
        assert double.connections == 2


def test_an_answer_beyond_the_bound_is_cut() -> None:
    """The connection goes with it, and so does the upstream's work."""
    chunks = OK + b"transfer-encoding: chunked\r\n\r\n" + b"400\r\n" + b"x" * 1024 + b"\r\n"
    with UpstreamDouble(lambda *_: [chunks, *[b"400\r\n" + b"x" * 1024 + b"\r\n"] * 50, HANG]).running() as double:
        with pytest.raises(AnswerTooLong):
            asyncio.run(asked(to(double), most=4096))
        assert double.asked[0].is_over.wait(2)


def test_silence_ends_after_its_time() -> None:
    """Before the head, and in the body."""
    for steps in ([HANG], [OK + b"content-length: 9\r\n\r\na", HANG]):
        with UpstreamDouble(lambda *_, steps=steps: list(steps)).running() as double:
            with pytest.raises(UpstreamFailure) as caught:
                asyncio.run(asked(to(double, idle_s=0.2)))
            assert caught.value.kind == "timeout"


@pytest.mark.parametrize(
    ("address", "blocked"),
    [
        ("169.254.169.254", True),
        ("169.254.0.1", True),
        ("fe80::1", True),
        ("::ffff:169.254.169.254", True),
        ("64:ff9b::a9fe:a9fe", True),
        ("2002:a9fe:a9fe::", True),
        ("0.0.0.0", True),
        ("::", True),
        ("224.0.0.1", True),
        ("100.100.100.200", True),
        ("fd00:ec2::254", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("192.168.1.1", False),
        ("8.8.8.8", False),
        ("fd00::1", False),
    ],
)
def test_addresses_of_metadata_are_blocked_in_every_spelling(address: str, blocked: bool) -> None:
    """Private networks are where models run; link-local and metadata are where credentials are handed out."""
    assert is_blocked(ipaddress.ip_address(address)) is blocked
    assert not is_blocked(ipaddress.ip_address(address), {str(ipaddress.ip_address(address))})


def test_a_name_is_bound_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS that answers otherwise the second time (rebinding) is asked once, and one bad address blocks the name."""

    async def answers(*addresses: str) -> tuple[str, str, int]:
        async def lookup(host: str, port: int, **_: object) -> list[object]:
            assert host == "model.example"
            return [(None, None, None, "", (address, port)) for address in addresses]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", lookup)
        return await resolve("http://model.example:8000/v1")

    assert asyncio.run(answers("10.0.0.7", "10.0.0.8")) == ("model.example", "10.0.0.7", 8000)
    with pytest.raises(UpstreamFailure) as caught:
        asyncio.run(answers("10.0.0.7", "169.254.169.254"))
    assert caught.value.kind == "blocked"


@pytest.mark.parametrize(
    "url",
    ["ftp://x/v1", "//x/v1", "http:///v1", "http://user:pass@x/v1", "http://x/v1?a=b", "http://x/v1\r\nx: y", "x"],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    """Nothing in it can become a header, a user or a query."""
    with pytest.raises(UsageError):
        HTTPUpstream(UpstreamSettings(url, "m"), None)


@pytest.mark.parametrize("key", ["", "a b", "a\r\nx: y", "é"])
def test_a_key_that_could_end_its_header_is_refused(key: str) -> None:
    """And its text is not in the error."""
    with pytest.raises(UsageError) as caught:
        HTTPUpstream(UpstreamSettings("http://x/v1", "m", key_variable="NAME"), key)
    assert not key or key not in caught.value.message


def test_a_certificate_of_nobody_is_not_trusted(certificate: Path) -> None:
    """TLS is verified: a self-signed server gets no request, hence no key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    came: list[bytes] = []

    async def use() -> None:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            came.append(await reader.read(100))
            writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
        async with server:
            port = server.sockets[0].getsockname()[1]
            await asked(HTTPUpstream(UpstreamSettings(f"https://localhost:{port}/v1", "m"), "secret"))

    with pytest.raises(UpstreamFailure) as caught:
        asyncio.run(use())
    assert caught.value.kind == "connect"
    assert came in ([], [b""])


@pytest.mark.parametrize("endless", [b"x: " + b"y" * 1000 + b"\r\n", b"y" * 1000])
def test_trailers_are_dropped_and_do_not_go_on_for_ever(endless: bytes) -> None:
    """What follows a body is no header of the answer, and is not gathered without bound (RFC 9110 section 6.5.1)."""
    whole = OK + b"transfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n"
    with UpstreamDouble(lambda *_: [whole + b"content-encoding: gzip\r\n\r\n"]).running() as double:

        async def encoding() -> str | None:
            upstream = to(double)
            got = await upstream.post("/x", b"{}", {})
            await got.whole(100)
            got.close()
            upstream.close()
            return got.header("content-encoding")

        assert asyncio.run(encoding()) is None
    with (
        UpstreamDouble(lambda *_: [whole + b"x: ", *[endless * 100] * 20, HANG]).running() as double,
        pytest.raises(UpstreamFailure, match="reset"),
    ):
        asyncio.run(asked(to(double, idle_s=0.5)))


def test_a_slow_reader_is_not_taken_for_a_silent_server() -> None:
    """While we do not read, the server cannot send: its time to be idle does not run, and little is held."""
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    head = OK + b"transfer-encoding: chunked\r\n\r\n"
    with UpstreamDouble(lambda *_: [head, *[chunk] * 200, b"0\r\n\r\n"]).running() as double:

        async def slowly() -> list[int]:
            upstream = to(double, idle_s=0.2)
            got = await upstream.post("/x", b"{}", {})
            sizes = []
            await asyncio.sleep(0.5)
            while (piece := await got.piece()) is not None:
                sizes.append(len(piece))
            got.close()
            upstream.close()
            return sizes

        sizes = asyncio.run(slowly())
        assert sum(sizes) == 200 * 65536
        assert max(sizes) <= 512 << 10
