"""A list of packages to install points away from the usual index.

What it finds: in `requirements*.txt`, `environment.yml` and `pyproject.toml` packages taken from an address, a
repository or a folder, other indexes than PyPI and those of the makers of accelerators, and hosts whose certificate is
not to be checked. Packages that are merely named are no finding.

Why it matters: whoever follows the list installs what that address serves on that day, and installing runs its code.

What to do: install the packages by name and version from your own index, with hashes.

Works offline: yes; whether a named package is what it seems is not looked at.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from weighbridge.core.finding import Effect, Finding, Looked, Severity
from weighbridge.errors import DamagedFile
from weighbridge.formats.bounded_file import read_small
from weighbridge.formats.place import quote
from weighbridge.inspection.folder import Folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.artefact import Artefact

__all__ = ["requirements"]

LOOKS_AT = "lists of packages to install"
_CHECK = "requirements"
_MAX_BYTES = 1 << 20
_NAMES = re.compile(r"(?:.*[-_.])?requirements?(?:[-_.].*)?\.(?:txt|in)|environment\.ya?ml|pyproject\.toml|setup\.cfg")
_INDEX = re.compile(r"(?:-i|--(?:extra-)?index-url|--find-links|-f|index[-_]url|find[-_]links)[ =:\"']+(\S+)")
_TRUSTED = re.compile(r"--trusted-host[ =]+(\S+)")
_AWAY = re.compile(
    r"(?:^|[\s@\"'=-])((?:git|hg|svn|bzr)\+\S+|(?:https?|ftp|file)://\S+\.(?:whl|zip|tar\.\w+|tgz|git)\S*)"
)
_REACHED = re.compile(r"^\s*[\w.\[\],-]+\s*@\s*((?:https?|file)://\S+)")
_KNOWN_HOSTS = ("pypi.org", "files.pythonhosted.org", "download.pytorch.org", "pypi.nvidia.com", "pypi.ngc.nvidia.com",
                "data.pyg.org", "storage.googleapis.com/jax-releases", "wheels.vllm.ai", "flashinfer.ai")  # fmt: skip


def requirements(artefact: Artefact) -> Iterator[Finding | Looked]:
    """Find packages that would be installed from elsewhere than the usual index."""
    folder = Folder(artefact)
    for name in folder.names:
        if not _NAMES.fullmatch(PurePosixPath(name.lower()).name) or not folder.has_own_bytes(name):
            continue
        try:
            text = read_small(folder.path(name), _MAX_BYTES).decode("utf-8", "replace")
        except DamagedFile as error:
            message = f"it is not known what it would install: {folder.say(error)}"
            yield Finding(_CHECK, Severity.MEDIUM, name, message, effect=Effect.UNKNOWN)
            continue
        for number, line in enumerate(text.split("\n"), 1):
            for severity, what in _of(line.partition(" #")[0]):
                effect = None if severity is Severity.LOW else Effect.ASKS_TRUST
                yield Finding(_CHECK, severity, name, f"{what}, at line {number}", effect=effect)
        yield Looked(_CHECK, name, settles=False)


def _of(line: str) -> Iterator[tuple[Severity, str]]:
    if line.lstrip().startswith("#"):
        return
    if found := _TRUSTED.search(line):
        yield Severity.HIGH, f"would install from {quote(found[1])} without checking its certificate"
    elif found := _INDEX.search(line):
        known = found[1].startswith("https://") and any(host in found[1] for host in _KNOWN_HOSTS)
        yield (
            Severity.LOW if known else Severity.HIGH,
            f"takes packages from the index {quote(found[1].strip(chr(34)))}",
        )
    elif found := _REACHED.search(line) or _AWAY.search(line):
        plain = found[1].startswith(("http://", "git+http://", "file:", "git+file"))
        known = any(f"https://{host}" in found[1] for host in _KNOWN_HOSTS)
        severity = Severity.HIGH if plain else Severity.LOW if known else Severity.MEDIUM
        yield severity, f"would install {quote(found[1])}"
