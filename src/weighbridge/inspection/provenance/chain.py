"""Certificate chains: whether the signer's certificate leads to one that the user trusts.

As model-signing does, the chain is judged at the first second of the signer's certificate: nothing in a bundle without
a transparency log proves when it was signed. Revocation is not asked for: that needs a network.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID

from weighbridge.errors import DamagedFile
from weighbridge.formats.bounded_file import read_small
from weighbridge.formats.place import quote
from weighbridge.inspection.provenance.keys import PublicKey, public_key_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from pathlib import Path

__all__ = ["ChainBroken", "load_certificates", "signer_of"]

_MAX_FILE_BYTES = 4 << 20  # the roots of an operating system take about 0.25 MB
_LONGEST = 8
_MOST_STEPS = 256
_UNDERSTOOD = (x509.BasicConstraints, x509.KeyUsage, x509.ExtendedKeyUsage, x509.SubjectAlternativeName)


class ChainBroken(Exception):
    """Why a certificate is not trusted, in one sentence; it becomes an outcome, never a message of its own."""


def load_certificates(path: Path) -> list[x509.Certificate]:
    """Read the certificates (PEM) that the user trusts; raises DamagedFile where there is none."""
    try:
        return x509.load_pem_x509_certificates(read_small(path, _MAX_FILE_BYTES))
    except ValueError as error:
        raise DamagedFile(f"{quote(str(path))} holds no certificates in PEM") from error


def signer_of(chain: Sequence[bytes], trusted: Sequence[x509.Certificate]) -> PublicKey:
    """Return the key of the first certificate in `chain` (DER); raises ChainBroken where it is not trusted."""
    try:
        certificates = [x509.load_der_x509_certificate(one) for one in chain]
        leaf = certificates[0]
        name = leaf.subject.rfc4514_string()
        moment = leaf.not_valid_before_utc
        _refuse_unfit(leaf)
        _climb(leaf, certificates[1:], trusted, moment)
        key = leaf.public_key()
    except (ValueError, UnsupportedAlgorithm, IndexError, x509.DuplicateExtension) as error:
        raise ChainBroken("a certificate in it cannot be read") from error
    return public_key_of(key, name)


def _climb(
    leaf: x509.Certificate, between: Sequence[x509.Certificate], trusted: Sequence[x509.Certificate], moment: datetime
) -> None:
    """Search a way from the leaf to a trusted certificate, depth first and bounded."""
    ways, steps = [(leaf, 0)], 0
    while ways and steps < _MOST_STEPS:
        below, length = ways.pop()
        steps += 1
        if below in trusted:
            return
        if length >= _LONGEST:
            continue
        # `length` authorities stand between the leaf and the next one
        ways += [(one, length + 1) for one in _issuers(below, between, length, moment)]
        ways += [(one, length + 1) for one in _issuers(below, trusted, length, moment)]
    raise ChainBroken(f"no certificate that you trust stands behind {quote(leaf.subject.rfc4514_string())}")


def _issuers(
    below: x509.Certificate, pool: Iterable[x509.Certificate], length: int, moment: datetime
) -> list[x509.Certificate]:
    """Return the authorities of a pool that issued a certificate and were valid at the moment."""
    found = []
    for one in pool:
        if one.subject != below.issuer or not one.not_valid_before_utc <= moment <= one.not_valid_after_utc:
            continue
        with suppress(InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
            below.verify_directly_issued_by(one)
            if _may_issue(one, length):
                found.append(one)
    return found


def _may_issue(certificate: x509.Certificate, length: int) -> bool:
    """Whether a certificate is an authority that allows `length` others below it."""
    _refuse_unknown(certificate)
    try:
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return False
    if not basic.ca or (basic.path_length is not None and basic.path_length < length):
        return False
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        return True


def _refuse_unfit(leaf: x509.Certificate) -> None:
    """Refuse a certificate that is not for signing: neither digital signatures nor code, as model-signing asks."""
    _refuse_unknown(leaf)
    with suppress(x509.ExtensionNotFound):
        if leaf.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature:
            return
    with suppress(x509.ExtensionNotFound):
        if ExtendedKeyUsageOID.CODE_SIGNING in leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value:
            return
    raise ChainBroken("the signer's certificate is not for signing")


def _refuse_unknown(certificate: x509.Certificate) -> None:
    """Refuse what the standard (RFC 5280, 4.2) demands: a critical extension that is not understood."""
    for extension in certificate.extensions:
        if extension.critical and not isinstance(extension.value, _UNDERSTOOD):
            raise ChainBroken(f"a certificate has the critical extension {extension.oid.dotted_string}, not understood")
