"""Certificate chains: only authorities that the user trusts, and only within what they may issue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from weighbridge.inspection.provenance.chain import ChainBroken, signer_of

START = datetime(2026, 1, 1, tzinfo=UTC)


class Authority:
    """A certificate with its key, issued by another or by itself."""

    def __init__(self, name: str, issuer: Authority | None = None, **how: Any) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        start = START + timedelta(days=how.get("after_days", 0))
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(issuer.name if issuer else self.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=how.get("days", 3650)))
        )
        if (ca := how.get("ca", True)) is not None:
            builder = builder.add_extension(x509.BasicConstraints(ca, how.get("length") if ca else None), critical=True)
        for extension in how.get("extensions", ()):
            builder = builder.add_extension(extension, critical=True)
        self.certificate = builder.sign((issuer or self).key, hashes.SHA256())

    @property
    def der(self) -> bytes:
        """The certificate as a bundle carries it."""
        return self.certificate.public_bytes(serialization.Encoding.DER)


SIGNING = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])


def signer(issuer: Authority, **how: Any) -> Authority:
    """Return a certificate for signing code."""
    return Authority("signer", issuer, **{"ca": False, "extensions": [SIGNING]} | how)


def test_a_chain_to_the_trusted_root_gives_the_signers_key() -> None:
    """Root, intermediate, signer: in any order behind the signer's."""
    root = Authority("root")
    between = Authority("between", root, length=0)
    one = signer(between)
    key = signer_of([one.der, root.der, between.der], [root.certificate])
    assert key.key == one.key.public_key()


@pytest.mark.parametrize(
    ("between", "leaf"),
    [
        ({"ca": False}, {}),
        ({"ca": None}, {}),
        ({"days": 10}, {"after_days": 20}),
        ({}, {"extensions": [x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])]}),
        ({}, {"extensions": []}),
        ({}, {"extensions": [SIGNING, x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"x")]}),
        ({"extensions": [x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"x")]}, {}),
    ],
)
def test_a_chain_that_may_not_sign_is_broken(between: dict[str, Any], leaf: dict[str, Any]) -> None:
    """No authority, expired, not for signing, or with a critical extension that nobody here understands."""
    root = Authority("root")
    middle = Authority("between", root, **between)
    one = signer(middle, **leaf)
    with pytest.raises(ChainBroken):
        signer_of([one.der, middle.der], [root.certificate])


def test_a_path_longer_than_allowed_is_broken() -> None:
    """An authority with length 0 issues for signers, not for authorities."""
    root = Authority("root", length=0)
    between = Authority("between", root)
    with pytest.raises(ChainBroken):
        signer_of([signer(between).der, between.der], [root.certificate])


def test_a_namesake_of_the_root_is_not_trusted() -> None:
    """The name is equal, the key is another: the signature of the certificate decides."""
    false = Authority("root")
    with pytest.raises(ChainBroken):
        signer_of([signer(false).der, false.der], [Authority("root").certificate])


@pytest.mark.parametrize("chain", [[], [b"no certificate"], [b""]])
def test_what_is_no_certificate_is_broken(chain: list[bytes]) -> None:
    """Hostile bytes end in an outcome."""
    with pytest.raises(ChainBroken):
        signer_of(chain, [Authority("root").certificate])


def test_a_circle_of_authorities_ends() -> None:
    """Two authorities that issued each other lead nowhere, and do not hang."""
    a, b = Authority("a"), Authority("b")
    crossed = Authority("a", b)
    crossed.key = a.key
    with pytest.raises(ChainBroken):
        signer_of([signer(a).der, a.der, b.der, crossed.der] * 4, [Authority("root").certificate])
