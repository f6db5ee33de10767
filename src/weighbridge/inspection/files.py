"""Inspect the files: what is there, with which digest, and what the checks find."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.finding import Severity
from weighbridge.core.kinds import FileBody, FilesV1, FindingBody, LeftAloneBody, SeverityCounts
from weighbridge.inspection.folder import Folder
from weighbridge.inspection.safety.run import Ran, run_checks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.finding import Finding
    from weighbridge.core.shadow import Shadow

__all__ = ["inspect_files"]

_KIND = "files/v1"
_MOST_UNREAD = 200  # names; the rest is counted
_KNOWN_SUFFIXES = frozenset({
    ".gguf", ".safetensors", ".json", ".jsonl", ".yaml", ".yml", ".toml", ".jinja", ".model", ".vocab", ".tiktoken",
    ".bpe", ".txt", ".md", ".rst", ".csv", ".tsv", ".html", ".pdf", ".png", ".jpg", ".jpeg", ".gif", ".webp",
    ".svg", ".cff",
})  # fmt: skip
_KNOWN_NAMES = frozenset({".gitattributes", ".gitignore", "readme", "citation", "authors", "changelog"})


def inspect_files(artefact: Artefact, made_on: date, ran: Ran | None = None) -> Evidence:
    """State the files of an artefact and what the checks find (files/v1); they are run where `ran` is not given."""
    folder = Folder(artefact)
    ran = ran or run_checks(artefact, folder)
    findings = ran.findings
    counts = {severity.value: sum(found.severity is severity for found in findings) for severity in Severity}
    body = FilesV1(
        name=artefact.name,
        reference=artefact.reference.text,
        total_bytes=artefact.total_bytes,
        count=len(artefact.files),
        files=[FileBody(name=file.name, size=file.size, sha256=file.sha256) for file in sorted(artefact.files)],
        left_alone=_left_alone(artefact, folder, findings),
        checks=ran.checks,
        findings=[
            FindingBody(
                check=found.check,
                severity=found.severity.value,
                confidence=found.confidence.value,
                place=found.place,
                message=found.message,
            )
            for found in findings
        ],
        findings_by_severity=SeverityCounts(**counts, total=len(findings)),
    )
    return Evidence(artefact.digest, _KIND, body.model_dump(mode="json"), (), OURS, made_on)


def _left_alone(artefact: Artefact, folder: Folder, findings: list[Finding]) -> list[LeftAloneBody]:
    """List what was seen and not inspected: what the hub left alone, then files of a kind that nothing here reads."""
    entries = [LeftAloneBody(name=entry.name, reason=entry.reason) for entry in sorted(artefact.left_alone)]
    known = {found.place for found in findings}.union(folder.licence_files())
    unread = [name for name in folder.names if name not in known and not _is_known(name)]
    remote = artefact.shadow.unread if artefact.shadow else ()
    entries += _listed(
        [name for name in unread if folder.is_readable(name)],
        "no check reads this kind of file",
        "of a kind that no check reads",
    )
    if artefact.shadow:
        entries += _listed(remote, "stays on the hub: its digest is the hub's word", "that stay on the hub")
        entries += _headers_alone(artefact.shadow)
    return entries


def _listed(names: Sequence[str], reason: str, kind: str) -> list[LeftAloneBody]:
    """List the first of some files with one reason, and count the rest."""
    entries = [LeftAloneBody(name=name, reason=reason) for name in names[:_MOST_UNREAD]]
    if len(names) > _MOST_UNREAD:
        entries.append(LeftAloneBody(name=".", reason=f"{len(names) - _MOST_UNREAD} more files {kind}"))
    return entries


def _headers_alone(shadow: Shadow) -> list[LeftAloneBody]:
    """Say of how many weight files how much was read; their digests were not computed here."""
    tables = sum(file.is_table_read for file in shadow.weights)
    told = sum(file.source == "hub" for file in shadow.weights)
    by_hub = f", {told} of these in the hub's copy" if told else ""
    reason = (
        f"of {len(shadow.weights)} weight files on the hub {tables} tensor tables were read{by_hub}, and no weights; "
        "their digests are the hub's word"
    )
    return [LeftAloneBody(name=".", reason=reason)] if shadow.weights else []


def _is_known(name: str) -> bool:
    """Whether a name is that of weights, settings, a tokenizer, text or an image; its bytes are for the checks."""
    path = PurePosixPath(name.lower())
    return path.suffix in _KNOWN_SUFFIXES or path.name in _KNOWN_NAMES
