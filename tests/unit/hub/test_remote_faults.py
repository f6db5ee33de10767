from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from weighbridge.core.progress import silent
from weighbridge.core.reference import Reference
from weighbridge.errors import BadReference, DamagedFile, HubChanged, HubUnreachable, WeighbridgeError
from weighbridge.formats.safetensors import read_header
from weighbridge.hub.huggingface import HuggingFace, HuggingFaceHub
from weighbridge.hub.modelscope import ModelScopeHub
from weighbridge.hub.remote.patience import Patience
from weighbridge.hub.remote.resolve import resolve_remote
from weighbridge.hub.remote.settings import RemoteSettings
from weighbridge.hub.remote.wire import Ask, TooLong, Wire
from weighbridge.testing.hub_server import Fault, HubServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from weighbridge.core.artefact import Artefact

GIGABYTE = 1_000_000_000


def _resolve(hub: HubServer, cache: Path, waits: list[float] | None = None) -> Artefact:
    """Resolve without waiting; the waits that would have been are noted."""
    settings = RemoteSettings(hub.url, cache=cache)
    noted = waits if waits is not None else []
    with Wire(hub.url, patience=Patience(sleep=noted.append)) as wire:
        return resolve_remote(HuggingFace(wire, settings), Reference.parse("hf:acme/big"), settings, silent)


PASSING = {
    "429": Fault("", status=429, headers={"Retry-After": "7"}, times=2),
    "503": Fault("", status=503, times=2),
    "hang up": Fault("", status=0, times=2),
    "cut": Fault("", cut=True, times=2),
}


@pytest.mark.parametrize("where", ["/api/models/acme/big", "/tree/", "cache/.*config.json", "GET /acme/big/model"])
@pytest.mark.parametrize("what", PASSING)
def test_what_passes_is_waited_for(publish: Callable[..., Path], tmp_path: Path, what: str, where: str) -> None:
    """Too many calls, a server's failure, a lost connection, half an answer: the same artefact in the end."""
    with HubServer(publish()) as hub:
        clean = _resolve(hub, tmp_path / "clean")
        fault = PASSING[what]
        hub.faults.append(Fault(where, fault.status, fault.headers, times=fault.times, cut=fault.cut))
        waits: list[float] = []
        assert _resolve(hub, tmp_path / "faulty", waits).files == clean.files
        assert hub.faults[0].times == 0
    assert len(waits) >= 2
    assert what != "429" or set(waits) == {7.0}


@pytest.mark.parametrize("where", ["/api/models/acme/big", "/tree/"])
def test_a_page_that_says_200_is_waited_for_as_503_is(publish: Callable[..., Path], tmp_path: Path, where: str) -> None:
    """A proxy's page in an outage comes with either status: five attempts, and no wait after the last."""
    page = Fault(where, body=b"<html>down for maintenance</html>", times=4)
    waits: list[float] = []
    with HubServer(publish(), page) as hub:
        assert _resolve(hub, tmp_path / "four", waits).files
        assert waits == [0.5, 1, 2, 4]
        page.times, waits[:] = 1000, []
        with pytest.raises(HubUnreachable, match="does not answer as a hub does"):
            _resolve(hub, tmp_path / "all", waits)
    assert (waits, page.times) == ([0.5, 1, 2, 4], 995)


def test_a_hub_that_asks_for_an_hour_is_not_waited_for(publish: Callable[..., Path], tmp_path: Path) -> None:
    """The error says what it asked for; the limit's own header is understood, too."""
    limit = Fault("/api/", status=429, headers={"RateLimit": '"api";r=0;t=3600'})
    waits: list[float] = []
    with HubServer(publish(), limit) as hub, pytest.raises(HubUnreachable, match="wait 3600 s"):
        _resolve(hub, tmp_path, waits)
    assert waits == []


def test_a_limit_that_is_not_reached_is_no_wait(publish: Callable[..., Path], tmp_path: Path) -> None:
    """The header comes with every answer; while calls are left, a failure has another reason."""
    limit = Fault("/api/", status=503, headers={"RateLimit": '"api";r=498;t=300'}, times=1)
    waits: list[float] = []
    with HubServer(publish(), limit) as hub:
        _resolve(hub, tmp_path, waits)
    assert waits == [0.5]


def test_trouble_without_end_ends(publish: Callable[..., Path], tmp_path: Path) -> None:
    """Five attempts, waiting longer each time."""
    waits: list[float] = []
    with HubServer(publish(), Fault("/api/", status=502)) as hub:
        with pytest.raises(HubUnreachable, match="HTTP 502"):
            _resolve(hub, tmp_path, waits)
        assert len(hub.seen) == 5
    assert waits == [0.5, 1.0, 2.0, 4.0]


def test_nobody_there_is_said_soon(tmp_path: Path) -> None:
    """A closed port is tried twice."""
    waits: list[float] = []
    with (
        Wire("http://127.0.0.1:9", patience=Patience(sleep=waits.append)) as wire,
        pytest.raises(HubUnreachable, match="connection failed"),
    ):
        wire.get(Ask("http://127.0.0.1:9/api", most=10))
    assert len(waits) == 1
    assert not list(tmp_path.iterdir())


def test_a_damaged_small_file_is_fetched_again_and_then_refused(publish: Callable[..., Path], tmp_path: Path) -> None:
    """Once on the way: fetched again. Always: nothing with a wrong digest is kept."""
    with HubServer(publish(), Fault("resolve-cache/.*LICENSE", flip=True, times=1)) as hub:
        assert (tmp_path / str(_resolve(hub, tmp_path / "one").root) / "LICENSE").read_bytes() == b"MIT"
        hub.faults.append(Fault("resolve-cache/.*LICENSE", flip=True))
        with pytest.raises(HubChanged, match="not what the hub listed"):
            _resolve(hub, tmp_path / "two")
    assert not list((tmp_path / "two").rglob("LICENSE"))


def test_a_damaged_header_is_read_again(publish: Callable[..., Path], tmp_path: Path) -> None:
    """A header has no digest of its own; one that is no JSON is read a second time before it is believed."""
    with HubServer(publish(shards=1)) as hub:
        hub.faults.append(Fault("GET /acme/big/model.safetensors", flip=True, times=1))
        artefact = _resolve(hub, tmp_path)
    assert artefact.shadow is not None
    assert artefact.shadow.stored_bytes(["model.safetensors"]) == GIGABYTE


@pytest.mark.parametrize("length", [0, 7, 2**62, 90_000_000])
def test_a_header_that_cannot_be_is_left_to_its_reader(
    publish: Callable[..., Path], tmp_path: Path, length: int
) -> None:
    """A length beyond the file or the format gives no bytes, reads nothing more, and can be judged by its stand-in."""
    root = publish(shards=1)
    (root / "acme/big/model.safetensors").write_bytes(length.to_bytes(8, "little") + b"not json")
    with HubServer(root) as hub:
        artefact = _resolve(hub, tmp_path)
    assert artefact.shadow is not None
    assert artefact.shadow.wire_bytes < 200_000
    (file,) = artefact.shadow.weights
    assert file.is_table_read
    assert length <= GIGABYTE or file.header_bytes is None


def test_a_server_without_ranges_is_not_believed(publish: Callable[..., Path], tmp_path: Path) -> None:
    """A 200 to a request for a part is no part: it is neither appended nor read to its end."""
    body = bytes(1_000_000)
    whole = Fault("GET /acme/big/model", status=200, body=body)
    with HubServer(publish(), whole) as hub, pytest.raises(TooLong, match="ignores the range"):
        _resolve(hub, tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.safetensors"))


@pytest.mark.parametrize("said", ["bytes 1-8/1000000146", "bytes 0-7/99", "bytes 0-7/*", "nonsense", ""])
def test_another_part_than_asked_for_is_refused(publish: Callable[..., Path], tmp_path: Path, said: str) -> None:
    """What Content-Range says must be what was asked for, of a file of the size that was listed."""
    lie = Fault("GET /acme/big/model", status=206, headers={"Content-Range": said}, body=bytes(8))
    with HubServer(publish(), lie) as hub, pytest.raises(HubChanged, match="another part or file"):
        _resolve(hub, tmp_path)


@pytest.mark.parametrize(
    "headers", [{"X-Repo-Commit": "0" * 40}, {"X-Linked-Etag": f'"{"0" * 64}"'}, {"X-Linked-Size": "5"}]
)
def test_a_revision_that_moves_midway_is_noticed(
    publish: Callable[..., Path], tmp_path: Path, headers: dict[str, str]
) -> None:
    """Another commit, digest or size than was listed ends the reading: revisions are never mixed."""
    with HubServer(publish()) as hub:
        there = {"Location": f"{hub.storage_url}/acme/big/model-00001-of-00002.safetensors"}
        hub.faults.append(Fault("GET /acme/big/resolve/.*00001", status=302, headers=there | headers))
        with pytest.raises(HubChanged, match="changed on the hub"):
            _resolve(hub, tmp_path)


def test_a_branch_that_moves_on_modelscope_is_noticed(publish: Callable[..., Path], tmp_path: Path) -> None:
    """It has no address by commit for what is read of a branch, so the listing is asked for once more."""
    root = publish()
    with HubServer(root) as hub:
        files = [{"Type": "blob", "Path": "config.json", "Size": 23, "Sha256": "a" * 64, "Revision": "b" * 40}]
        later = {"Data": {"Files": files, "LatestCommitter": {"ShortId": "b" * 8}}}
        right = hub.sha256("acme/big", "config.json")
        first = {"Data": {"Files": [files[0] | {"Sha256": right}], "LatestCommitter": {"ShortId": "c" * 8}}}
        hub.faults += [
            Fault("/repo/files", body=json.dumps(first).encode(), times=1),
            Fault("/repo/files", body=json.dumps(later).encode()),
        ]
        with pytest.raises(HubChanged, match="moved on"):
            ModelScopeHub(RemoteSettings(hub.url, cache=tmp_path)).resolve(Reference.parse("ms:acme/big"), None, silent)


@pytest.mark.parametrize(
    "body",
    [b"<html>down</html>", b"[]", b'{"sha": 5}', b'{"sha": "main"}', b'{"a": 1, "a": 2}', b"[" * 10_000, b"\xff"],
)
def test_what_is_no_answer_of_a_hub_is_refused(publish: Callable[..., Path], tmp_path: Path, body: bytes) -> None:
    """A page, a wrong type, deep nesting: an error in words, and no file written."""
    with HubServer(publish(), Fault("/api/models/acme/big", body=body)) as hub, pytest.raises(WeighbridgeError):
        _resolve(hub, tmp_path)
    assert not list(tmp_path.rglob("files"))


@pytest.mark.parametrize(
    "row",
    [
        {"path": "w.safetensors", "size": -1, "oid": "a" * 40},
        {"path": "w.safetensors", "size": True, "oid": "a" * 40},
        {"path": "w.safetensors", "size": 5, "oid": "short"},
        {"path": "w.safetensors", "size": 5, "oid": "a" * 40, "lfs": {"oid": "X" * 64, "size": 5}},
        {"path": 5, "size": 5, "oid": "a" * 40},
    ],
)
def test_a_listing_that_makes_no_sense_is_refused(
    publish: Callable[..., Path], tmp_path: Path, row: dict[str, object]
) -> None:
    """Sizes, digests and names have their forms."""
    body = json.dumps([row | {"type": "file"}]).encode()
    with HubServer(publish(), Fault("/tree/", body=body)) as hub, pytest.raises(WeighbridgeError):
        _resolve(hub, tmp_path)


def test_a_listing_without_end_ends(publish: Callable[..., Path], tmp_path: Path) -> None:
    """A hub that always has one more page is left after a bounded number of files."""
    rows = [{"type": "file", "path": f"{number}", "size": 1, "oid": "a" * 40} for number in range(5000)]
    link = {"Link": '</api/models/acme/big/tree/x?cursor=1>; rel="next"'}
    endless = Fault("/tree/", headers=link, body=json.dumps(rows).encode())
    with HubServer(publish(), endless) as hub:
        with pytest.raises(BadReference, match="more than"):
            _resolve(hub, tmp_path)
        assert len(hub.seen) < 30


def test_a_packed_answer_that_unfolds_without_end_is_left(tmp_path: Path) -> None:
    """A bomb of gzip is unpacked up to the bound, and no further."""
    import gzip

    bomb = gzip.compress(bytes(64 << 20))
    fault = Fault("/api", headers={"Content-Encoding": "gzip"}, body=bomb)
    with HubServer(tmp_path, fault) as hub, Wire(hub.url) as wire, pytest.raises(TooLong):
        wire.get(Ask(f"{hub.url}/api", most=1 << 20, is_packed=True))


@pytest.mark.parametrize("target", ["file:///etc/passwd", "gopher://x", "/api/loop"])
def test_a_redirect_to_where_nobody_should_go_is_refused(tmp_path: Path, target: str) -> None:
    """Other schemes and circles end with an error."""
    with HubServer(tmp_path, Fault("/api", status=302, headers={"Location": target})) as hub, Wire(hub.url) as wire:
        with pytest.raises(WeighbridgeError, match="does not go"):
            wire.get(Ask(f"{hub.url}/api", most=100))
        assert len(hub.seen) <= 6


def test_an_error_shows_no_signature(publish: Callable[..., Path], tmp_path: Path) -> None:
    """Signed addresses of the storage stay out of messages."""
    with HubServer(publish(), Fault("signature=secret", status=500)) as hub, pytest.raises(HubUnreachable) as caught:
        _resolve(hub, tmp_path)
    assert "secret" not in caught.value.message


def test_a_cache_that_cannot_be_written_says_so(publish: Callable[..., Path], tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "cache").write_text("in the way")
    with HubServer(publish()) as hub, pytest.raises(WeighbridgeError, match="cannot be written") as caught:
        HuggingFaceHub(RemoteSettings(hub.url, cache=tmp_path / "cache")).resolve(
            Reference.parse("hf:acme/big"), None, silent
        )
    assert "XDG_CACHE_HOME" in (caught.value.hint or "")


def test_a_failure_ends_the_waiting_of_the_others(publish: Callable[..., Path], tmp_path: Path) -> None:
    """While one lane waits a minute for the hub, another fails for good: the reading ends at once."""
    later = Fault("GET /acme/big/resolve/.*00001", status=429, headers={"Retry-After": "50"})
    with HubServer(publish(), later, Fault("GET /acme/big/resolve/.*00002", status=410)) as hub:
        started = time.monotonic()
        with pytest.raises(WeighbridgeError):
            HuggingFaceHub(RemoteSettings(hub.url, cache=tmp_path)).resolve(
                Reference.parse("hf:acme/big"), None, silent
            )
        assert time.monotonic() - started < 20


@pytest.mark.parametrize("size", [0, 3])
def test_a_file_too_short_for_a_header_is_left_to_its_reader(
    publish: Callable[..., Path], tmp_path: Path, size: int
) -> None:
    """No part of nothing is asked for."""
    root = publish(shards=1)
    (root / "acme/big/sizes.json").unlink()
    (root / "acme/big/model.safetensors").write_bytes(bytes(size))
    with HubServer(root) as hub:
        artefact = _resolve(hub, tmp_path / "cache")
    with pytest.raises(DamagedFile, match=f"ends at byte {size}"):
        read_header(tmp_path / str(artefact.root) / "model.safetensors")


def test_a_cache_that_lost_a_stand_in_is_mended(publish: Callable[..., Path], tmp_path: Path) -> None:
    """What is gone is read again, though it was noted as read."""
    with HubServer(publish()) as hub:
        first = _resolve(hub, tmp_path / "cache")
        lost = tmp_path / str(first.root) / "model-00002-of-00002.safetensors"
        lost.unlink()
        assert _resolve(hub, tmp_path / "cache") == first
    assert lost.stat().st_size > GIGABYTE
