"""Files that do nothing by being read: texts and images; and programs, which do all when they are started."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from weighbridge.core.finding import Confidence, Effect, Severity
from weighbridge.errors import DamagedFile
from weighbridge.formats.magic import is_text
from weighbridge.formats.pickles.values import Name
from weighbridge.formats.place import quote
from weighbridge.inspection.code.source import read_source
from weighbridge.inspection.safety import read_graphs, read_keras
from weighbridge.inspection.safety.names import judge_name

if TYPE_CHECKING:
    from weighbridge.inspection.safety.report import FilePart, Report

__all__ = ["CHECK", "CONFIG_CHECK", "MEMBER_CHECK", "PATH_CHECK", "read", "read_program"]

CHECK = "plain-files"
CONFIG_CHECK = "archived-config"
MEMBER_CHECK = "archived-code"
PATH_CHECK = "path-files"
_TEXTS = frozenset({"text", "markdown", "toml", "json", "yaml"})
_MOST_READ = 32 << 20
_MOST_LINES = 100_000
_TARGET = re.compile(rb"""["']?_target_["']?\s*:\s*["']?([\w.]{1,300})""")
_TAG = re.compile(rb"!!python/(?:object|name|module)[/\w]*:([\w.]{1,200})")


def read(part: FilePart, report: Report) -> None:
    """Read a text or an image; a text must be text to its end, and a configuration in an archive is judged."""
    if part.format not in _TEXTS:
        report.read(CHECK)
        return
    data = part.source.read(0, _MOST_READ)
    if part.name.lower().endswith(".pth"):
        _path_file(part, data, report)
    if part.name.lower().endswith(".pbtxt"):
        read_graphs.read_text(part, data, report)
    if b'"class_name"' in data:
        read_keras.read_config(part, data, report)
    if part.depth:
        _config(part, data, report)
    elif part.source.size <= _MOST_READ and is_text(data):
        report.read(CHECK)


def read_program(part: FilePart, report: Report) -> None:
    """Report a program inside an archive; one that lies open is another check's."""
    if part.depth:
        message = f"is a program ({part.format}) inside the archive"
        report.note(MEMBER_CHECK, message, Effect.ASKS_TRUST, Severity.HIGH, part=part)
        report.read(MEMBER_CHECK, settles=False)


def _path_file(part: FilePart, data: bytes, report: Report) -> None:
    """Report the lines of a path file that Python runs: `site.addpackage` executes those that begin with `import`."""
    text = data.decode("utf-8-sig", "replace")
    for number, line in enumerate(text.splitlines()[:_MOST_LINES], 1):
        if not line.startswith(("import ", "import\t")):
            continue
        try:
            actions = [one for one in read_source(line).actions if one.at_import]
        except DamagedFile:
            actions = []
        does = f": it {actions[0].what} ({quote(actions[0].name)})" if actions else ""
        message = f"is a path file whose line {number} Python runs at every start where it is installed{does}"
        effect, severity = (Effect.RUNS_CODE, Severity.CRITICAL) if actions else (Effect.ASKS_TRUST, Severity.HIGH)
        report.note(PATH_CHECK, message, effect, severity, part=part)
    report.read(PATH_CHECK, settles=False)


def _config(part: FilePart, data: bytes, report: Report) -> None:
    """Judge what a configuration inside an archive asks Hydra or YAML to make (NeMo: CVE-2025-23304)."""
    targets = {found[1].decode() for found in _TARGET.finditer(data)}
    for target in sorted(targets):
        module, _, name = target.rpartition(".")
        standing = judge_name(Name(module or "builtins", name))
        severity = standing.severity if standing.effect is Effect.RUNS_CODE else Severity.MEDIUM
        message = f"asks Hydra to call {quote(target)}"
        if standing.effect is not None:
            report.note(CONFIG_CHECK, message, standing.effect, severity, part=part, confidence=Confidence.HIGH)
    for found in _TAG.finditer(data):
        message = f"holds the YAML tag {quote(found[0].decode())}, which an unsafe loader calls"
        report.note(CONFIG_CHECK, message, Effect.RUNS_CODE, Severity.HIGH, part=part)
    if targets or part.format == "yaml":
        report.read(CONFIG_CHECK, settles=False)
