"""What the names of an archive's members say: code that travels with the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.finding import Effect, Severity
from weighbridge.formats.place import quote
from weighbridge.inspection.safety.read_plain import MEMBER_CHECK

if TYPE_CHECKING:
    from weighbridge.formats.archives.member import Archive
    from weighbridge.inspection.safety.report import FilePart, Report

__all__ = ["read"]

_CODE = (".py", ".pyc", ".pyd", ".so", ".dll", ".dylib", ".sh", ".exe")
_MOST_NAMED = 3


def read(part: FilePart, archive: Archive, report: Report) -> None:
    """Report Python and libraries among the members; TorchScript's own code is no Python, and runs in its machine."""
    names = [member.name for member in archive.members]
    is_torchscript = any(name.endswith("constants.pkl") for name in names)
    code = [
        name for name in names
        if name.lower().endswith(_CODE) and not (is_torchscript and "/code/" in f"/{name}")
    ]  # fmt: skip
    if code:
        shown = ", ".join(quote(name) for name in code[:_MOST_NAMED]) + (" ..." if len(code) > _MOST_NAMED else "")
        message = f"holds code that a loader may run: {shown}"
        report.note(MEMBER_CHECK, message, Effect.ASKS_TRUST, Severity.MEDIUM, part=part)
    report.read(MEMBER_CHECK, settles=False)
