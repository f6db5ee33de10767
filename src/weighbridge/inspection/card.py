"""Inspect the model card: what the publisher declares about licence, origin and language.

A declaration is not a fact: a licence tag is never the licence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import CardV1
from weighbridge.errors import DamagedFile
from weighbridge.formats.card import read_front_matter
from weighbridge.formats.gguf import read_gguf
from weighbridge.formats.place import quote
from weighbridge.inspection.folder import Folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from weighbridge.core.artefact import Artefact

__all__ = ["inspect_card"]

_KIND = "card/v1"
_README = "README.md"
_HUBS = (
    "https://huggingface.co/",
    "https://hf.co/",
    "https://modelscope.cn/models/",
    "https://www.modelscope.cn/models/",
)
_MOST = 1000  # entries of a declared list
_MOST_BASES = 64


@dataclass(slots=True)
class _Declarations:
    """What one source declares, in the words of CardV1."""

    licence: str | None = None
    licence_name: str | None = None
    licence_link: str | None = None
    base_models: list[str] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    library: str | None = None


def inspect_card(artefact: Artefact, made_on: date) -> Evidence:
    """State what README.md and GGUF metadata declare (card/v1); `source` is "none" where neither does."""
    folder = Folder(artefact)
    notes: list[str] = []
    readme = _from_readme(folder, notes)
    gguf_name, gguf = _from_gguf(folder, notes)
    sources = [name for name, found in ((_README, readme), (gguf_name, gguf)) if found != _Declarations()]
    _compare(readme, gguf, notes)
    body = CardV1(
        source=" and ".join(sources) or "none",
        licence=readme.licence or gguf.licence,
        licence_name=readme.licence_name or gguf.licence_name,
        licence_link=readme.licence_link or gguf.licence_link,
        licence_files=folder.licence_files(),
        base_models=readme.base_models or gguf.base_models,
        languages=readme.languages or gguf.languages,
        tags=readme.tags or gguf.tags,
        library=readme.library,
        notes=notes,
    )
    return Evidence(artefact.digest, _KIND, body.model_dump(mode="json"), (), OURS, made_on)


def _from_readme(folder: Folder, notes: list[str]) -> _Declarations:
    """Read the front matter of the model card."""
    if _README not in folder:
        return _Declarations()
    try:
        front = read_front_matter(folder.path(_README))
    except DamagedFile as error:
        notes.append(folder.say(error))
        return _Declarations()
    if front is None:
        notes.append(f"`{_README}` has no front matter")
        return _Declarations()
    licences = _texts(front.get("license"))
    if len(licences) > 1:
        notes.append(f"`{_README}` declares several licences: {', '.join(map(quote, licences))}")
    return _Declarations(
        licence=", ".join(licences).lower() or None,
        licence_name=_text(front.get("license_name")),
        licence_link=_text(front.get("license_link")),
        base_models=_texts(front.get("base_model")),
        languages=_texts(front.get("language")),
        tags=_texts(front.get("tags")),
        library=_text(front.get("library_name")),
    )


def _from_gguf(folder: Folder, notes: list[str]) -> tuple[str, _Declarations]:
    """Read the `general.*` metadata of the first GGUF file."""
    name = next((name for name in folder.names if name.lower().endswith(".gguf")), None)
    if name is None:
        return "", _Declarations()
    try:
        metadata = read_gguf(folder.path(name)).metadata
    except DamagedFile as error:
        notes.append(folder.say(error))
        return name, _Declarations()
    licence = _text(metadata.get("general.license"))
    return f"GGUF metadata of {quote(name)}", _Declarations(
        licence=licence.lower() if licence else None,
        licence_name=_text(metadata.get("general.license.name")),
        licence_link=_text(metadata.get("general.license.link")),
        base_models=_gguf_bases(metadata),
        languages=_texts(metadata.get("general.languages")),
        tags=_texts(metadata.get("general.tags")),
    )


def _gguf_bases(metadata: Mapping[str, Any]) -> list[str]:
    """Return the base models that GGUF metadata names, as `maker/model` where it says so."""
    bases = []
    for number in range(_MOST_BASES):
        prefix = f"general.base_model.{number}"
        url, name = _text(metadata.get(f"{prefix}.repo_url")), _text(metadata.get(f"{prefix}.name"))
        maker = _text(metadata.get(f"{prefix}.organization"))
        if url:
            hub = next((hub for hub in _HUBS if url.startswith(hub)), "")
            bases.append(url.removeprefix(hub))
        elif name:
            bases.append(f"{maker}/{name}" if maker else name)
    return bases


def _compare(readme: _Declarations, gguf: _Declarations, notes: list[str]) -> None:
    """Note where card and GGUF metadata declare different things."""
    if readme.licence and gguf.licence and readme.licence != gguf.licence:
        notes.append(f"`{_README}` declares the licence {quote(readme.licence)}, the GGUF file {quote(gguf.licence)}")
    if readme.base_models and gguf.base_models and set(readme.base_models) != set(gguf.base_models):
        notes.append(f"`{_README}` names {_few(readme.base_models)} as base, the GGUF file {_few(gguf.base_models)}")


def _few(names: list[str]) -> str:
    return ", ".join(quote(name) for name in names[:3])


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _texts(value: Any) -> list[str]:
    """Return one text or a list of texts as a list; anything else in it is left out."""
    items = value if isinstance(value, list | tuple) else [value]
    return [text for item in items[:_MOST] if (text := _text(item))]
