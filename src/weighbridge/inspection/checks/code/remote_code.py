"""A configuration asks a loader for code that is not the library's own.

What it finds: in every JSON configuration `auto_map` at any depth (the classes, and whether they come from another
repository, whose revision nobody pinned), `custom_pipelines`, `trust_remote_code` set to true, components of a
pipeline (`model_index.json`) or modules of an embedding model (`modules.json`) from a Python file beside them, and a
PEFT `parent_library` that is no known library and would be imported by its name.

Why it matters: with `trust_remote_code` a loader downloads the named file and imports it with all rights of the person
who loads the model; code of another repository can change after the review.

What to do: read the named files (`python-code` says what they do), pin the revision of code (`code_revision`), or use a
version of the model that the library itself supports.

Works offline: yes.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from weighbridge.core.finding import Effect, Finding, Looked, Severity
from weighbridge.errors import DamagedFile
from weighbridge.formats.bounded_file import BoundedFile, read_small
from weighbridge.formats.place import quote
from weighbridge.formats.strict_json import parse_json
from weighbridge.inspection.folder import Folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.artefact import Artefact

__all__ = ["remote_code"]

LOOKS_AT = "JSON configurations: code that they ask for"
_CHECK = "remote-code"
_MAX_BYTES = 4 << 20
_MOST_NAMED = 3
_MARKS = (b"auto_map", b"custom_pipelines", b"trust_remote_code", b"parent_library", b"_class_name", b'"type"', b"\\u")
_LIBRARIES = frozenset({
    "diffusers", "transformers", "onnxruntime", "optimum", "peft", "torch", "tokenizers", "sentence_transformers",
    "timm", "accelerate", "flax", "stable_diffusion", "trl", "safetensors", "k_diffusion",
})  # fmt: skip


def remote_code(artefact: Artefact) -> Iterator[Finding | Looked]:
    """Find configurations that ask for code beside the library's own."""
    folder = Folder(artefact)
    alone = folder.names[0] if artefact.reference.kind == "config" and folder.names else None
    for name in folder.names:
        if not (name.lower().endswith(".json") or name == alone) or not folder.has_own_bytes(name):
            continue
        try:
            data = _settings(folder, name)
            if data is None:
                continue
            value = parse_json(data, folder.path(name), max_bytes=_MAX_BYTES, constants_as_text=True)
        except DamagedFile as error:
            if not name.lower().endswith("config.json"):  # of these `unread-code` says it
                message = f"it is not known whether it asks for code: {folder.say(error)}"
                yield Finding(_CHECK, Severity.MEDIUM, name, message, effect=Effect.UNKNOWN)
            continue
        for severity, message in dict.fromkeys(_asked(folder, name, value)):
            yield Finding(_CHECK, severity, name, message, effect=Effect.ASKS_TRUST)
        yield Looked(_CHECK, name, settles=False)


def _settings(folder: Folder, name: str) -> bytes | None:
    """Return the bytes of a settings file, whatever it is called; None for a vocabulary or an index of tensors."""
    with BoundedFile(folder.path(name)) as file:
        if file.size > _MAX_BYTES and not name.lower().endswith("config.json"):
            return None
    data = read_small(folder.path(name), _MAX_BYTES)
    return data if name.lower().endswith("config.json") or any(mark in data for mark in _MARKS) else None


def _asked(folder: Folder, name: str, value: Any) -> Iterator[tuple[Severity, str]]:
    base = PurePosixPath(name.lower()).name
    if isinstance(value, list) and value and all(isinstance(row, dict) and "type" in row for row in value):
        yield from _modules(value)
    if not isinstance(value, dict):
        return
    if "_class_name" in value and ("_diffusers_version" in value or base == "model_index.json"):
        yield from _components(value)
    for key, inner in _walk(value):
        if key == "auto_map" and inner:
            yield Severity.HIGH, _auto_map(folder, name, inner)
        elif key == "custom_pipelines" and inner:
            named = sorted({text for text in _texts(inner) if "." in text})
            yield Severity.HIGH, f"asks for a custom pipeline{_listed(named)}"
        elif key == "trust_remote_code" and inner is True:
            yield Severity.HIGH, "sets `trust_remote_code` to true: the file itself asks that its code be trusted"
        elif key == "parent_library" and isinstance(inner, str) and inner.partition(".")[0] not in _LIBRARIES:
            yield Severity.HIGH, f"names {quote(inner)} as the library of its base model, which PEFT would import"


def _walk(value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the keys and values of an object and of those in it; `parse_json` bounds the depth."""
    stack: list[Any] = [value]
    while stack:
        inner = stack.pop()
        if isinstance(inner, dict):
            yield from inner.items()
            stack.extend(inner.values())
        elif isinstance(inner, list):
            stack.extend(inner)


def _auto_map(folder: Folder, name: str, asked: Any) -> str:
    """Say which classes an `auto_map` names, from where, and which of their files are not here."""
    named = sorted(set(_texts(asked)))
    others = sorted({text.partition("--")[0] for text in named if "--" in text})
    beside = name.rpartition("/")[0]
    files = sorted({f"{text.partition('.')[0]}.py" for text in named if "--" not in text and "." in text})
    absent = [file for file in files if (f"{beside}/{file}" if beside else file) not in folder]
    message = f"asks for custom code with `auto_map`{_listed(named)}"
    if others:
        message += f"; from another repository, whose revision is not pinned: {', '.join(map(quote, others[:3]))}"
    if absent and folder.names != (name,):
        message += f"; not among these files: {', '.join(map(quote, absent[:3]))}"
    return message


def _components(value: dict[str, Any]) -> Iterator[tuple[Severity, str]]:
    """Yield the components of a diffusers pipeline that come from a file, and a pipeline class that does."""
    for key, inner in value.items():
        pair = inner if isinstance(inner, list) and len(inner) == 2 else []  # noqa: PLR2004 - library and class
        library = pair[0] if pair and isinstance(pair[0], str) else None
        if library and library.partition(".")[0] not in _LIBRARIES:
            yield Severity.HIGH, f"takes the component {quote(key)} from the file {quote(f'{library}.py')}"


def _modules(value: list[Any]) -> Iterator[tuple[Severity, str]]:
    named = [row.get("type") for row in value if isinstance(row, dict)]
    dotted = {text for text in named if isinstance(text, str) and "." in text}
    own = sorted(text for text in dotted if text.partition(".")[0] not in _LIBRARIES)
    if own:
        yield Severity.HIGH, f"asks for modules that are no library's own{_listed(own)}"


def _listed(named: list[str]) -> str:
    shown = ", ".join(quote(text) for text in named[:_MOST_NAMED])
    more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    return f": {shown}{more}" if shown else ""


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts in an object, in the lists in it, or in a list alone."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
