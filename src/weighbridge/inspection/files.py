"""Inspect the files: what is there, with which digest, and what the checks find."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge import __version__, plugin
from weighbridge.core.evidence import Evidence, Producer
from weighbridge.core.finding import Finding, Severity
from weighbridge.core.kinds import FileBody, FilesV1, FindingBody, LeftAloneBody, SeverityCounts
from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from datetime import date

    from weighbridge.core.artefact import Artefact

__all__ = ["inspect_files"]

_KIND = "files/v1"


def inspect_files(artefact: Artefact, made_on: date) -> Evidence:
    """Run every registered check over an artefact and state its files and findings (files/v1)."""
    ran, findings = _run_checks(artefact)
    counts = {severity.value: sum(found.severity is severity for found in findings) for severity in Severity}
    body = FilesV1(
        name=artefact.name,
        reference=artefact.reference.text,
        total_bytes=artefact.total_bytes,
        count=len(artefact.files),
        files=[FileBody(name=file.name, size=file.size, sha256=file.sha256) for file in sorted(artefact.files)],
        left_alone=[LeftAloneBody(name=entry.name, reason=entry.reason) for entry in sorted(artefact.left_alone)],
        checks=ran,
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
    producer = Producer("weighbridge", __version__)
    return Evidence(artefact.digest, _KIND, body.model_dump(mode="json"), (), producer, made_on)


def _run_checks(artefact: Artefact) -> tuple[list[str], list[Finding]]:
    """Return the ids of the checks that finished, and all findings; a check that breaks is a finding itself."""
    ran: list[str] = []
    findings: list[Finding] = []
    for name in plugin.names("checks"):
        check = plugin.load("checks", name)
        try:
            findings.extend(check(artefact))
        except Exception as error:  # noqa: BLE001 - a check may be anyone's code; its failure must not read as clean
            message = f"the check broke, so its files are not looked at: {type(error).__name__}: {quote(str(error))}"
            findings.append(Finding(name, Severity.MEDIUM, ".", message))
        else:
            ran.append(name)
    return ran, sorted(findings, key=lambda found: (found.check, found.place, found.message))
