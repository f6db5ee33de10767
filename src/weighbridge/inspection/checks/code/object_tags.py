"""A settings file names objects for its reader to make: tags, targets, lambdas.

What it finds: in YAML `!!python/...` tags and other tags that make objects, and aliases that unfold without end; in
YAML and JSON Hydra's `_target_` (CVE-2025-23304 in NeMo), OmegaConf resolvers that evaluate, jsonpickle's
`py/object` and `py/reduce`, and Keras layers that hold code (`Lambda` with marshalled bytes; classes of a module that
is not Keras, CVE-2025-1550).

Why it matters: the reader that understands these marks imports the named module and calls what it finds there, before
any weight is read.

What to do: read such files with `yaml.safe_load`, `safe_mode=True` and a list of allowed targets; or write the settings
anew without the marks.

Works offline: yes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.finding import Effect, Finding, Looked, Severity
from weighbridge.errors import DamagedFile
from weighbridge.formats.bounded_file import read_small
from weighbridge.formats.place import quote
from weighbridge.inspection.code.objects import in_json, in_yaml
from weighbridge.inspection.folder import Folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.artefact import Artefact

__all__ = ["object_tags"]

LOOKS_AT = "YAML and JSON settings: objects that they name"
_CHECK = "object-tags"
_MAX_BYTES = 4 << 20
_YAML = (".yaml", ".yml")
_WEIGHT = {
    "runs": (Severity.CRITICAL, Effect.RUNS_CODE),
    "asks": (Severity.HIGH, Effect.ASKS_TRUST),
    "odd": (Severity.MEDIUM, Effect.UNKNOWN),
    "note": (Severity.LOW, None),
}  # fmt: skip


def object_tags(artefact: Artefact) -> Iterator[Finding | Looked]:
    """Find settings that make their reader import or call something."""
    folder = Folder(artefact)
    for name in folder.names:
        lower = name.lower()
        if not lower.endswith((*_YAML, ".json")) or not folder.is_readable(name) or not folder.has_own_bytes(name):
            continue
        try:
            data = read_small(folder.path(name), _MAX_BYTES)
        except DamagedFile:
            continue  # a vocabulary of tens of MB: no settings; whoever reads it says that it was not looked at here
        try:
            found = in_yaml(data) if lower.endswith(_YAML) else in_json(data, name)
        except DamagedFile as error:
            if lower.endswith(_YAML):
                message = f"it is not known which objects it names: {folder.say(error).removeprefix(quote(name))}"
                yield Finding(_CHECK, Severity.MEDIUM, name, message, effect=Effect.UNKNOWN)
            continue
        for weight, message in dict.fromkeys(found):
            severity, effect = _WEIGHT[weight]
            yield Finding(_CHECK, severity, name, message, effect=effect)
        yield Looked(_CHECK, name, settles=False)
