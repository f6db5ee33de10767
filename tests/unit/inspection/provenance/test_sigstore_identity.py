"""Sigstore identities: a real signature by `model-signing` 1.1.0 of October 2025, verified without a network."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from weighbridge.core.progress import silent
from weighbridge.errors import UsageError
from weighbridge.inspection.provenance.copy import open_copy
from weighbridge.inspection.provenance.signature import Outcome, verify_model
from weighbridge.inspection.provenance.trust import Signer, Trust

SIGNED = Path(__file__).parent / "signed"
NAME, ISSUER = "stefanb@us.ibm.com", "https://sigstore.verify.ibm.com/oauth2"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return the signed folder, as `scripts/tests` of sigstore/model-transparency has it."""
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("signme-1", "signme-2", "ignore-me"):
        (folder / name).write_text(name)
    shutil.copy(SIGNED / "sigstore" / "model.sig", folder)
    return folder


def _verify(model: Path, signer: Signer | None = None) -> Outcome:
    return verify_model(open_copy(model), model / "model.sig", Trust(signer=signer or Signer(NAME, ISSUER)), silent)


def test_the_identity_that_signed_is_valid(model: Path) -> None:
    """Certificate, log entry, time and files hold; what the signature leaves out is named."""
    found = _verify(model)
    assert (found.outcome, found.covered, found.ignored) == ("valid", 2, ("ignore-me", "model.sig"))
    assert found.signer == f"{NAME} (vouched for by {ISSUER})"


@pytest.mark.parametrize("signer", [Signer("eve@example.com", ISSUER), Signer(NAME, "https://accounts.google.com")])
def test_another_identity_is_invalid(model: Path, signer: Signer) -> None:
    """A name means nothing without who vouches for it."""
    found = _verify(model, signer)
    assert found.outcome == "invalid"
    assert "Sigstore refuses it" in found.reason


def test_a_changed_file_is_named(model: Path) -> None:
    """The signature holds, the copy does not."""
    (model / "signme-1").write_text("other")
    found = _verify(model)
    assert (found.outcome, [(one.name, one.kind) for one in found.differences]) == (
        "invalid", [("signme-1", "changed")],
    )  # fmt: skip


def _flip(text: str) -> str:
    data = bytearray(base64.b64decode(text))
    data[len(data) // 2] ^= 1
    return base64.b64encode(data).decode()


@pytest.mark.parametrize("part", ["payload", "signature", "certificate", "log", "root hash"])
def test_any_part_that_is_changed_is_refused(model: Path, part: str) -> None:
    """One bit of each."""
    value: dict[str, Any] = json.loads((model / "model.sig").read_text())
    material, envelope = value["verificationMaterial"], value["dsseEnvelope"]
    entry = material["tlogEntries"][0]
    table, key = {
        "payload": (envelope, "payload"),
        "signature": (envelope["signatures"][0], "sig"),
        "certificate": (material["certificate"], "rawBytes"),
        "log": (entry["inclusionPromise"], "signedEntryTimestamp"),
        "root hash": (entry["inclusionProof"], "rootHash"),
    }[part]
    table[key] = _flip(table[key])
    (model / "model.sig").write_text(json.dumps(value))
    try:
        assert _verify(model).outcome == "invalid"
    except UsageError as error:
        assert "no Sigstore bundle" in error.message  # noqa: PT017 - a certificate of one changed bit may not parse


def test_a_trust_root_that_is_none_is_said(model: Path, tmp_path: Path) -> None:
    """The user's file, and it is named."""
    (tmp_path / "root.json").write_text("{}")
    with pytest.raises(UsageError, match=r"root\.json` is no trust root"):
        _verify(model, Signer(NAME, ISSUER, tmp_path / "root.json"))


def test_the_trust_root_of_another_instance_does_not_hold(model: Path) -> None:
    """Sigstore's own staging instance never vouched for it."""
    import sigstore

    root = next((Path(sigstore.__file__).parent / "_store").glob("*sigstage*/trusted_root.json"))
    assert _verify(model, Signer(NAME, ISSUER, root)).outcome == "invalid"


def test_a_signature_by_a_key_is_no_identity(model: Path) -> None:
    """It is not taken for one, and what would verify it is said."""
    shutil.copy(SIGNED / "key.sig", model / "model.sig")
    found = _verify(model)
    assert (found.outcome, "--key" in found.reason) == ("not checked", True)
