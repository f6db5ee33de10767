from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from weighbridge.testing.hub_server import Fault, HubServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import CommandLine


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubServer]:
    """Serve a small model."""
    folder = tmp_path / "hub" / "acme" / "tiny"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"\2\0\0\0\0\0\0\0{}")
    (folder / "config.json").write_text('{"model_type": "llama"}')
    with HubServer(tmp_path / "hub") as server:
        yield server


def test_mirror_list_verify(weighbridge: CommandLine, hub: HubServer, tmp_path: Path) -> None:
    """A person mirrors, lists, verifies, and is told of a changed file; every step has JSON, and names the next."""
    to = str(tmp_path / "m")
    done = weighbridge("mirror", "hf:acme/tiny", "--to", to, HF_ENDPOINT=hub.url)
    assert done.returncode == 0, done.stderr
    assert f"{hub.commit('acme/tiny')}: 2 files, 33 B, verified" in done.stdout
    assert "Next: `weighbridge verify" in done.stderr
    again = weighbridge("mirror", "hf:acme/tiny", "--to", to, "--json", HF_ENDPOINT=hub.url)
    content = json.loads(again.stdout)
    assert (content["schema"], content["outcome"]) == ("weighbridge/mirror/v1", "here")
    shelf = json.loads(weighbridge("mirror", "list", to, "--json").stdout)["mirrors"]
    assert [one["commit"] for one in shelf] == [hub.commit("acme/tiny")]
    assert "hf:acme/tiny@" in weighbridge("mirror", "list", to).stdout
    held = weighbridge("verify", to)
    assert (held.returncode, held.stdout[:6]) == (0, "holds:")
    lock = json.loads(weighbridge("lock", content["path"], "--output", str(tmp_path / "l.json"), "--json").stdout)
    assert (lock["commit"], lock["digest"]) == (content["commit"], content["artefact"])
    (tmp_path / "m" / "hf" / "acme" / "tiny" / content["commit"] / "config.json").write_text("{}")
    broken = weighbridge("verify", to, "--json")
    assert broken.returncode == 12
    assert json.loads(broken.stdout)["checked"][0]["differences"] == [
        {"name": "config.json", "kind": "changed", "detail": ""}
    ]


def test_a_workspace_can_be_named(weighbridge: CommandLine, hub: HubServer) -> None:
    """As for the commands that go on from the mirror: digests are remembered there."""
    done = weighbridge("mirror", "hf:acme/tiny", "--to", "m", "--workspace", "ws", HF_ENDPOINT=hub.url)
    assert done.returncode == 0, done.stderr


def test_a_mirror_can_be_signed(weighbridge: CommandLine, hub: HubServer, tmp_path: Path) -> None:
    """The house's key vouches for the manifest; another key, or another manifest, does not."""
    for name in ("ours", "other"):
        weighbridge("key", "new", "--output", str(tmp_path / f"{name}.pem"))
    args = ("mirror", "hf:acme/tiny", "--to", str(tmp_path / "m"), "--sign", str(tmp_path / "ours.pem"), "--json")
    path = json.loads(weighbridge(*args, HF_ENDPOINT=hub.url).stdout)["path"]
    good = weighbridge("verify", path, "--key", str(tmp_path / "ours.pub.pem"))
    assert (good.returncode, "signature valid" in good.stdout) == (0, True), good.stderr
    assert "2 files are signed and unchanged" in good.stdout
    assert weighbridge("verify", path, "--key", str(tmp_path / "other.pub.pem")).returncode == 12
    assert weighbridge("verify", path).returncode == 0


def test_many_copies_are_told_apart(weighbridge: CommandLine, hub: HubServer, tmp_path: Path) -> None:
    """Each is named by path, hub, repository and commit; a key is held against every one, and an unsigned one fails."""
    weighbridge("key", "new", "--output", str(tmp_path / "ours.pem"))
    first, key, to = hub.commit("acme/tiny"), str(tmp_path / "ours.pub.pem"), str(tmp_path / "m")
    words = ("mirror", "hf:acme/tiny", "--to", to)
    assert weighbridge(*words, "--sign", str(tmp_path / "ours.pem"), HF_ENDPOINT=hub.url).returncode == 0
    (only,) = weighbridge.json("verify", to, "--key", key)["checked"]
    assert (only["signature"]["outcome"], only["signature"]["files"]) == ("valid", 2)
    second = hub.write("acme/tiny", {"README.md": b"new"})
    assert weighbridge(*words, HF_ENDPOINT=hub.url).returncode == 0
    found = {one["commit"]: one for one in weighbridge.json("verify", to, "--key", key, code=12)["checked"]}
    assert {name: one["signature"]["outcome"] for name, one in found.items()} == {first: "valid", second: "invalid"}
    path = tmp_path / "m" / "hf" / "acme" / "tiny" / second
    assert [found[second][name] for name in ("path", "hub", "repository")] == [str(path), "hf", "acme/tiny"]
    (path / "README.md").write_text("other")  # the copies share their other files
    told = weighbridge("verify", to).stdout
    assert f"differs: {path}: 1 difference from" in told
    assert f"holds: {path.parent / first}: all 2 files" in told


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("hf:acme/none",), 3, "was not found"),
        (("acme/tiny",), 3, "`weighbridge mirror hf:acme/tiny --to"),
        (("./acme/tiny",), 3, "use `demo`"),
        (("hf:acme/tiny", "--only", "*.gguf"), 3, "no file of this revision is chosen"),
        (("http://127.0.0.1:9/v1#x",), 2, "no files to mirror"),
        (("hf:acme/tiny@v9",), 3, "has no revision"),
    ],
)
def test_what_cannot_be_mirrored(
    weighbridge: CommandLine, hub: HubServer, tmp_path: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    """One sentence, a hint, and a code that says whose turn it is."""
    done = weighbridge("mirror", *arguments, "--to", str(tmp_path / "m"), HF_ENDPOINT=hub.url)
    assert (done.returncode, message in done.stderr) == (code, True), done.stderr


def test_an_interruption_says_how_to_go_on(hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C leaves with 4 within seconds, though the server is silent; the next run ends it."""
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    hub.faults.append(Fault(r"model\.safetensors\?commit", slow_s=60.0, times=1))
    command = [sys.executable, "-m", "weighbridge", "mirror", "hf:acme/tiny", "--to", str(tmp_path / "m")]
    # tests that run in the background inherit a SIGINT that is ignored
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heard)  # noqa: PLW1509 - no threads of ours hold locks
    until = time.monotonic() + 30
    while time.monotonic() < until and not any(one.is_storage for one in hub.seen):
        time.sleep(0.02)
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    said = child.communicate(timeout=30)[1]
    assert child.returncode == 4
    assert "run the same command again" in said
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
