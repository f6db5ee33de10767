"""Sign the manifest of a mirror with the house's key, and verify that: one DSSE envelope beside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.errors import NotFound
from weighbridge.formats.bounded_file import read_small
from weighbridge.formats.dsse import MAX_BYTES, envelope_bytes, pae, parse_envelope
from weighbridge.formats.place import quote
from weighbridge.hub.mirror.manifest import MANIFEST, SIGNATURE
from weighbridge.inspection.provenance.signature import Outcome, verify_envelope
from weighbridge.workflow.workspace import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.hub.mirror.check import MirrorCheck
    from weighbridge.inspection.provenance.keys import SigningKey
    from weighbridge.inspection.provenance.trust import Trust

__all__ = ["sign_mirror", "verify_mirror_signature", "verify_mirror_signatures"]

_TYPE = "application/vnd.weighbridge.mirror+json"


def sign_mirror(folder: Path, key: SigningKey) -> Path:
    """Sign the manifest as it stands, and return the signature's file; a new manifest takes it away again."""
    manifest = read_small(folder / MANIFEST, MAX_BYTES)
    envelope = envelope_bytes(_TYPE, manifest, key.public.fingerprint, key.sign(pae(_TYPE, manifest)))
    write_whole(folder / SIGNATURE, envelope)
    return folder / SIGNATURE


def verify_mirror_signatures(checks: Sequence[MirrorCheck], trust: Trust) -> list[Outcome]:
    """Verify the signatures of mirrors that were checked; `covered` are the signed files that are unchanged.

    An unsigned one beside signed ones is invalid: whoever changed it could take its signature away. Raises NotFound
    where none is signed.
    """
    if not any((Path(one.path) / SIGNATURE).is_file() for one in checks):
        return [verify_mirror_signature(Path(one.path), trust) for one in checks]
    return [_verify_checked(one, trust) for one in checks]


def _verify_checked(check: MirrorCheck, trust: Trust) -> Outcome:
    """Verify one signature, and count what it covers."""
    folder = Path(check.path)
    if not (folder / SIGNATURE).is_file():
        return Outcome("invalid", "it is not signed")
    found = verify_mirror_signature(folder, trust)
    if found.outcome != "valid":
        return found
    lost = len(check.changed) + len(check.missing) + len(check.unread)
    return replace(found, covered=len(check.manifest.files) - lost, ignored=check.extra)


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
