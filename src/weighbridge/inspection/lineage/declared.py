"""Collect what the files of a model declare of its origin; nothing is believed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

from weighbridge.core.kinds.lineage import DeclaredBody, Relation
from weighbridge.errors import DamagedFile
from weighbridge.formats.bounded_file import read_small
from weighbridge.formats.card import parse_front_matter, read_front_matter
from weighbridge.formats.gguf import Value, read_gguf
from weighbridge.formats.place import quote
from weighbridge.inspection.lineage.names import read_name, same_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.artefact import Artefact
    from weighbridge.inspection.folder import Folder

__all__ = ["Declarations", "read_declarations"]

_README, _CONFIG, _ADAPTER, _MERGE = "README.md", "config.json", "adapter_config.json", "mergekit_config.yml"
_HUBS = re.compile(r"https?://(?:www\.)?(?:huggingface\.co|hf\.co|modelscope\.cn/models)/")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_TABLE = "the hub's table of base models"
_MOST = 64
_MAX_YAML_BYTES = 1 << 20
_LONGEST = 300
_GGUF_NAMES = ("general.name", "general.finetune", "general.source.repo_url", "general.source.url")


@dataclass(slots=True)
class Declarations:
    """Every statement, and what later steps need of the files behind them.

    `named` are names in which a quantization may be read: (name, where it stands).
    """

    stated: list[DeclaredBody] = field(default_factory=list)
    named: list[tuple[str, str]] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Value] = field(default_factory=dict)
    gguf: str | None = None
    relation: tuple[Relation, str] | None = None
    notes: list[str] = field(default_factory=list)


def read_declarations(artefact: Artefact, folder: Folder) -> Declarations:
    """Read card, configs, merge recipe, GGUF metadata and the name; what is damaged leaves a note."""
    found = Declarations()
    _card(folder, found)
    found.config = folder.read_object(_CONFIG, found.notes)
    _add_path(found.config.get("_name_or_path"), f"`_name_or_path` in {_CONFIG}", artefact.name, found)
    adapter = folder.read_object(_ADAPTER, found.notes)
    if base := _text(adapter.get("base_model_name_or_path")):
        found.stated.append(
            DeclaredBody(
                name=base, source=f"`base_model_name_or_path` in {_ADAPTER}", standing="base", relation="adapter"
            )
        )
        found.relation = found.relation or ("adapter", _ADAPTER)
    _merge(folder, found)
    _gguf(folder, found)
    _hub(folder, found)
    if read_name(artefact.name).families:
        found.stated.append(DeclaredBody(name=artefact.name[:_LONGEST], source="the model's name", standing="hint"))
    return found


def _card(folder: Folder, found: Declarations) -> None:
    """Read `base_model` and `base_model_relation` of the card."""
    if _README not in folder:
        return
    try:
        front = read_front_matter(folder.path(_README)) or {}
    except DamagedFile as error:
        found.notes.append(folder.say(error))
        return
    said = _text(front.get("base_model_relation"))
    relation = next((one for one in get_args(Relation) if one == said), None)
    if relation:
        found.relation = relation, f"`base_model_relation` in {_README}"
    source = f"`base_model` in {_README}"
    for name in _texts(front.get("base_model")):
        found.stated.append(DeclaredBody(name=name, source=source, standing="base", relation=relation))
        found.named.append((name, source))


def _hub(folder: Folder, found: Declarations) -> None:
    """Add the base models of the hub's own table, where no file states one."""
    if folder.shadow is None or any(one.standing == "base" for one in found.stated):
        return
    for said, name in folder.shadow.word.base_models:
        relation = next((one for one in get_args(Relation) if one == said), None)
        found.stated.append(DeclaredBody(name=name, source=_TABLE, standing="base", relation=relation))
        found.relation = found.relation or ((relation, _TABLE) if relation else None)


def _add_path(value: Any, source: str, own: str, found: Declarations) -> None:
    """Add a name or path from which a model was loaded; its own name says nothing, a local path is a hint."""
    name = _text(value)
    if name is None or same_model(name, own) or name in {".", "./"}:
        return
    is_repository = bool(_REPOSITORY.fullmatch(name)) and not name.startswith(".")
    if not is_repository and not read_name(name).families:
        found.notes.append(f"{source} is {quote(name)}, which names no model")
        return
    found.stated.append(DeclaredBody(name=name, source=source, standing="base" if is_repository else "hint"))
    found.named.append((name, source))


def _merge(folder: Folder, found: Declarations) -> None:
    """Read the models of a mergekit recipe."""
    if _MERGE not in folder or not folder.is_readable(_MERGE):
        return
    try:
        text = read_small(folder.path(_MERGE), _MAX_YAML_BYTES).decode("utf-8")
        recipe = parse_front_matter(text, quote(_MERGE))
    except DamagedFile as error:
        found.notes.append(folder.say(error))
        return
    except UnicodeDecodeError:
        found.notes.append(f"{quote(_MERGE)} is not UTF-8")
        return
    names = list(dict.fromkeys(_models(recipe)))[:_MOST]
    for name in names:
        standing: Any = "hint" if name.startswith((".", "/", "~")) else "base"
        found.stated.append(DeclaredBody(name=name, source=_MERGE, standing=standing, relation="merge"))
        found.named.append((name, _MERGE))
    if names:
        found.relation = found.relation or ("merge", _MERGE)


def _models(value: Any) -> Iterator[str]:
    """Yield every `model` and `base_model` of a recipe, without the adapters that `+` adds."""
    if isinstance(value, list):
        for item in value:
            yield from _models(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in {"model", "base_model"} and (name := _text(item)):
                yield name.partition("+")[0]
            else:
                yield from _models(item)


def _gguf(folder: Folder, found: Declarations) -> None:
    """Read the metadata of the first GGUF file that is a language model."""
    for name in [name for name in folder.names if name.lower().endswith(".gguf") and folder.is_readable(name)][:_MOST]:
        try:
            metadata = read_gguf(folder.path(name)).metadata
        except DamagedFile as error:
            found.notes.append(folder.say(error))
            continue
        if metadata.get("general.architecture") != "clip":
            found.metadata, found.gguf = metadata, name
            _from_metadata(metadata, found)
            return


def _from_metadata(metadata: dict[str, Value], found: Declarations) -> None:
    """Add the base models that metadata state, and the model's own name as a hint."""
    relation: Relation | None = "adapter" if metadata.get("general.type") == "adapter" else None
    for number in range(_MOST):
        key = f"general.base_model.{number}"
        url, name = _text(metadata.get(f"{key}.repo_url")), _text(metadata.get(f"{key}.name"))
        maker = _text(metadata.get(f"{key}.organization"))
        if base := _HUBS.sub("", url) if url else f"{maker}/{name}" if maker and name else name:
            found.stated.append(
                DeclaredBody(name=base, source=f"`{key}` in GGUF metadata", standing="base", relation=relation)
            )
            found.named.append((base, f"`{key}` in GGUF metadata"))
    for key in _GGUF_NAMES:
        if name := _text(metadata.get(key)):
            found.named.append((name, f"`{key}` in GGUF metadata"))
            if key == "general.name" and read_name(name).families:
                found.stated.append(DeclaredBody(name=name, source=f"`{key}` in GGUF metadata", standing="hint"))


def _text(value: Any) -> str | None:
    return value.strip()[:_LONGEST] or None if isinstance(value, str) else None


def _texts(value: Any) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [text for item in items[:_MOST] if (text := _text(item))]
