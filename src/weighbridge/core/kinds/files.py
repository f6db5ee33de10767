"""What the files of an artefact say of themselves: files and findings, and the card's declarations."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from weighbridge.core.kinds.body import Body

__all__ = ["CardV1", "FileBody", "FilesV1", "FindingBody", "LeftAloneBody", "SeverityCounts"]


class FileBody(Body):
    """One file of the artefact."""

    name: str
    size: int = Field(ge=0, description="Bytes")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class LeftAloneBody(Body):
    """A file that was seen and not inspected."""

    name: str
    reason: str


class FindingBody(Body):
    """One thing that a file check found."""

    check: str = Field(description="Id of the check: `weighbridge explain CHECK`")
    severity: Literal["low", "medium", "high", "critical"]
    confidence: Literal["low", "medium", "high"]
    place: str
    message: str


class SeverityCounts(Body):
    """How many findings of each severity."""

    low: int = 0
    medium: int = 0
    high: int = 0
    critical: int = 0
    total: int = 0


class FilesV1(Body):
    """Every file of the artefact with size and digest, and what the file checks found."""

    name: str
    reference: str = Field(description="What was typed to name the model")
    total_bytes: int = Field(ge=0, description="Bytes of all files together")
    count: int = Field(ge=0, description="Number of files")
    files: list[FileBody]
    left_alone: list[LeftAloneBody] = Field(default_factory=list, description="Seen and not inspected, with the reason")
    checks: list[str] = Field(default_factory=list, description="Ids of the checks that ran")
    findings: list[FindingBody] = Field(default_factory=list)
    findings_by_severity: SeverityCounts = Field(
        default_factory=SeverityCounts, description="Findings counted: `.high`, `.total` ..."
    )


class CardV1(Body):
    """What the model card declares. A declaration, not a fact: a licence tag is never the licence."""

    source: str = Field(description="Where the declarations were read")
    licence: str | None = Field(default=None, description="Licence tag, as declared, in lower case")
    licence_name: str | None = None
    licence_link: str | None = None
    licence_files: list[str] = Field(
        default_factory=list, description="Licence files present; `licence/v1` says what they are"
    )
    base_models: list[str] = Field(default_factory=list, description="Declared base models")
    languages: list[str] = Field(default_factory=list)
    tags: list[str] = Field(default_factory=list)
    library: str | None = None
    notes: list[str] = Field(default_factory=list)
