"""Keys and certificates: load, make, sign, verify. Needs the extra `signing` (the package `cryptography`).

Taken are ed25519, elliptic curves P-256, P-384, P-521 with the hash of their size, and RSA of 2048 bits or more with
SHA-256 (PSS as securesystemslib signs, or PKCS #1 v1.5).
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from weighbridge.errors import DamagedFile, ExtraMissing, UsageError
from weighbridge.formats.bounded_file import read_small
from weighbridge.formats.place import quote

try:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
except ImportError as error:
    raise ExtraMissing(
        "keys and signatures need the extra `signing`", hint="pip install 'weighbridge[signing]'"
    ) from error

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    Private = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey
    Public = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey

__all__ = ["KEY_TYPES", "PublicKey", "SigningKey", "load_public", "new_key", "public_key_of", "read_private"]

KEY_TYPES = ("ed25519", "p256")
_MAX_KEY_BYTES = 1 << 20
_HASHES: dict[int, type[hashes.SHA256 | hashes.SHA384 | hashes.SHA512]] = {
    256: hashes.SHA256,
    384: hashes.SHA384,
    521: hashes.SHA512,
}
_LEAST_RSA_BITS, _MOST_RSA_BITS = 2048, 16_384
_OTHERS_MAY_READ = 0o077


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that signatures are verified with; `name` says which it is to a person."""

    key: Public
    name: str

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the key's DER (SubjectPublicKeyInfo), as `openssl pkey -pubin -outform der | sha256sum` says."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return hashlib.sha256(self.key.public_bytes(serialization.Encoding.DER, form)).hexdigest()

    @property
    def hint(self) -> str:
        """SHA-256 of the key's PEM: how model-signing names it in a bundle."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return hashlib.sha256(self.key.public_bytes(serialization.Encoding.PEM, form)).hexdigest()

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether this key signed these bytes."""
        if isinstance(self.key, ed25519.Ed25519PublicKey):
            return _holds(lambda: self.key.verify(signature, message))
        if isinstance(self.key, ec.EllipticCurvePublicKey):
            key, algorithm = self.key, _HASHES[self.key.curve.key_size]()
            return _holds(lambda: key.verify(signature, message, ec.ECDSA(algorithm)))
        return self._verifies_rsa(self.key, signature, message)

    def verifies_with_sha256(self, signature: bytes, message: bytes) -> bool:
        """Whether this key signed with SHA-256 whatever its size: model-signing 0.2 did so with certificates."""
        key = self.key
        return isinstance(key, ec.EllipticCurvePublicKey) and _holds(
            lambda: key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
        )

    @staticmethod
    def _verifies_rsa(key: rsa.RSAPublicKey, signature: bytes, message: bytes) -> bool:
        """Try the two paddings that are in use."""
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO)
        return any(
            _holds(lambda pad=pad: key.verify(signature, message, pad, hashes.SHA256()))
            for pad in (pss, padding.PKCS1v15())
        )


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key; `is_open` says that others on this machine may read its file."""

    key: Private
    is_open: bool = False

    @property
    def public(self) -> PublicKey:
        """Its public half."""
        return PublicKey(self.key.public_key(), "the key's own half")

    def sign(self, message: bytes) -> bytes:
        """Sign bytes: ed25519, or ECDSA (DER) with the hash of the curve's size."""
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return self.key.sign(message)
        return self.key.sign(message, ec.ECDSA(_HASHES[self.key.curve.key_size]()))

    def private_pem(self, passphrase: str | None) -> bytes:
        """Return the key as PKCS #8 PEM, encrypted where there is a passphrase."""
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if passphrase:
            encryption = serialization.BestAvailableEncryption(passphrase.encode())
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)

    def public_pem(self) -> bytes:
        """Return the public half as PEM."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.public.key.public_bytes(serialization.Encoding.PEM, form)


def new_key(kind: str) -> SigningKey:
    """Make a key of one of KEY_TYPES."""
    return SigningKey(
        ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else ec.generate_private_key(ec.SECP256R1())
    )


def load_public(path: Path) -> PublicKey:
    """Read a public key in PEM; raises DamagedFile for what is none, UsageError for a kind that is not taken."""
    data = read_small(path, _MAX_KEY_BYTES)
    if b"PRIVATE KEY" in data:
        raise UsageError(f"{quote(str(path))} is a private key", hint="give the public one, `<name>.pub.pem`")
    try:
        key = serialization.load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise DamagedFile(f"{quote(str(path))} is not a public key in PEM") from error
    return public_key_of(key, path.name)


def public_key_of(key: Any, name: str) -> PublicKey:
    """Return a key of a kind that is taken; raises UsageError for any other."""
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in {"secp256r1", "secp384r1", "secp521r1"}:
        return PublicKey(key, name)
    if isinstance(key, rsa.RSAPublicKey) and _LEAST_RSA_BITS <= key.key_size <= _MOST_RSA_BITS:
        return PublicKey(key, name)
    if isinstance(key, ed25519.Ed25519PublicKey):
        return PublicKey(key, name)
    raise UsageError(
        f"the key {quote(name)} is of a kind or size that is not taken",
        hint="ed25519, P-256, P-384, P-521, or RSA of 2048 bits or more",
    )


def read_private(path: Path, passphrase: str | None) -> SigningKey:
    """Read a private key (ed25519 or an elliptic curve) in PEM; raises DamagedFile or UsageError."""
    data = read_small(path, _MAX_KEY_BYTES)
    shown = quote(str(path))
    try:
        key: PrivateKeyTypes = serialization.load_pem_private_key(data, passphrase.encode() if passphrase else None)
    except TypeError as error:
        wants = "has no passphrase" if passphrase else "is encrypted"
        raise UsageError(
            f"the key {shown} {wants}", hint="`WEIGHBRIDGE_KEY_PASSPHRASE` holds the passphrase"
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise DamagedFile(f"{shown} is not a private key in PEM, or the passphrase is wrong") from error
    if not isinstance(key, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey):
        raise UsageError(
            f"the key {shown} is of a kind that is not signed with", hint="make one: `weighbridge key new`"
        )
    public_key_of(key.public_key(), path.name)
    return SigningKey(key, bool(path.stat().st_mode & _OTHERS_MAY_READ))


def _holds(verify: Any) -> bool:
    """Whether a verification ends without an objection."""
    with suppress(InvalidSignature, ValueError, UnsupportedAlgorithm):
        verify()
        return True
    return False
