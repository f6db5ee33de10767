"""Attest: sign statements, one DSSE envelope a line, and verify such a file.

The file is an in-toto attestation bundle (github.com/in-toto/attestation, spec v1, "Bundle": JSON Lines of
envelopes): any tool that reads DSSE verifies a line of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from weighbridge.core.digest import digest_of, short
from weighbridge.core.evidence import Evidence
from weighbridge.core.kinds import DECISION
from weighbridge.errors import DamagedFile
from weighbridge.formats.bounded_file import BoundedFile, read_small
from weighbridge.formats.dsse import IN_TOTO, MAX_BYTES, envelope_bytes, pae, parse_envelope
from weighbridge.formats.place import damaged
from weighbridge.formats.strict_json import parse_json
from weighbridge.inspection.provenance.signature import verify_envelope

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.inspection.provenance.keys import SigningKey
    from weighbridge.inspection.provenance.trust import Trust

__all__ = ["Attested", "is_attestation", "load_key", "make_key", "seal", "verify_attestation"]

_MOST_LINES = 10_000
_HEAD_BYTES = 1 << 16
_KEYS = (b'"payloadType"', b'"dsseEnvelope"', b'"verificationMaterial"')


@dataclass(slots=True)
class Attested:
    """What an attestation holds: the outcome of its signatures, and its statements.

    `missing` are the ids that the decision cites and no statement of the file has.
    """

    outcome: Literal["valid", "invalid", "not checked"]
    reason: str
    signer: str = ""
    statements: list[Evidence] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """What the file says, a line each; where it is not valid, what it claims."""
        said = [f"{one.kind:<15} {short(one.id)} about {short(one.subject)}, {one.made_on}" for one in self.statements]
        decisions = [one.body.get("decision") for one in self.statements if one.kind == DECISION]
        said += [f"verdict: {one.get('verdict')}" for one in decisions if isinstance(one, dict)]
        said += [f"of another kind: {kind}" for kind in self.others]
        return said + [f"cited and not in the file: {digest}" for digest in self.missing]

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        rows = [{"id": one.id, "kind": one.kind, "subject": one.subject} for one in self.statements]
        return {
            "outcome": self.outcome, "reason": self.reason, "signer": self.signer, "statements": rows,
            "others": self.others, "missing": self.missing,
        }  # fmt: skip


def load_key(path: Path, passphrase: str | None) -> SigningKey:
    """Read a private key; raises ExtraMissing, DamagedFile or UsageError."""
    from weighbridge.inspection.provenance.keys import read_private

    return read_private(path, passphrase)


def make_key(kind: str) -> SigningKey:
    """Make a key of `ed25519` or `p256`; raises ExtraMissing."""
    from weighbridge.inspection.provenance.keys import new_key

    return new_key(kind)


def seal(statements: bytes, key: SigningKey) -> bytes:
    """Sign each line of in-toto statements; return the envelopes, a line each."""
    keyid = key.public.fingerprint
    lines = [line for line in statements.split(b"\n") if line]
    return b"".join(envelope_bytes(IN_TOTO, line, keyid, key.sign(pae(IN_TOTO, line))) + b"\n" for line in lines)


def is_attestation(path: Path) -> bool:
    """Whether a file begins as JSON with an envelope does."""
    try:
        with BoundedFile(path) as file:
            head = file.read(0, _HEAD_BYTES).lstrip()
    except DamagedFile:
        return False
    # the payload may fill the head: then the envelope begins with it
    return head.startswith(b"{") and (any(key in head for key in _KEYS) or head.startswith(b'{"payload":'))


def verify_attestation(path: Path, trust: Trust) -> Attested:
    """Verify every envelope of a file, and that what its decision cites is in it; raises DamagedFile."""
    data = read_small(path, MAX_BYTES)
    lines = [line for line in data.split(b"\n") if line.strip()]
    if len(lines) > _MOST_LINES:
        raise damaged(path, f"holds {len(lines)} envelopes; at most {_MOST_LINES} are read")
    try:
        envelopes = [parse_envelope(line, path) for line in lines]
    except DamagedFile:
        envelopes = [parse_envelope(data, path)]  # one envelope over several lines
    found = Attested("valid", "")
    for number, envelope in enumerate(envelopes, 1):
        outcome = verify_envelope(envelope, trust)
        if outcome.outcome != "valid":
            place = f"envelope {number} of {len(envelopes)}: " if len(envelopes) > 1 else ""
            return Attested(outcome.outcome, place + outcome.reason, outcome.signer)
        found.signer, found.reason = outcome.signer, f"{len(envelopes)} statements, {outcome.reason}"
        _read(envelope.payload_type, envelope.payload, path, found)
    found.missing = _missing(found.statements)
    if found.missing:
        found.outcome, found.reason = "invalid", "evidence that its decision cites is not in the file"
    return found


def _read(payload_type: str, payload: bytes, path: Path, found: Attested) -> None:
    """Add what a verified payload states; one that is not ours is named."""
    if payload_type != IN_TOTO:
        found.others.append(payload_type)
        return
    statement = parse_json(payload, path, max_bytes=MAX_BYTES)
    try:
        evidence = Evidence.from_statement(statement)
        _ = evidence.id, _cited(evidence)  # what cannot be computed makes it somebody else's statement
        found.statements.append(evidence)
    except (KeyError, TypeError, ValueError, AttributeError):
        kind = statement.get("predicateType") if isinstance(statement, dict) else None
        found.others.append(str(kind or "no in-toto Statement"))


def _missing(statements: list[Evidence]) -> list[str]:
    """Return the ids that decisions are made from and no statement has."""
    return sorted({digest for one in statements for digest in _cited(one)} - {one.id for one in statements})


def _cited(statement: Evidence) -> set[str]:
    """Return the evidence that a decision is made from; raises KeyError, TypeError or ValueError for no decision."""
    if statement.kind != DECISION:
        return set()
    decision = statement.body["decision"]
    # a decision's inputs are its policy, its day, and evidence
    own = {str(decision["policy_digest"]), digest_of({"on": str(decision["on"])})}
    return {*statement.inputs} - own | {str(digest) for digest in decision["evidence"]}
