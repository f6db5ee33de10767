"""Model signatures: what the real `model-signing` signed is verified, and every change is found."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.progress import silent
from weighbridge.errors import DamagedFile
from weighbridge.inspection.provenance.chain import load_certificates
from weighbridge.inspection.provenance.copy import open_copy
from weighbridge.inspection.provenance.keys import load_public
from weighbridge.inspection.provenance.signature import Outcome, verify_model
from weighbridge.inspection.provenance.trust import Trust

if TYPE_CHECKING:
    from collections.abc import Callable

SIGNED = Path(__file__).parent / "signed"
BY_KEY = [
    ("key.sig", "p256.pub.pem"),
    ("k384.sig", "p384.pub.pem"),
    ("shard-sha256.sig", "p256.pub.pem"),
    ("shard-blake2.sig", "p256.pub.pem"),
    ("file-blake2.sig", "p256.pub.pem"),
    ("v0-key.sig", "p256.pub.pem"),
]
# signed while `model.sig` lay in the folder, as a file like any other
WITH_SIGNATURE = {"k384.sig", "file-blake2.sig", "shard-sha256.sig", "shard-blake2.sig", "cert.sig"}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return a copy of the signed model."""
    return Path(shutil.copytree(SIGNED / "model", tmp_path / "model"))


def verify(model: Path, signature: str, key: str | None = None, trusted: str | None = None) -> Outcome:
    """Verify a shipped signature over a copy."""
    if signature in WITH_SIGNATURE:
        shutil.copy(SIGNED / "key.sig", model / "model.sig")
    certificates = tuple(load_certificates(SIGNED / trusted)) if trusted else ()
    trust = Trust(load_public(SIGNED / key) if key else None, certificates)
    return verify_model(open_copy(model), SIGNED / signature, trust, silent)


@pytest.mark.parametrize(("signature", "key"), BY_KEY)
def test_what_model_signing_signed_with_a_key_is_valid(model: Path, signature: str, key: str) -> None:
    """Whole files and shards, SHA-256 and BLAKE2b, P-256 and P-384, and the manifest of before 1.0."""
    found = verify(model, signature, key)
    assert (found.outcome, found.differences) == ("valid", ())
    assert key in found.signer


@pytest.mark.parametrize("trusted", ["root.pem", "inter.pem"])
def test_a_certificate_under_a_trusted_one_is_valid(model: Path, trusted: str) -> None:
    """The chain in the bundle leads to the root, or to the intermediate where that is trusted."""
    found = verify(model, "cert.sig", trusted=trusted)
    assert (found.outcome, found.signer.partition(" (")[0]) == ("valid", "CN=Model Signer")


def change(model: Path) -> None:
    """Change one byte, and no size."""
    (model / "model.safetensors").write_bytes(b"012345678x")


def add(model: Path) -> None:
    """Add a file."""
    (model / "sub" / "new.py").write_text("import os")


def remove(model: Path) -> None:
    """Remove a file."""
    (model / "config.json").unlink()


def lengthen(model: Path) -> None:
    """Append a byte."""
    (model / "config.json").write_bytes(b"hello!")


@pytest.mark.parametrize(("signature", "key"), BY_KEY)
@pytest.mark.parametrize(
    ("alter", "name", "kind"),
    [
        (change, "model.safetensors", "changed"),
        (add, "sub/new.py", "extra"),
        (remove, "config.json", "missing"),
        (lengthen, "config.json", "changed"),
    ],
)
def test_every_change_is_found_and_named(
    model: Path, signature: str, key: str, alter: Callable[[Path], None], name: str, kind: str
) -> None:
    """Changed, extra, missing and longer files, in every form of manifest."""
    alter(model)
    found = verify(model, signature, key)
    assert found.outcome == "invalid"
    assert [(one.name, one.kind) for one in found.differences] == [(name, kind)]


def test_another_key_or_root_is_invalid(model: Path) -> None:
    """A valid signature of somebody else is none of ours."""
    assert verify(model, "key.sig", "p384.pub.pem").outcome == "invalid"
    found = verify(model, "cert.sig", "p256.pub.pem")
    assert found.outcome == "invalid"


def test_without_a_key_nothing_is_claimed(model: Path) -> None:
    """What cannot be checked is said to be so, and what would check it."""
    assert verify(model, "key.sig").outcome == "not checked"
    assert "--key" in verify(model, "key.sig").reason
    assert "--certificates" in verify(model, "cert.sig").reason
    assert verify(model, "key.sig", trusted="root.pem").outcome == "not checked"


def altered(tmp_path: Path, change: Callable[[dict[str, Any]], None], name: str = "key.sig") -> Path:
    """Return a bundle with something changed in it."""
    value = json.loads((SIGNED / name).read_text())
    change(value)
    path = tmp_path / "altered.sig"
    path.write_text(json.dumps(value))
    return path


def test_a_changed_payload_is_invalid(model: Path, tmp_path: Path) -> None:
    """The signature is over the payload: another manifest under the same signature does not hold."""
    other = json.loads((SIGNED / "shard-sha256.sig").read_text())["dsseEnvelope"]["payload"]
    path = altered(tmp_path, lambda value: value["dsseEnvelope"].update(payload=other))
    trust = Trust(load_public(SIGNED / "p256.pub.pem"))
    assert verify_model(open_copy(model), path, trust, silent).outcome == "invalid"


def test_a_sigstore_identity_is_not_checked_here(model: Path, tmp_path: Path) -> None:
    """A bundle that names a transparency log needs what is not here; it is never valid by its certificate alone."""
    path = altered(tmp_path, lambda value: value["verificationMaterial"].update(tlogEntries=[{}]), "cert.sig")
    found = verify_model(open_copy(model), path, Trust(None, tuple(load_certificates(SIGNED / "root.pem"))), silent)
    assert found.outcome == "not checked"
    assert "Sigstore identity" in found.reason


def _no_signature(value: dict[str, Any]) -> None:
    value["dsseEnvelope"]["signatures"] = []


def test_an_envelope_without_a_signature_is_invalid(model: Path, tmp_path: Path) -> None:
    """Unsigned is not valid, whatever key is given."""
    found = verify_model(
        open_copy(model), altered(tmp_path, _no_signature), Trust(load_public(SIGNED / "p256.pub.pem")), silent
    )
    assert found.outcome == "invalid"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "nonsense",
        '{"payload": "####", "payloadType": "x", "signatures": []}',
        '{"payload": 3, "payloadType": "x", "signatures": []}',
        '{"payload": "", "payloadType": "x"}',
        '{"payload": "", "payloadType": "x", "signatures": [3]}',
        '{"payload": "", "payloadType": "x", "signatures": ' + json.dumps([{"sig": ""}] * 17) + "}",
        '{"payload": "", "payloadType": "x", "signatures": [{"sig": "' + "A" * 8000 + '"}]}',
        '{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"}',
        "[" * 5000,
    ],
)
def test_what_is_no_bundle_is_refused(model: Path, tmp_path: Path, text: str) -> None:
    """Hostile files end in one sentence, never in a traceback."""
    path = tmp_path / "bad.sig"
    path.write_text(text)
    with pytest.raises(DamagedFile):
        verify_model(open_copy(model), path, Trust(load_public(SIGNED / "p256.pub.pem")), silent)
