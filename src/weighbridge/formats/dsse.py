"""Read and write DSSE envelopes (github.com/secure-systems-lab/dsse, v1.0.2), alone or in a Sigstore bundle (v0.1-0.3).

Nothing is verified here: what a signature is worth needs a key that the reader trusts.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from weighbridge.core.digest import canonical
from weighbridge.errors import DamagedFile
from weighbridge.formats.place import quote
from weighbridge.formats.strict_json import parse_json

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["IN_TOTO", "MAX_BYTES", "Envelope", "Signature", "envelope_bytes", "pae", "parse_envelope"]

IN_TOTO = "application/vnd.in-toto+json"
MAX_BYTES = 64 << 20  # a model of 100,000 files takes about 30 MB in base64
_BUNDLE = "application/vnd.dev.sigstore.bundle"
_MOST_SIGNATURES = 16
_MOST_CERTIFICATES = 16
_MAX_SIGNATURE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature over an envelope's payload; `keyid` is a hint that the signer chose and proves nothing."""

    keyid: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload with signatures, and what a Sigstore bundle says of the signer.

    `key_hint` names the key (model-signing: SHA-256 of its PEM); `certificates` are DER, the signer's first;
    `is_logged` says that the bundle names a transparency log or a short-lived certificate: a Sigstore identity.
    """

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]
    key_hint: str = ""
    certificates: tuple[bytes, ...] = ()
    is_logged: bool = False


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return what is signed: DSSE's pre-authentication encoding."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def envelope_bytes(payload_type: str, payload: bytes, keyid: str, signature: bytes) -> bytes:
    """Return an envelope with one signature as canonical JSON, on one line."""
    return canonical(
        {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": payload_type,
            "signatures": [{"keyid": keyid, "sig": base64.b64encode(signature).decode()}],
        }
    )


def parse_envelope(data: bytes, place: Path | str) -> Envelope:
    """Read an envelope or a Sigstore bundle; raises DamagedFile with the field that is wrong."""
    reader = _Reader(quote(str(place), 4096))
    value = reader.table(parse_json(data, place, max_bytes=MAX_BYTES), "the document")
    if "payload" in value:
        return reader.envelope(value, {})
    if not str(value.get("mediaType", "")).startswith(_BUNDLE):
        raise DamagedFile(f"{reader.where} is neither a DSSE envelope nor a Sigstore bundle")
    if "dsseEnvelope" not in value:
        raise DamagedFile(f"{reader.where} is a Sigstore bundle without a DSSE envelope")
    material = reader.table(value.get("verificationMaterial", {}), "`verificationMaterial`")
    return reader.envelope(reader.table(value["dsseEnvelope"], "`dsseEnvelope`"), material)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads fields and names the one that is wrong."""

    where: str

    def envelope(self, value: dict[str, Any], material: dict[str, Any]) -> Envelope:
        """Read the envelope itself, and the signer's material beside it."""
        signatures = self.list(value.get("signatures"), "`signatures`", _MOST_SIGNATURES)
        rows = [self.table(one, "a signature") for one in signatures]
        chain = self.table(material.get("x509CertificateChain", {}), "`x509CertificateChain`")
        certificates = [*self.list(chain.get("certificates", []), "`certificates`", _MOST_CERTIFICATES)]
        is_short_lived = "certificate" in material
        if is_short_lived:
            certificates.insert(0, material["certificate"])
        key = self.table(material.get("publicKey", {}), "`publicKey`")
        return Envelope(
            payload_type=self.text(value.get("payloadType"), "`payloadType`"),
            payload=self.bytes(value.get("payload"), "`payload`"),
            signatures=tuple(
                Signature(self.text(row.get("keyid") or "", "`keyid`"), self.bytes(row.get("sig"), "`sig`", short=True))
                for row in rows
            ),
            key_hint=self.text(key.get("hint") or "", "`hint`"),
            certificates=tuple(
                self.bytes(self.table(one, "a certificate").get("rawBytes"), "`rawBytes`") for one in certificates
            ),
            is_logged=is_short_lived or bool(material.get("tlogEntries")),
        )

    def table(self, value: Any, what: str) -> dict[str, Any]:
        """Return a JSON object."""
        if not isinstance(value, dict):
            raise DamagedFile(f"{self.where}: {what} is not an object")
        return value

    def list(self, value: Any, what: str, most: int) -> list[Any]:
        """Return a list of at most `most` entries."""
        if not isinstance(value, list) or len(value) > most:
            raise DamagedFile(f"{self.where}: {what} is not a list of at most {most}")
        return value

    def text(self, value: Any, what: str) -> str:
        """Return a text."""
        if not isinstance(value, str):
            raise DamagedFile(f"{self.where}: {what} is not a text")
        return value

    def bytes(self, value: Any, what: str, *, short: bool = False) -> bytes:
        """Return what base64 stands for, in either alphabet: the DSSE standard allows both."""
        try:
            text = self.text(value, what).translate(_URL_SAFE)
            found = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise DamagedFile(f"{self.where}: {what} is not base64") from error
        if short and len(found) > _MAX_SIGNATURE_BYTES:
            raise DamagedFile(f"{self.where}: {what} is longer than {_MAX_SIGNATURE_BYTES} bytes")
        return found


_URL_SAFE = str.maketrans("-_", "+/")
