"""What the pass over one file says: notes of checks, and which checks read it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from weighbridge.core.finding import Confidence, Effect, Finding, Looked, Severity
from weighbridge.formats.archives.packed import Allowance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from weighbridge.formats.source import Source

__all__ = ["FilePart", "Report"]

_MOST_NOTES = 40  # of one check in one file


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file, or something inside it: `inside` is the way to it, empty for the file itself; `depth` counts archives."""

    name: str
    source: Source
    format: str
    inside: str = ""
    depth: int = 0


@dataclass(slots=True)
class Report:
    """Collects what is said of one file; `look` is what reads a part, so that readers of archives can read inside."""

    place: str
    allowance: Allowance = field(default_factory=Allowance)
    findings: list[Finding] = field(default_factory=list)
    looked: dict[str, bool] = field(default_factory=dict)
    look: Callable[[FilePart, Report], None] | None = None
    _counts: dict[tuple[str, Effect | None], int] = field(default_factory=dict)

    def note(
        self,
        check: str,
        message: str,
        effect: Effect | None,
        severity: Severity = Severity.HIGH,
        *,
        part: FilePart | None = None,
        confidence: Confidence = Confidence.HIGH,
    ) -> None:
        """Add a finding; `part` says where inside the file."""
        key = (check, effect)
        self._counts[key] = self._counts.get(key, 0) + 1
        if self._counts[key] <= _MOST_NOTES:
            where = f"{part.inside}: " if part is not None and part.inside else ""
            self.findings.append(Finding(check, severity, self.place, f"{where}{message}", confidence, effect))

    def enter(self, part: FilePart) -> None:
        """Read something inside, by its own format."""
        if self.look is not None:
            self.look(part, self)

    def read(self, check: str, *, settles: bool = True) -> None:
        """Say that a check could read what it reads here; a part that was not read speaks as a finding."""
        self.looked[check] = self.looked.get(check, False) or settles

    def said(self) -> Iterator[Finding | Looked]:
        """Yield all that was said of this file."""
        yield from self.findings
        for check, settles in self.looked.items():
            yield Looked(check, self.place, settles)
