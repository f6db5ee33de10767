"""Licence: what a text or a model's licences are, what they say, and whether an intended use is allowed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weighbridge.core.kinds.licence import LicenceV1
from weighbridge.core.progress import Progress, silent
from weighbridge.core.reference import Reference
from weighbridge.decision.use import parse_use
from weighbridge.errors import NotFound, UsageError
from weighbridge.formats.bounded_file import BoundedFile
from weighbridge.formats.magic import HEAD_BYTES, format_of
from weighbridge.formats.place import quote
from weighbridge.hub.protocol import resolve
from weighbridge.inspection.card import inspect_card
from weighbridge.inspection.licence.answer.judge import Answer, judge
from weighbridge.inspection.licence.base import load_base
from weighbridge.inspection.licence.chain.force import in_force
from weighbridge.inspection.licence.chain.sources import Given, Text
from weighbridge.inspection.licence.diff import differences_between, text_of
from weighbridge.inspection.licence.identify import identify
from weighbridge.inspection.licence.inspect import inspect_licence, read_words
from weighbridge.inspection.licence.reading import read_text

if TYPE_CHECKING:
    from datetime import date

    from weighbridge.core.kinds.licence import TermBody
    from weighbridge.hub.protocol import DigestCache
    from weighbridge.inspection.licence.answer.use import IntendedUse
    from weighbridge.inspection.licence.base import Base
    from weighbridge.inspection.licence.identity import Difference, Identity

__all__ = ["Asked", "Read", "differences", "read_licence"]

_TEXTS = frozenset({"text", "markdown", "json", "yaml", "toml", "jinja", "python", "script", "unknown", "empty"})
_MODEL_SUFFIXES = (".gguf", ".safetensors", ".json")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks: about a text file or a model, for a use, of which model's name, with whose base of terms."""

    subject: str
    use: Path | None = None
    model: str | None = None
    base: Path | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """What was found. `identity` and its terms are of a single text; a model has only what is in force."""

    subject: str
    force: LicenceV1
    identity: Identity | None
    terms: dict[str, TermBody]
    name: str | None = None
    version_date: str | None = None
    verified_on: str | None = None
    answer: Answer | None = None


def read_licence(asked: Asked, *, on: date, cache: DigestCache | None = None, progress: Progress = silent) -> Read:
    """Read one licence text or the licences of a model, and judge the use where one is given.

    A file is a text unless its name is that of weights or a config. Raises UsageError and what resolving raises.
    """
    use = parse_use(_text_of(asked.use), str(asked.use)) if asked.use else None
    if asked.base is not None and not asked.base.is_dir():
        raise NotFound(f"there is no folder {quote(str(asked.base))}", hint="`--base` names a folder of TOML files")
    if _is_text(asked.subject):
        return _read_text(asked, use)
    return _read_model(asked, use, on=on, cache=cache, progress=progress)


def differences(first: str, second: str) -> tuple[Difference, ...]:
    """Return what parts a second text from a first; each is a file or the id of a licence that the base holds.

    Raises NotFound for what is neither, UsageError for a file without words.
    """
    base = load_base()
    texts = []
    for name in (first, second):
        own = None if Path(name).is_file() else text_of(name, base)
        texts.append(own if own is not None else _text_of(Path(name)))
    return differences_between(*texts)


def _is_text(subject: str) -> bool:
    """Whether a subject is a file that is no weights and no config."""
    try:
        return Path(subject).is_file() and not subject.lower().endswith(_MODEL_SUFFIXES)
    except (OSError, ValueError):
        return False


def _read_text(asked: Asked, use: IntendedUse | None) -> Read:
    """Read one text; a model's name beside it adds what is known of its base."""
    path = Path(asked.subject)
    words = _text_of(path)
    terms = _terms_of(asked.base)
    identity = identify(words, _texts_of(asked.base))
    reading = read_text(words, identity, path.name, terms)
    clues = (("its name", asked.model),) if asked.model else ()
    text = Text(_plain_name(path.name), words, identity)
    force = in_force(Given(asked.model or path.name, (text,), clues=clues), base=terms)
    licence = reading.licence
    answer = judge(use, force.gates) if use else None
    if licence is None:
        return Read(asked.subject, force, identity, reading.terms, answer=answer)
    dates = (licence.version_date, licence.verified_on)
    return Read(asked.subject, force, identity, reading.terms, licence.name, *dates, answer)


def _terms_of(folder: Path | None) -> Path | None:
    """Return where a user's own terms lie: `terms/` in the folder, or the folder itself where it has no texts."""
    if folder is None or (folder / "terms").is_dir():
        return folder and folder / "terms"
    return None if (folder / "index.toml").is_file() else folder


def _texts_of(folder: Path | None) -> Base:
    """Return the base of texts, with those of a user's folder where it has an index."""
    if folder is None or not (folder / "index.toml").is_file():
        return load_base()
    try:
        return load_base(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{quote(str(folder))} is no base of licence texts: {error}") from error


def _plain_name(name: str) -> str:
    """Return a name that says nothing of what the text covers, for a file that a person picked as the licence."""
    return name if "policy" in name.lower() else "LICENSE"


def _read_model(
    asked: Asked, use: IntendedUse | None, *, on: date, cache: DigestCache | None, progress: Progress
) -> Read:
    """Resolve a model and read what is in force for it."""
    artefact = resolve(Reference.parse(asked.subject), cache, progress)
    stated = [] if artefact.is_endpoint else [inspect_card(artefact, on)]
    statement = inspect_licence(artefact, on, stated, _terms_of(asked.base))
    if statement is None:
        raise UsageError(
            f"{quote(asked.subject)} has no files that could hold a licence",
            hint="give a licence text, a folder, a `.gguf` file or a model on a hub",
        )
    force = _body(statement.body)
    answer = judge(use, force.gates, multimodal=force.multimodal) if use else None
    return Read(asked.subject, force, None, force.terms, answer=answer)


def _body(value: dict[str, Any]) -> LicenceV1:
    return LicenceV1.model_validate(value)


def _text_of(path: Path) -> str:
    """Return a file's words; raises NotFound or UsageError."""
    if not path.is_file():
        raise NotFound(f"there is no file {quote(str(path))}")
    with BoundedFile(path) as file:
        form = format_of(file.read(0, HEAD_BYTES), path.name)
    if form not in _TEXTS:
        raise UsageError(f"{quote(str(path))} is no text but {form}", hint="give the licence as plain text")
    words = read_words(path)
    if not words.strip():
        raise UsageError(f"{quote(str(path))} holds no text that can be read")
    return words
