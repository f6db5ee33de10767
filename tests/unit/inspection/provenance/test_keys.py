"""Keys: what others make is read, what is weak or of another kind is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa

from weighbridge.errors import DamagedFile, UsageError
from weighbridge.inspection.provenance.keys import load_public, new_key, public_key_of, read_private

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_rsa_signatures_of_both_paddings_hold() -> None:
    """PSS, as securesystemslib signs, and PKCS #1 v1.5; another message does not."""
    private = rsa.generate_private_key(65537, 2048)
    key = public_key_of(private.public_key(), "k")
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    for pad in (pss, padding.PKCS1v15()):
        signature = private.sign(b"message", pad, hashes.SHA256())
        assert key.verifies(signature, b"message")
        assert not key.verifies(signature, b"another")


def test_ed25519_and_curves_verify_what_the_library_signs() -> None:
    """ed25519; P-384 with SHA-384 and P-521 with SHA-512, as Sigstore's key details pair them."""
    edwards = ed25519.Ed25519PrivateKey.generate()
    assert public_key_of(edwards.public_key(), "k").verifies(edwards.sign(b"m"), b"m")
    pairs: list[tuple[ec.EllipticCurve, hashes.HashAlgorithm]] = [
        (ec.SECP384R1(), hashes.SHA384()),
        (ec.SECP521R1(), hashes.SHA512()),
    ]
    for curve, algorithm in pairs:
        private = ec.generate_private_key(curve)
        key = public_key_of(private.public_key(), "k")
        assert key.verifies(private.sign(b"m", ec.ECDSA(algorithm)), b"m")
        assert not key.verifies(b"", b"m")
        assert not key.verifies(b"\x30\x06\x02\x01\x00\x02\x01\x00", b"m")  # r = s = 0 (CVE-2022-21449)


@pytest.mark.parametrize("kind", ["rsa-1024", "dsa", "secp256k1"])
def test_weak_and_other_kinds_are_refused(kind: str) -> None:
    """Short RSA, DSA, and curves that nobody signs models with."""
    keys: dict[str, Callable[[], Any]] = {
        "rsa-1024": lambda: rsa.generate_private_key(65537, 1024),  # noqa: S505 - weak on purpose
        "dsa": lambda: dsa.generate_private_key(2048),
        "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
    }
    with pytest.raises(UsageError):
        public_key_of(keys[kind]().public_key(), "k")


def test_a_private_key_is_never_taken_for_a_public_one(tmp_path: Path) -> None:
    """The one mistake that would leak it."""
    path = tmp_path / "k.pem"
    path.write_bytes(new_key("ed25519").private_pem(None))
    with pytest.raises(UsageError, match="private"):
        load_public(path)
    path.write_text("-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----\n")
    with pytest.raises(DamagedFile):
        load_public(path)


def test_a_key_is_encrypted_with_its_passphrase(tmp_path: Path) -> None:
    """Without the passphrase, or with another, it cannot be read; a key without one takes none."""
    key, path = new_key("p256"), tmp_path / "k.pem"
    path.write_bytes(key.private_pem("open sesame"))
    path.chmod(0o600)
    read = read_private(path, "open sesame")
    assert (read.public.fingerprint, read.is_open) == (key.public.fingerprint, False)
    for wrong in (None, "another"):
        with pytest.raises((UsageError, DamagedFile)):
            read_private(path, wrong)
    path.write_bytes(key.private_pem(None))
    path.chmod(0o644)
    assert read_private(path, None).is_open
    with pytest.raises(UsageError):
        read_private(path, "open sesame")


def test_the_fingerprint_is_that_of_the_der(tmp_path: Path) -> None:
    """As `openssl pkey -pubin -outform der | sha256sum` gives it."""
    key = new_key("ed25519")
    digest = hashes.Hash(hashes.SHA256())
    public = key.public.key
    digest.update(public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))
    path = tmp_path / "k.pub.pem"
    path.write_bytes(key.public_pem())
    assert load_public(path).fingerprint == digest.finalize().hex()
