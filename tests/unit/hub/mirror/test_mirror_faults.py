from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.unit.hub.mirror.conftest import PIECE, SIZE

from weighbridge.errors import HubChanged, HubUnreachable, Interrupted, NotFound, UsageError
from weighbridge.hub.mirror.check import check_mirror
from weighbridge.hub.mirror.manifest import MANIFEST
from weighbridge.testing.hub_server import Fault, HubServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.workflow.mirror import Mirrored

WEIGHTS = r"/acme/tiny/model\.safetensors\?commit"
PASSING = {
    "too many calls": Fault(WEIGHTS, status=429, headers={"Retry-After": "0"}, times=3),
    "failure": Fault(WEIGHTS, status=503, times=3),
    "hang up": Fault(WEIGHTS, status=0, times=3),
    "half an answer": Fault(WEIGHTS, cut=True, times=4),
    "a page of a proxy": Fault(WEIGHTS, body=b"<html>down for maintenance</html>", times=3),
    "damaged bytes": Fault(WEIGHTS, flip=True, times=1),
    "damaged bytes twice": Fault(WEIGHTS, flip=True, times=12),
    "an expired signature": Fault(WEIGHTS, status=403, times=3),
    "half a small file": Fault("config.json", cut=True, times=2),
    "a damaged small file": Fault("(resolve-cache|FilePath).*config.json", flip=True, times=2),
    "a busy hub": Fault("/api/", status=500, times=2),
}


@pytest.mark.parametrize("what", PASSING)
@pytest.mark.parametrize("kind", ["hf", "ms"])
def test_what_passes_leaves_the_same_copy(shelf: Path, fetch: Callable[..., Mirrored], what: str, kind: str) -> None:
    """Whatever happens on the way: in the end the bytes of the repository, or nothing."""
    fault = PASSING[what]
    own = Fault(fault.match, fault.status, fault.headers, fault.body, fault.times, flip=fault.flip, cut=fault.cut)
    with HubServer(shelf, own) as hub:
        done = fetch(hub, f"{kind}:acme/tiny", lanes=4)
    for path in (shelf / "acme" / "tiny").rglob("*.*"):
        assert Path(done.path, path.relative_to(shelf / "acme" / "tiny")).read_bytes() == path.read_bytes()
    assert check_mirror(Path(done.path)).holds


def test_bytes_that_stay_damaged_are_refused_by_name(
    shelf: Path, fetch: Callable[..., Mirrored], tmp_path: Path
) -> None:
    """Nothing is published; the other files are kept, and come no second time."""
    with HubServer(shelf, Fault(WEIGHTS, flip=True)) as hub:
        with pytest.raises(HubChanged, match=r"model\.safetensors` came damaged three times"):
            fetch(hub)
        assert not list((tmp_path / "mirror").rglob(MANIFEST))
        assert not list((tmp_path / "mirror").rglob("model.safetensors"))
        hub.faults.clear()
        seen = len(hub.seen)
        assert check_mirror(Path(fetch(hub).path)).holds
    assert not [one for one in hub.seen[seen:] if "other.safetensors" in one.line]


def test_a_server_without_ranges_is_read_whole(shelf: Path, fetch: Callable[..., Mirrored]) -> None:
    """An answer that is no part is never put behind what is here, and one lane reads it from its beginning."""
    whole = (shelf / "acme" / "tiny" / "model.safetensors").read_bytes()
    with HubServer(shelf, Fault(WEIGHTS, body=whole)) as hub:
        done = fetch(hub, lanes=4)
    assert Path(done.path, "model.safetensors").read_bytes() == whole
    assert check_mirror(Path(done.path)).holds


def test_a_server_that_loses_its_ranges_midway(shelf: Path, fetch: Callable[..., Mirrored]) -> None:
    """Two pieces come as parts, then whole answers break off: what is hashed is not written over."""
    whole = (shelf / "acme" / "tiny" / "model.safetensors").read_bytes()
    with HubServer(shelf) as hub:
        late = [Fault(WEIGHTS, slow_s=0.001, times=2), Fault(WEIGHTS, body=whole, cut=False, times=10_000)]
        hub.faults += late
        done = fetch(hub, lanes=2)
    assert Path(done.path, "model.safetensors").read_bytes() == whole


def test_the_token_stays_with_the_hub(
    shelf: Path, fetch: Callable[..., Mirrored], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes with every question to the hub, and never to the storage."""
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with HubServer(shelf) as hub:
        fetch(hub)
        stored = [one for one in hub.seen if one.is_storage]
        asked = [one for one in hub.seen if not one.is_storage]
    assert stored
    assert not any(one.authorization for one in stored)
    assert all(one.authorization == "Bearer hf_secret" for one in asked)


def test_the_configuration_is_read_once(shelf: Path, fetch: Callable[..., Mirrored]) -> None:
    """A mirror counts as one download on the hub, not as several."""
    with HubServer(shelf) as hub:
        fetch(hub)
        fetch(hub)
        reads = [one.line for one in hub.seen if "/resolve/" in one.line and "config.json" in one.line]
    assert len(reads) == 1


def test_a_storage_address_is_used_for_all_parts(shelf: Path, fetch: Callable[..., Mirrored]) -> None:
    """One question to the hub for each large file, or one a lane; resolving is what hubs limit."""
    with HubServer(shelf) as hub:
        fetch(hub, lanes=1)
        asked = [one for one in hub.seen if "/resolve/" in one.line and "model.safetensors" in one.line]
        parts = [one for one in hub.seen if one.is_storage and "model.safetensors" in one.line]
    assert len(asked) == 1
    assert len(parts) == 11


def test_a_branch_that_moves_midway(shelf: Path, fetch: Callable[..., Mirrored]) -> None:
    """The commit was pinned at the start: the copy is of that commit, or there is none, and nothing is mixed."""
    with HubServer(shelf) as hub:
        before = hub.commit("acme/tiny")
        hub.faults.append(Fault(WEIGHTS, slow_s=0.2, times=1))
        mover = subprocess.Popen(  # a publisher, while the first part is kept back
            [sys.executable, "-c", "import sys,time,pathlib;time.sleep(.05);pathlib.Path(sys.argv[1]).write_text('{}')",
             str(shelf / "acme" / "tiny" / "config.json")]
        )  # fmt: skip
        try:
            done = fetch(hub, lanes=1)
        except HubChanged:
            return
        finally:
            mover.wait()
    assert done.origin.commit == before
    assert Path(done.path, "config.json").read_text() == '{"model_type": "llama"}'


def test_a_full_disk_keeps_what_came(
    shelf: Path, fetch: Callable[..., Mirrored], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says what to do, the exit code is that of an interruption, and the next run fetches the rest only."""
    true_write, room = os.pwrite, [4 * PIECE]

    def write(descriptor: int, data: memoryview, at: int) -> int:
        if room[0] < len(data):
            raise OSError(errno.ENOSPC, "No space left on device")
        room[0] -= len(data)
        return true_write(descriptor, data, at)

    with HubServer(shelf) as hub:
        monkeypatch.setattr(os, "pwrite", write)
        with pytest.raises(Interrupted, match="disk is full"):
            fetch(hub, lanes=1)
        monkeypatch.setattr(os, "pwrite", true_write)
        done = fetch(hub, lanes=1)
    assert done.made
    assert 0 < done.made.fetched_bytes < SIZE + SIZE // 2 - 3 * PIECE
    assert check_mirror(Path(done.path)).holds


def test_no_room_is_said_before_anything_comes(
    shelf: Path, fetch: Callable[..., Mirrored], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The free space is asked for first."""
    monkeypatch.setattr("weighbridge.hub.mirror.place._SPARE_BYTES", 1 << 60)
    with HubServer(shelf) as hub, pytest.raises(UsageError, match="are to come"):
        fetch(hub)
    assert not [one for one in hub.seen if one.is_storage]


CHILD = f"""
import sys
from weighbridge.core.progress import silent
from weighbridge.hub.mirror import part
from weighbridge.workflow.mirror import Asked, mirror
part.PIECE_BYTES = {PIECE}
mirror(Asked("hf:acme/tiny", sys.argv[1], lanes=1), None, silent)
"""


def test_a_killed_run_is_gone_on_with(shelf: Path, fetch: Callable[..., Mirrored], tmp_path: Path) -> None:
    """Killed with signal 9 in the middle: no folder, no manifest; the next run fetches what was missing."""
    with HubServer(shelf) as hub:
        hub.faults.append(Fault(WEIGHTS, slow_s=0.0001, times=4))
        hub.faults.append(Fault(WEIGHTS, slow_s=30.0, times=1))
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path / "mirror")], env=os.environ | {"HF_ENDPOINT": hub.url}
        )
        until = time.monotonic() + 20
        while time.monotonic() < until and not any(
            log.read_bytes().count(b"\n") >= 4 for log in (tmp_path / "mirror").rglob("*.log")
        ):
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert not list((tmp_path / "mirror").rglob(MANIFEST))
        hub.faults.clear()
        done = fetch(hub)
    assert done.made
    assert done.made.fetched_bytes <= SIZE + SIZE // 2 - 4 * PIECE + 10_000
    assert check_mirror(Path(done.path)).holds


def test_a_part_that_was_damaged_meanwhile_is_found(
    shelf: Path, fetch: Callable[..., Mirrored], tmp_path: Path
) -> None:
    """What an earlier run left is hashed again: a flipped bit in it costs a second fetch, and reaches no mirror."""
    with HubServer(shelf, Fault(WEIGHTS, status=404, times=0)) as hub:
        hub.faults += [Fault(WEIGHTS, slow_s=0.0001, times=3), Fault(WEIGHTS, status=0)]
        with pytest.raises(HubUnreachable):
            fetch(hub, lanes=1)
        part = next(path for path in (tmp_path / "mirror").rglob("parts/*") if path.stat().st_size >= 3 * PIECE)
        with part.open("r+b") as file:
            file.write(b"flipped!")
        hub.faults.clear()
        done = fetch(hub)
    weights = (shelf / "acme" / "tiny" / "model.safetensors").read_bytes()
    assert Path(done.path, "model.safetensors").read_bytes() == weights


def test_two_at_once_are_told(shelf: Path, fetch: Callable[..., Mirrored], tmp_path: Path) -> None:
    """The second process is refused, and harms nothing."""
    from weighbridge.hub.mirror.place import Place

    with HubServer(shelf) as hub:
        place = Place(tmp_path / "mirror", ("hf", "acme", "tiny", hub.commit("acme/tiny")))
        with place.held(), pytest.raises(UsageError, match="another process"):
            fetch(hub)
        assert check_mirror(Path(fetch(hub).path)).holds


def test_a_file_that_is_gone_ends_it(shelf: Path, fetch: Callable[..., Mirrored]) -> None:
    """Listed and then not there: said as a change of the hub; nothing is published."""
    gone = Fault("/resolve/.*config.json", status=404, headers={"X-Error-Code": "EntryNotFound"})
    with HubServer(shelf, gone) as hub, pytest.raises((HubChanged, NotFound), match=r"config\.json"):
        fetch(hub)


def test_hostile_names_are_left_out(shelf: Path, fetch: Callable[..., Mirrored], tmp_path: Path) -> None:
    """A listing that leads out of the folder writes nothing there; the manifest says what was left."""
    rows = (
        b'[{"type": "file", "path": "../../evil", "size": 2, "oid": "9e26dfeeb6e641a33dae4961196235bdb965b21b"},'
        b'{"type": "file", "path": "empty.txt", "size": 0, "oid": "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"}]'
    )
    with HubServer(shelf, Fault("/tree/", body=rows)) as hub:
        done = fetch(hub)
    assert [one.reason for one in done.choice.left_out] == ["its name leads out of the repository"]
    assert not list(tmp_path.rglob("evil"))
    assert sorted(path.name for path in Path(done.path).iterdir()) == ["empty.txt", MANIFEST]
