"""Inspect where a copy says it comes from, and keep the texts that a bill of materials carries (provenance/v1)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import LicenceTextBody, ProvenanceV1, SignatureBody, TemplateBody
from weighbridge.errors import DamagedFile
from weighbridge.formats.bounded_file import read_small
from weighbridge.formats.card import read_front_matter
from weighbridge.formats.dsse import MAX_BYTES, parse_envelope
from weighbridge.formats.place import quote
from weighbridge.formats.strict_json import parse_json
from weighbridge.inspection.folder import Folder
from weighbridge.inspection.provenance.model_signature import is_model_signature, read_manifest
from weighbridge.inspection.provenance.origin import origin_of
from weighbridge.inspection.templates.sources import read_sources

if TYPE_CHECKING:
    from datetime import date

    from weighbridge.core.artefact import Artefact

__all__ = ["inspect_provenance"]

_KIND = "provenance/v1"
_README = "README.md"
_MAX_LICENCE_BYTES = 256 << 10  # the longest of 79 licence texts read has 34 kB
_MOST_LICENCES, _MOST_SIGNATURES, _MOST_TEMPLATES, _MOST_DATASETS, _LONGEST = 32, 8, 64, 1000, 500
_SIGNATURES = (".sig", ".sigstore", ".sigstore.json", ".intoto.jsonl")


def inspect_provenance(artefact: Artefact, made_on: date) -> Evidence:
    """State origin, declared data, templates, licence texts and signatures of an artefact (provenance/v1)."""
    folder, notes = Folder(artefact), list[str]()
    origin, front = origin_of(artefact), _front(folder, notes)
    task, said = front.get("pipeline_tag"), front.get("datasets")
    names = said if isinstance(said, list) else [said]
    body = ProvenanceV1(
        hub=origin.hub,
        repository=origin.repository,
        commit=origin.commit,
        task=task[:_LONGEST] if isinstance(task, str) else None,
        datasets=[name[:_LONGEST] for name in names[:_MOST_DATASETS] if isinstance(name, str) and name],
        templates=_templates(folder),
        licence_texts=[_licence(folder, name) for name in folder.licence_files()[:_MOST_LICENCES]],
        signatures=[_signature(folder, name) for name in folder.names if name.endswith(_SIGNATURES)][:_MOST_SIGNATURES],
        notes=notes,
    )
    return Evidence(artefact.digest, _KIND, body.model_dump(mode="json"), (), OURS, made_on)


def _front(folder: Folder, notes: list[str]) -> dict[str, Any]:
    """Return the front matter of the model card, empty where there is none that can be read."""
    if _README not in folder or not folder.is_readable(_README):
        return {}
    try:
        return dict(read_front_matter(folder.path(_README)) or {})
    except DamagedFile as error:
        notes.append(folder.say(error))
        return {}


def _templates(folder: Folder) -> list[TemplateBody]:
    """Name each chat template by the digest of its text."""
    return [
        TemplateBody(
            place=one.place,
            name=one.name[:_LONGEST],
            characters=len(one.text),
            sha256=hashlib.sha256(one.text.encode("utf-8", "surrogatepass")).hexdigest(),
        )
        for one in read_sources(folder).templates[:_MOST_TEMPLATES]
    ]


def _licence(folder: Folder, name: str) -> LicenceTextBody:
    """Return the text of a licence file; it stays None for what is no UTF-8, too long or not here."""
    try:
        text = read_small(folder.path(name), _MAX_LICENCE_BYTES).decode("utf-8") if folder.is_readable(name) else None
    except (DamagedFile, UnicodeDecodeError):
        text = None
    return LicenceTextBody(place=name, text=text)


def _signature(folder: Folder, name: str) -> SignatureBody:
    """Say what a signature file claims; one that cannot be read is named all the same."""
    try:
        data = read_small(folder.path(name), MAX_BYTES)
        envelope = parse_envelope(data.partition(b"\n")[0] if name.endswith("jsonl") else data, name)
        statement = parse_json(envelope.payload, name, max_bytes=MAX_BYTES)
        files = len({part.path for part in read_manifest(envelope.payload, name).parts})
    except DamagedFile:
        return SignatureBody(place=name, signs="cannot be read")
    signer = f"key {quote(envelope.key_hint)}" if envelope.key_hint else "a key"
    if envelope.certificates:
        signer = "a certificate"
    if envelope.is_logged:
        signer = "a Sigstore identity"
    kind = statement["predicateType"] if is_model_signature(statement) else "another thing"
    return SignatureBody(place=name, signs=kind, signer=signer, files=files)
