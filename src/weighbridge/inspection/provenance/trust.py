"""What a user trusts to stand behind a signature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography import x509

    from weighbridge.inspection.provenance.keys import PublicKey

__all__ = ["Signer", "Trust"]


@dataclass(frozen=True, slots=True)
class Signer:
    """Who must have signed by Sigstore: a mail address or a workflow, as `issuer` (an address) vouches for it.

    `trust_root` is a `trusted_root.json`; None for that of Sigstore's public instance.
    """

    name: str
    issuer: str
    trust_root: Path | None = None


@dataclass(frozen=True, slots=True)
class Trust:
    """What the user trusts: a public key, the certificates that may stand behind a signer's, or an identity."""

    key: PublicKey | None = None
    certificates: tuple[x509.Certificate, ...] = ()
    signer: Signer | None = None
