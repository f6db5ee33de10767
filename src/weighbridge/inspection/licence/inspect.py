"""Inspect the licences of an artefact: which are in force, from where, and what they ask (licence/v1)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from weighbridge.core.evidence import OURS, Evidence
from weighbridge.errors import DamagedFile, WeighbridgeError
from weighbridge.formats.bounded_file import BoundedFile
from weighbridge.formats.card import read_front_matter
from weighbridge.inspection.folder import Folder
from weighbridge.inspection.licence.chain.force import in_force
from weighbridge.inspection.licence.chain.sources import Given, Text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from pathlib import Path

    from weighbridge.core.artefact import Artefact

__all__ = ["given_of", "inspect_licence", "read_words"]

_KIND = "licence/v1"
_README = "README.md"
_MOST_BYTES = 1 << 20
_MOST_FILES = 40
_MOST_DATASETS = 64
_NOT_TEXT = (".pdf", ".html", ".htm")
_POLICY = re.compile(r"(?:.*[-_. ])?(?:use|usage)[-_ ]policy(?:\.(?:md|txt))?", re.IGNORECASE)
_SEES = (
    "vision_config", "audio_config", "vision_tower", "mm_vision_tower", "visual", "vision_model", "image_token_id",
    "img_processor", "vision_cfg", "thinker_config",
)  # fmt: skip


def inspect_licence(
    artefact: Artefact, made_on: date, stated: Iterable[Evidence], base: Path | None = None
) -> Evidence | None:
    """State what is in force for an artefact; `stated` is the evidence on it so far, of which the card is used.

    None for a config alone and for an endpoint: nothing there says whose weights they would be. `base` is a user's
    own folder of terms. Raises UsageError for a file of that folder that cannot be read.
    """
    if artefact.is_endpoint or artefact.reference.kind == "config":
        return None
    known = {statement.kind: statement for statement in stated}
    card = known.get("card/v1")
    folder = Folder(artefact)
    config = folder.read_object("config.json", [])
    given = given_of(folder, artefact.name, card.body if card else {}, config)
    body = in_force(given, multimodal=any(config.get(key) for key in _SEES) if config else None, base=base)
    inputs = tuple(known[kind].id for kind in ("files/v1", "card/v1") if kind in known)
    return Evidence(artefact.digest, _KIND, body.model_dump(mode="json"), inputs, OURS, made_on)


def given_of(folder: Folder, name: str, card: dict[str, Any], config: dict[str, Any]) -> Given:
    """Collect what an artefact says of licences: texts, tag, declared bases and data sets, and telling names."""
    texts = []
    policies = [file for file in folder.names if _POLICY.fullmatch(file)]
    for file in [*folder.licence_files(), *policies][:_MOST_FILES]:
        if folder.is_readable(file) and not file.lower().endswith(_NOT_TEXT):
            words = read_words(folder.path(file))
            if words.strip():
                texts.append(Text(file, words))
    clues = [("its name", name)]
    if isinstance(path := config.get("_name_or_path"), str) and path:
        clues.append(("`_name_or_path`", path))
    return Given(
        name=name,
        texts=tuple(texts),
        tag=card.get("licence"),
        tag_name=card.get("licence_name"),
        bases=tuple(card.get("base_models") or ()),
        clues=tuple(clues),
        datasets=_datasets(folder),
    )


def read_words(path: Path) -> str:
    """Return at most the first MiB of a text file, "" where it cannot be read; what is no UTF-8 in it is replaced."""
    try:
        with BoundedFile(path) as file:
            data = file.read(0, min(file.size, _MOST_BYTES))
    except WeighbridgeError:
        return ""
    return data.decode("utf-8-sig", "replace")


def _datasets(folder: Folder) -> tuple[str, ...]:
    """Return the data sets that the card declares."""
    if _README not in folder:
        return ()
    try:
        front = read_front_matter(folder.path(_README)) or {}
    except DamagedFile:
        return ()
    said = front.get("datasets")
    entries = said if isinstance(said, list) else [said]
    return tuple(entry for entry in entries[:_MOST_DATASETS] if isinstance(entry, str) and entry)
