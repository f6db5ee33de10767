"""Attestations: signed line by line, read back to the same ids, and refused after any change."""

from __future__ import annotations

import base64
import json
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from weighbridge.core.evidence import Evidence
from weighbridge.dossier.attestation import render
from weighbridge.dossier.compose import compose
from weighbridge.inspection.provenance.keys import KEY_TYPES, SigningKey, new_key
from weighbridge.inspection.provenance.trust import Trust
from weighbridge.workflow.attest import is_attestation, seal, verify_attestation

if TYPE_CHECKING:
    from collections.abc import Callable

WEIGHED = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "dossier" / "weighed.py")))


@pytest.fixture(params=KEY_TYPES)
def key(request: pytest.FixtureRequest) -> SigningKey:
    """Return a fresh key of each type."""
    return new_key(request.param)


@pytest.fixture
def sealed(key: SigningKey, tmp_path: Path) -> Path:
    """Write the attestation of a decision."""
    path = tmp_path / "dossier.intoto.jsonl"
    path.write_bytes(seal(render(compose(WEIGHED.decision(), WEIGHED.evidence())), key))
    return path


def test_every_statement_comes_back_under_its_id(sealed: Path, key: SigningKey) -> None:
    """The ids that the decision cites are recomputed from what was signed."""
    found = verify_attestation(sealed, Trust(key.public))
    assert (found.outcome, found.missing, found.others) == ("valid", [], [])
    assert {one.id for one in found.statements} >= {one.id for one in WEIGHED.evidence()}
    assert found.statements[0].kind == "decision/v1"
    assert is_attestation(sealed)


def test_the_signature_is_over_the_encoding_of_the_standard(sealed: Path, key: SigningKey) -> None:
    """Verified by hand with DSSE's own words: `DSSEv1`, lengths in ASCII decimals, single spaces."""
    for line in sealed.read_text().splitlines():
        envelope = json.loads(line)
        payload = base64.b64decode(envelope["payload"])
        kind = b"application/vnd.in-toto+json"
        message = b" ".join([b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload])
        signature = base64.b64decode(envelope["signatures"][0]["sig"])
        public = key.public.key
        if isinstance(public, ed25519.Ed25519PublicKey):
            public.verify(signature, message)
        else:
            assert isinstance(public, ec.EllipticCurvePublicKey)
            public.verify(signature, message, ec.ECDSA(hashes.SHA256()))


def _drop(lines: list[str]) -> list[str]:
    return [line for number, line in enumerate(lines) if number != 3]


def _swap(lines: list[str]) -> list[str]:
    first, second = json.loads(lines[0]), json.loads(lines[1])
    first["payload"] = second["payload"]
    return [json.dumps(first), *lines[1:]]


def _forge(lines: list[str]) -> list[str]:
    envelope: dict[str, Any] = json.loads(lines[0])
    statement = json.loads(base64.b64decode(envelope["payload"]))
    statement["predicate"]["body"]["decision"]["verdict"] = "adopt"
    envelope["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
    return [json.dumps(envelope), *lines[1:]]


@pytest.mark.parametrize("change", [_drop, _swap, _forge])
def test_a_changed_attestation_is_invalid(
    sealed: Path, key: SigningKey, change: Callable[[list[str]], list[str]]
) -> None:
    """A statement that was taken out, exchanged or rewritten is found."""
    sealed.write_text("\n".join(change(sealed.read_text().splitlines())))
    assert verify_attestation(sealed, Trust(key.public)).outcome == "invalid"


def test_another_key_is_invalid_and_none_is_not_checked(sealed: Path) -> None:
    """Nothing is valid without a key that the reader trusts."""
    assert verify_attestation(sealed, Trust(new_key("ed25519").public)).outcome == "invalid"
    assert verify_attestation(sealed, Trust()).outcome == "not checked"


def test_statements_read_back_one_to_one() -> None:
    """The in-toto shape loses nothing."""
    for one in WEIGHED.evidence():
        assert Evidence.from_statement(one.statement()) == one


@pytest.mark.parametrize(
    "changed",
    [
        {"predicateType": []},
        {"subject": []},
        {"predicate": {}},
        {"predicate": {"body": {"decision": 3}, "inputs": [], "producer": {"name": "", "version": ""},
                       "madeOn": "2026-01-01"}},
        {"predicate": {"body": {"decision": {"policy_digest": [], "on": 1, "evidence": 3}}, "inputs": [],
                       "producer": {"name": "", "version": ""}, "madeOn": "2026-01-01"}},
        {"predicate": {"body": {"decision": {}, "x": 2**70}, "inputs": [], "producer": {"name": "", "version": ""},
                       "madeOn": "2026-01-01"}},
    ],
)  # fmt: skip
def test_a_signed_statement_of_another_form_is_named_as_another(tmp_path: Path, changed: dict[str, Any]) -> None:
    """A trusted signer may sign anything: what is not our evidence is never read as such, and breaks nothing."""
    key, path = new_key("ed25519"), tmp_path / "a.jsonl"
    statement = WEIGHED.decided().statement() | changed
    path.write_bytes(seal(json.dumps(statement).encode(), key))
    found = verify_attestation(path, Trust(key.public))
    assert (found.statements, len(found.others)) == ([], 1)
