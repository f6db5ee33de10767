"""Sign the manifest of a mirror with the house's key, and verify that: one DSSE envelope beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.errors import NotFound
from weighbridge.formats.bounded_file import read_small
from weighbridge.formats.dsse import MAX_BYTES, envelope_bytes, pae, parse_envelope
from weighbridge.formats.place import quote
from weighbridge.hub.mirror.manifest import MANIFEST, SIGNATURE
from weighbridge.inspection.provenance.signature import Outcome, verify_envelope
from weighbridge.workflow.workspace import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.inspection.provenance.keys import SigningKey
    from weighbridge.inspection.provenance.trust import Trust

__all__ = ["sign_mirror", "verify_mirror_signature"]

_TYPE = "application/vnd.weighbridge.mirror+json"


def sign_mirror(folder: Path, key: SigningKey) -> Path:
    """Sign the manifest as it stands, and return the signature's file; a new manifest takes it away again."""
    manifest = read_small(folder / MANIFEST, MAX_BYTES)
    envelope = envelope_bytes(_TYPE, manifest, key.public.fingerprint, key.sign(pae(_TYPE, manifest)))
    write_whole(folder / SIGNATURE, envelope)
    return folder / SIGNATURE


def verify_mirror_signature(folder: Path, trust: Trust) -> Outcome:
    """Verify that the manifest is signed by whom one trusts; raises NotFound where there is no signature.

    It speaks of the manifest alone: the files are held against that by `check_mirror`.
    """
    place = folder / SIGNATURE
    if not place.is_file():
        raise NotFound(
            f"{quote(str(folder))} is not signed", hint="sign it: `weighbridge mirror REF --to DIR --sign KEY`"
        )
    envelope = parse_envelope(read_small(place, MAX_BYTES), place)
    found = verify_envelope(envelope, trust)
    if found.outcome == "valid" and (envelope.payload_type, envelope.payload) != (
        _TYPE,
        read_small(folder / MANIFEST, MAX_BYTES),
    ):
        return Outcome("invalid", "it signs another manifest than the one that is here", found.signer)
    return found
