"""Verify signatures: of an envelope by a key or a certificate, and of a model by what its envelope lists.

Three outcomes: `valid`, `invalid` (with what differs) and `not checked` (with what is missing to check it).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from weighbridge.errors import UsageError
from weighbridge.formats.bounded_file import read_small
from weighbridge.formats.dsse import IN_TOTO, MAX_BYTES, pae, parse_envelope
from weighbridge.formats.place import quote
from weighbridge.hub.hashing import open_regular
from weighbridge.inspection.provenance.copy import Difference, Expected, Wanted, compare
from weighbridge.inspection.provenance.model_signature import read_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.progress import Advance, Progress
    from weighbridge.formats.dsse import Envelope
    from weighbridge.inspection.provenance.copy import Copy
    from weighbridge.inspection.provenance.keys import PublicKey
    from weighbridge.inspection.provenance.model_signature import SignedManifest, SignedPart
    from weighbridge.inspection.provenance.trust import Signer, Trust

__all__ = ["Outcome", "verify_envelope", "verify_model"]

_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a signature: `signer` is who signed, as far as it is known; `covered` counts the signed files.

    `ignored` are the names that the signature does not speak of.
    """

    outcome: Literal["valid", "invalid", "not checked"]
    reason: str
    signer: str = ""
    differences: tuple[Difference, ...] = ()
    covered: int = 0
    ignored: tuple[str, ...] = ()


def verify_envelope(envelope: Envelope, trust: Trust) -> Outcome:
    """Verify an envelope's signature alone; the payload says nothing before that."""
    if not envelope.signatures:
        return Outcome("invalid", "it is not signed")
    key = trust.key or _key_of_certificate(envelope, trust)
    if isinstance(key, Outcome):
        return key
    signer = f"{key.name} (SHA-256 {key.fingerprint})"
    if _is_signed_by(envelope, key):
        return Outcome("valid", f"signed by {signer}", signer)
    other = " and names another key" if envelope.key_hint and envelope.key_hint != key.hint else ""
    return Outcome("invalid", f"it is not signed by {signer}{other}")


def _key_of_certificate(envelope: Envelope, trust: Trust) -> PublicKey | Outcome:
    """Return the key of the certificate in an envelope where a trusted one stands behind it, else what came of it."""
    if not trust.certificates:
        return Outcome("not checked", _what_is_needed(envelope), _claimed(envelope))
    if not envelope.certificates:
        return Outcome("not checked", "it carries no certificate: it was signed with a key, give that with `--key`")
    if envelope.is_logged:
        return Outcome("not checked", _SIGSTORE)
    from weighbridge.inspection.provenance.chain import ChainBroken, signer_of

    try:
        return signer_of(envelope.certificates, trust.certificates)
    except (ChainBroken, UsageError) as error:
        return Outcome("invalid", str(error))


def verify_model(copy: Copy, place: Path, trust: Trust, progress: Progress) -> Outcome:
    """Verify the model signature in the file `place` over a copy; raises DamagedFile where it is no signature."""
    data = read_small(place, MAX_BYTES)
    envelope = parse_envelope(data, place)
    found = _by_sigstore(data, envelope, trust.signer) if trust.signer else verify_envelope(envelope, trust)
    if found.outcome != "valid":
        return found
    if envelope.payload_type != IN_TOTO:
        return Outcome("invalid", f"it signs {quote(envelope.payload_type)}, not a model", found.signer)
    manifest = read_manifest(envelope.payload, place)
    if manifest.algorithm == "blake3":
        return Outcome("not checked", "its digests are BLAKE3, which is not computed here", found.signer)
    ignored = manifest.ignored | _own_name(copy, place)
    differences = _differences(copy, manifest, ignored, progress)
    files = len({part.path for part in manifest.parts})
    left = tuple(sorted(name for name in copy.files if Expected("", {}, ignored).ignores(name)))
    if differences:
        reason = f"{found.reason}, and this copy is not what was signed"
        return Outcome("invalid", reason, found.signer, tuple(differences), files, left)
    return Outcome("valid", found.reason, found.signer, (), files, left)


def _by_sigstore(data: bytes, envelope: Envelope, signer: Signer) -> Outcome:
    """Verify that an identity signed, and that what it signed is the payload that is read here."""
    if not envelope.is_logged:
        return Outcome("not checked", f"it is no Sigstore identity: {_what_is_needed(envelope)}", _claimed(envelope))
    from weighbridge.inspection.provenance.sigstore_identity import Refused, signed_payload

    said = f"{signer.name} (vouched for by {signer.issuer})"
    payload = signed_payload(data, signer)
    if isinstance(payload, Refused):
        return Outcome("invalid", f"it is not shown that {said} signed it: {payload.reason}")
    if payload != envelope.payload:
        return Outcome("invalid", "what was signed is not the payload that it carries")
    return Outcome("valid", f"signed by {said}", said)


_SIGSTORE = "it is a Sigstore identity: say who must have signed with `--identity NAME --issuer URL`"


def _what_is_needed(envelope: Envelope) -> str:
    """Say what would verify an envelope."""
    if envelope.is_logged:
        return _SIGSTORE
    if envelope.certificates:
        return "give the certificates that you trust with `--certificates`"
    return "give the signer's public key with `--key`"


def _claimed(envelope: Envelope) -> str:
    """Return who an envelope says that signed it; nothing of it is proven."""
    return f"claims the key {quote(envelope.key_hint)}" if envelope.key_hint else ""


def _is_signed_by(envelope: Envelope, key: PublicKey) -> bool:
    """Whether one of the signatures is the key's, over DSSE's encoding or over that of model-signing before 1.0."""
    message = pae(envelope.payload_type, envelope.payload)
    if any(key.verifies(one.value, message) for one in envelope.signatures):
        return True
    # model-signing 0.2 signed Python's own spelling of the bytes, and with certificates always with SHA-256
    kind, payload = IN_TOTO, envelope.payload
    old = f"DSSEV1 {len(kind)} {kind} {len(payload)} {payload!r}".encode()
    return any(key.verifies(one.value, old) or key.verifies_with_sha256(one.value, old) for one in envelope.signatures)


def _own_name(copy: Copy, place: Path) -> frozenset[str]:
    """Return the name of the signature file within the copy, where it lies there."""
    real = str(place.resolve())
    return frozenset(name for name, path in copy.files.items() if path == real)


def _differences(copy: Copy, manifest: SignedManifest, ignored: frozenset[str], progress: Progress) -> list[Difference]:
    """Return how a copy differs from what was signed."""
    by_path: dict[str, list[SignedPart]] = defaultdict(list)
    for part in manifest.parts:
        by_path[part.path].append(part)
    if manifest.shard_bytes is None and manifest.algorithm == "sha256":
        files = {path: Wanted(sha256=parts[0].digest) for path, parts in by_path.items()}
        return compare(copy, Expected("the signature", files, ignored), progress)
    expected = Expected("the signature", dict.fromkeys(by_path, Wanted()), ignored)
    return sorted(_by_parts(copy, manifest, by_path, expected, progress))


def _by_parts(
    copy: Copy, manifest: SignedManifest, by_path: dict[str, list[SignedPart]], expected: Expected, progress: Progress
) -> Iterator[Difference]:
    """Yield differences where shards, or other digests than SHA-256 of whole files, were signed."""
    step = manifest.shard_bytes
    here = {name: path for name, path in copy.files.items() if not expected.ignores(name)}
    for name, path in here.items():
        if name not in by_path and (step is None or Path(path).stat().st_size):  # an empty file has no shards
            yield Difference(name, "extra")
    for name in by_path.keys() - here.keys():
        if not expected.ignores(name):
            yield Difference(name, "unread", copy.left[name]) if name in copy.left else Difference(name, "missing")
    yield from (Difference(name, "extra", reason) for name, reason in copy.left.items() if name not in by_path)
    common = sorted(by_path.keys() & here.keys())
    total_bytes = sum(Path(here[name]).stat().st_size for name in common)
    with progress(f"hashing {len(common)} files", total_bytes, "bytes") as advance:
        for name in common:
            try:
                detail = _part_that_differs(here[name], by_path[name], manifest, advance)
            except OSError as error:
                yield Difference(name, "unread", f"cannot be read: {error.strerror}")
                continue
            if detail:
                yield Difference(name, "changed", detail)


def _part_that_differs(path: str, parts: list[SignedPart], manifest: SignedManifest, advance: Advance) -> str:
    """Return the first part of a file that is not as signed, "" where all are."""
    size = Path(path).stat().st_size
    step = manifest.shard_bytes or max(1, size)
    if manifest.shard_bytes is not None and _cuts(parts) != _expected_cuts(size, step, len(parts)):
        return f"{size} bytes do not fall into the signed shards"
    with open_regular(path) as file:
        for part in sorted(parts, key=lambda one: one.start):
            end = size if part.end is None else part.end
            sha = hashlib.new(manifest.algorithm)
            left = end - part.start
            while left > 0 and (chunk := file.read(min(left, _BUFFER_BYTES))):
                sha.update(chunk)
                left -= len(chunk)
                advance(len(chunk))
            if left or sha.hexdigest() != part.digest:
                return f"bytes {part.start} to {end} have another digest"
    return ""


def _cuts(parts: list[SignedPart]) -> list[tuple[int, int | None]]:
    """Return where the shards of a file begin and end, in order."""
    return sorted((part.start, part.end) for part in parts)


def _expected_cuts(size: int, step: int, count: int) -> list[tuple[int, int | None]]:
    """Return how a file of `size` bytes falls into shards; one too many is enough to differ from `count`."""
    starts = range(0, size, step)[: count + 1]
    return [(start, min(start + step, size)) for start in starts]
