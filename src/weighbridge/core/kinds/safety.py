"""What loading the files of an artefact does: a verdict for each, and which check looked at how many."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from weighbridge.core.kinds.body import Body

__all__ = ["CheckedBody", "FileSafetyBody", "SafetyFindingBody", "SafetyV1", "SafetyVerdict", "VerdictCounts"]

SafetyVerdict = Literal["runs code on load", "asks for trust", "breaks the format", "unknown", "nothing found"]


class SafetyFindingBody(Body):
    """One finding that bears on what loading the file does."""

    check: str = Field(description="Id of the check: `weighbridge explain CHECK`")
    severity: Literal["low", "medium", "high", "critical"]
    confidence: Literal["low", "medium", "high"]
    effect: Literal["runs-code", "asks-trust", "breaks-format", "unknown"]
    place: str
    message: str


class FileSafetyBody(Body):
    """One file: the worst that was found in it; "unknown" where no check could read its format to the end."""

    path: str
    verdict: SafetyVerdict
    format: str = Field(description="By its bytes, whatever the name; a kind of text by its name")
    findings: list[SafetyFindingBody] = Field(default_factory=list)


class CheckedBody(Body):
    """One check that says which files it reads."""

    check: str
    looks_at: str | None = Field(default=None, description="What it reads")
    looked: int = Field(ge=0, description="Files that it could read; with 0 it could never have found anything")
    found: int | None = Field(ge=0, description="Findings; None, shown as `-`, where it looked at no file")


class VerdictCounts(Body):
    """How many files have each verdict."""

    runs_code: int = 0
    asks_trust: int = 0
    breaks_format: int = 0
    unknown: int = 0
    nothing_found: int = 0


class SafetyV1(Body):
    """What loading the files does, judged from their bytes; nothing was loaded. A file that was not read is unknown."""

    verdict: SafetyVerdict = Field(description="The worst of all files")
    counts: VerdictCounts = Field(description="Files by verdict: `.runs_code`, `.unknown` ...")
    files: list[FileSafetyBody]
    checks: list[CheckedBody] = Field(default_factory=list)
