"""Python comes with the weights: what it does when it is imported, and what it can do.

What it finds: every `.py` file and notebook, parsed and never imported: what runs on import alone (programs, text as
code, machine code, pickles, connections, changes of files), in class bodies, decorators, defaults and metaclasses,
through its own functions, aliases, `getattr` and assembled names too; what its functions can do when they are called;
where it sets `trust_remote_code` to true, so that code of yet another place is loaded; data decoded before it is run;
an installer with commands of its own; characters that show a reviewer other code than Python sees. Mere definitions
are said in one line.

Why it matters: a loader that is told to trust remote code imports these files with all rights of the person who loads
the model. Importing is enough: no function has to be called.

What to do: read the named lines. Prefer a version of the model that the library itself supports; otherwise keep a
reviewed copy of the code beside the weights, and load it in a sandbox.

Works offline: yes. Code can hide from any reader of syntax: no finding means that nothing of the known kind is there.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from weighbridge.core.finding import Confidence, Effect, Finding, Looked, Severity
from weighbridge.errors import DamagedFile
from weighbridge.formats.bounded_file import read_small
from weighbridge.formats.place import quote
from weighbridge.inspection.code.notebook import cells_of
from weighbridge.inspection.code.source import MAX_CHARACTERS, TRUSTS, Action, Source, read_source
from weighbridge.inspection.folder import Folder
from weighbridge.inspection.templates.hidden import hidden_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from weighbridge.core.artefact import Artefact

__all__ = ["python_code"]

LOOKS_AT = "Python files and notebooks: what they do"
_CHECK = "python-code"
_SUFFIXES = (".py", ".pyw", ".ipynb")
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_MOST_NAMED = 3
_GRAVE = frozenset({"runs programs", "runs text as code", "loads machine code", "reads secrets", "hooks into Python"})
_LIGHT = frozenset({"changes files", "decodes hidden data", "opens connections", "loads pickles"})  # in a function


def python_code(artefact: Artefact) -> Iterator[Finding | Looked]:
    """Find what shipped Python does on import, and what it can do later."""
    folder = Folder(artefact)
    for name in folder.names:
        if not name.lower().endswith(_SUFFIXES) or not folder.has_own_bytes(name):
            continue
        try:
            text = _text(folder, name)
            yield from _of(name, text)
        except DamagedFile as error:
            message = f"it is not known what this Python does: {folder.say(error)}"
            yield Finding(_CHECK, Severity.HIGH, name, message, Confidence.MEDIUM, Effect.UNKNOWN)
            continue
        yield Looked(_CHECK, name)


def _text(folder: Folder, name: str) -> str:
    data = read_small(folder.path(name), 4 * MAX_CHARACTERS)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DamagedFile(f"{quote(name)} is not UTF-8 at byte {error.start}") from error
    if data.startswith(_LFS_POINTER):
        return ""  # `unread-code` says that the file is not here
    return cells_of(name, data) if name.lower().endswith(".ipynb") else text


def _of(name: str, text: str) -> Iterator[Finding]:
    source = read_source(text)
    if not source.is_code and not source.hides:
        return
    now = [one for one in source.actions if one.at_import]
    later = [one for one in source.actions if not one.at_import]
    decodes = any(one.what == "decodes hidden data" for one in now)
    for now_or_later, group in (("imported", now), ("called", later)):
        if trusting := [one for one in group if one.what == TRUSTS]:
            severity = Severity.HIGH if now_or_later == "imported" else Severity.MEDIUM
            message = (
                f"sets `trust_remote_code` to true when it is {now_or_later}, so that other code is loaded in turn"
            )
            yield _finding(name, severity, f"{message}: {_named(trusting)}")
    for what, group in _groups(now):
        is_light = what in {"decodes hidden data", "changes files"}
        severity = Severity.MEDIUM if is_light else Severity.CRITICAL
        after = ", after it decoded hidden data" if decodes and what == "runs text as code" else ""
        yield _finding(name, severity, f"{what} when it is imported{after}: {_named(group)}")
    for what, group in _groups(later):
        severity = Severity.HIGH if what in _GRAVE else Severity.MEDIUM if what in _LIGHT else Severity.LOW
        yield _finding(name, severity, f"{what} when it is called: {_named(group)}")
    for what in source.hides:
        severity = Severity.HIGH if source.actions else Severity.MEDIUM
        yield _finding(name, severity, f"hides what it does: it {what}")
    for hidden in hidden_in(text):
        if "direction" in hidden.what or "tag characters" in hidden.what:
            yield _finding(name, Severity.HIGH, f"holds {hidden.count} {hidden.what}, first at line {hidden.line}")
    if PurePosixPath(name).name == "setup.py" and "cmdclass" in text:
        yield _finding(name, Severity.HIGH, "is an installer with commands of its own (`cmdclass`)")
    yield _summary(name, source)


def _groups(actions: Sequence[Action]) -> Iterator[tuple[str, list[Action]]]:
    for what in dict.fromkeys(one.what for one in actions if one.what != TRUSTS):
        yield what, [one for one in actions if one.what == what]


def _named(group: Sequence[Action]) -> str:
    shown = ", ".join(f"{quote(one.name)} at line {one.line}" for one in group[:_MOST_NAMED])
    return shown + (f" and {len(group) - _MOST_NAMED} more" if len(group) > _MOST_NAMED else "")


def _summary(name: str, source: Source) -> Finding:
    """Say that there is code at all: whoever loads it trusts it, whatever was found."""
    packages = sorted({module.partition(".")[0] for module in source.imports} - {""})
    shown = ", ".join(quote(package) for package in packages[:8]) + (" ..." if len(packages) > 8 else "")  # noqa: PLR2004
    message = f"is Python that a loader may import{f'; it imports {shown}' if shown else ''}"
    return _finding(name, Severity.MEDIUM, message)


def _finding(name: str, severity: Severity, message: str) -> Finding:
    return Finding(_CHECK, severity, name, message, effect=Effect.ASKS_TRUST)
