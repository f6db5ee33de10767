"""Verify that a person or a workflow signed, by Sigstore: certificate, log, time. Needs the extra `sigstore`.

No network is used: the trust root is a file of the user's, or the one of Sigstore's public instance that the package
`sigstore` carries. A root that was replaced after the package was made is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.errors import DamagedFile, ExtraMissing, UsageError
from weighbridge.formats.place import quote

try:
    from sigstore.errors import Error as SigstoreError
    from sigstore.models import Bundle, TrustedRoot
    from sigstore.verify import Verifier
    from sigstore.verify.policy import Identity
except ImportError as error:
    raise ExtraMissing(
        "the identity of a Sigstore signature is verified by the extra `sigstore`",
        hint="pip install 'weighbridge[sigstore]'",
    ) from error

if TYPE_CHECKING:
    from weighbridge.inspection.provenance.trust import Signer

__all__ = ["Refused", "signed_payload"]

_PUBLIC_ROOT = ("_store", "https%3A%2F%2Ftuf-repo-cdn.sigstore.dev", "trusted_root.json")


@dataclass(frozen=True, slots=True)
class Refused:
    """A signature that does not hold, and why."""

    reason: str


def signed_payload(data: bytes, signer: Signer) -> bytes | Refused:
    """Return what `signer` signed in a bundle, or why it does not hold.

    Raises DamagedFile for what is no bundle, UsageError for a trust root that cannot be read.
    """
    root = _root(signer.trust_root)
    try:
        bundle = Bundle.from_json(data)
    except (SigstoreError, ValueError, KeyError, TypeError) as error:
        raise DamagedFile(f"is no Sigstore bundle that can be read: {quote(str(error))}") from error
    try:
        _, payload = Verifier(trusted_root=root).verify_dsse(
            bundle, Identity(identity=signer.name, issuer=signer.issuer)
        )
    except (SigstoreError, ValueError, KeyError, TypeError) as error:
        return Refused(f"Sigstore refuses it: {quote(str(error))}")
    return payload


def _root(place: Path | None) -> TrustedRoot:
    path = place or Path(str(resources.files("sigstore").joinpath(*_PUBLIC_ROOT)))
    try:
        return TrustedRoot.from_file(str(path))
    except (OSError, SigstoreError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{quote(str(path))} is no trust root of Sigstore that can be read",
            hint="give its `trusted_root.json` with `--trust-root FILE`",
        ) from error
