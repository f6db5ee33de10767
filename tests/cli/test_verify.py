"""`lock`, `verify`, `key` and attestations as a user runs them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from weighbridge.testing.tiny_weights import Row, gguf_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import CommandLine


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Write a model of one file in a folder."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "tiny.gguf").write_bytes(gguf_bytes({"general.architecture": "llama"}, [Row("a", (4, 8), 0, 128)]))
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    return folder


def test_a_copy_is_held_against_its_lock(weighbridge: CommandLine, model: Path) -> None:
    """0 where it holds, 12 where it does not, each file named; the lock alone finds its folder."""
    assert weighbridge("lock", "./model", "--output", "m.lock.json").returncode == 0
    assert weighbridge("verify", "model", "--lock", "m.lock.json").returncode == 0
    assert weighbridge("verify", "m.lock.json").returncode == 0
    (model / "README.md").write_text("---\nlicense: gpl\n---\n")
    (model / "evil.py").write_text("")
    done = weighbridge("verify", "model", "--lock", "m.lock.json")
    assert done.returncode == 12
    assert "changed  README.md" in done.stdout
    assert "extra    evil.py" in done.stdout
    (row,) = weighbridge.json("verify", "model", "--lock", "m.lock.json", code=12)["checked"]
    assert {(one["name"], one["kind"]) for one in row["differences"]} == {
        ("README.md", "changed"),
        ("evil.py", "extra"),
    }


def test_a_lock_inside_its_folder_is_refused(weighbridge: CommandLine, model: Path) -> None:
    """Who can change a file there can change the lock; nothing is written."""
    done = weighbridge("lock", "./model", "--output", "model/lock.json")
    assert done.returncode == 2
    assert "--output" in done.stderr
    assert not (model / "lock.json").exists()


def test_a_lock_that_cannot_be_written_is_wrong_usage(weighbridge: CommandLine, model: Path) -> None:
    """The place was the user's choice, so the exit code is that of usage."""
    done = weighbridge("lock", f"./{model.name}", "--output", "/proc/lock.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "hint: give another place: `--output FILE`" in done.stderr


def test_a_copy_is_held_against_evidence_or_nothing_is_known(weighbridge: CommandLine, model: Path) -> None:
    """Without evidence 3; after a decision 0, and 12 once a byte changes."""
    assert weighbridge("verify", "model").returncode == 3
    assert weighbridge("weigh", "./model", "--no-verdict-code", "--limit", "1").returncode == 0
    assert weighbridge("verify", "model").returncode == 0
    data = (model / "tiny.gguf").read_bytes()
    (model / "tiny.gguf").write_bytes(data[:-1] + b"x")
    done = weighbridge("verify", "model")
    assert done.returncode == 12
    assert "changed  tiny.gguf" in done.stdout


@pytest.mark.parametrize("passphrase", ["", "open sesame"])
def test_a_decision_is_signed_and_verified(weighbridge: CommandLine, model: Path, passphrase: str) -> None:
    """Key, attestation, bill of materials; a changed line is found, and no key means not checked."""
    assert model.is_dir()
    env = {"WEIGHBRIDGE_KEY_PASSPHRASE": passphrase}
    assert weighbridge("weigh", "./model", "--no-verdict-code", "--limit", "1").returncode == 0
    assert weighbridge("key", "new", "--output", "k.pem", **env).returncode == 0
    assert (weighbridge.folder / "k.pem").stat().st_mode & 0o777 == 0o600
    assert weighbridge("key", "new", "--output", "k.pem", **env).returncode == 2
    assert weighbridge("dossier", "--format", "attestation").returncode == 2
    words = ("dossier", "--format", "attestation", "--format", "mlbom", "--key", "k.pem", "--output", "out")
    assert weighbridge(*words, **env).returncode == 0
    if passphrase:
        assert weighbridge(*words).returncode == 2
    path = weighbridge.folder / "out" / "dossier.intoto.jsonl"
    assert json.loads((path.parent / "dossier.cdx.json").read_text())["bomFormat"] == "CycloneDX"
    assert weighbridge("verify", str(path), "--key", "k.pub.pem").returncode == 0
    assert weighbridge("verify", str(path)).returncode == 11
    path.write_text(path.read_text().replace('"payload":"ey', '"payload":"eX', 1))
    done = weighbridge("verify", str(path), "--key", "k.pub.pem")
    assert done.returncode == 12
    assert "envelope 1" in done.stdout
