"""What Hugging Face derives from the files of a repository: tags, card, counts, base models."""

from __future__ import annotations

import hashlib
import json
import math
import re
from typing import TYPE_CHECKING, Any

from weighbridge.errors import DamagedFile
from weighbridge.formats.card import parse_front_matter
from weighbridge.testing.hub.repositories import written

if TYPE_CHECKING:
    from weighbridge.testing.hub.repositories import Blob, Repository, Shown

__all__ = ["base_models", "card_of", "describe", "header_of"]

_QUANTIZED = re.compile(r"gguf|awq|gptq|fp8|int[48]|nvfp4", re.IGNORECASE)
_CONFIG = ("architectures", "model_type", "auto_map", "quantization_config")
_RULE = "---\n"


def card_of(repository: Repository, shown: Shown) -> dict[str, Any]:
    """Return the front matter of the card; what is no YAML says nothing."""
    text = shown.text("README.md")
    body, found, _ = text.removeprefix(_RULE).partition(f"\n{_RULE}") if text.startswith(_RULE) else ("", "", "")
    try:
        card = parse_front_matter(body, "README.md") if found else {}
    except DamagedFile:
        card = {}
    own: dict[str, Any] = repository.facts.get("cardData", {})
    return card | own


def base_models(repository: Repository, shown: Shown) -> tuple[str, list[str]]:
    """Return how the model relates to others, and to which."""
    card = card_of(repository, shown)
    named = card.get("base_model") or []
    named = [named] if isinstance(named, str) else named
    guess = "quantized" if _QUANTIZED.search(repository.name) else "finetune"
    guess = "adapter" if "adapter_config.json" in shown.files else guess
    return str(card.get("base_model_relation", guess)) if named else "", named


def header_of(blob: Blob) -> dict[str, Any]:
    """Return the JSON header of a safetensors file without its metadata; nothing where it has none."""
    try:
        header: dict[str, Any] = json.loads(blob.data[8 : 8 + int.from_bytes(blob.data[:8], "little")])
    except ValueError:
        return {}
    return {name: entry for name, entry in header.items() if name != "__metadata__"}


def describe(repository: Repository, shown: Shown, *, blobs: bool = False) -> dict[str, Any]:
    """Return all that `/api/models/{id}` can say of a revision; `facts` of the repository come before what is read."""
    card, config = card_of(repository, shown), _json(shown, "config.json")
    relation, bases = base_models(repository, shown)
    said: dict[str, Any] = {
        "_id": _id(repository.born),
        "id": repository.name,
        "modelId": repository.name,
        "author": repository.name.partition("/")[0],
        "sha": shown.commit,
        "lastModified": written(shown.date),
        "createdAt": written(repository.created),
        "private": False,
        "gated": False,
        "disabled": False,
        "downloads": 0,
        "downloadsAllTime": 0,
        "likes": 0,
        "tags": _tags(card, config, shown, (relation, bases)),
        "cardData": card,
        "config": _config(config, shown),
        "spaces": [],
        "siblings": [_sibling(blob, blobs=blobs) for blob in shown.files.values()],
        "usedStorage": sum(blob.size for blob in shown.files.values()),
    }
    said |= {name: card[name] for name in ("pipeline_tag", "library_name") if card.get(name)}
    if counts := _elements(shown):
        said["safetensors"] = {"parameters": counts, "total": sum(counts.values())}
    if bases:
        said["baseModels"] = {"relation": relation, "models": [{"_id": _id(name), "id": name} for name in bases]}
    return said | {name: value for name, value in repository.facts.items() if name != "cardData"}


def _id(name: str) -> str:
    return hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()[:24]


def _json(shown: Shown, name: str) -> dict[str, Any]:
    try:
        value = json.loads(shown.text(name) or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _config(config: dict[str, Any], shown: Shown) -> dict[str, Any]:
    """Return the hub's reading of the configurations of model and tokenizer."""
    found = {name: config[name] for name in _CONFIG if name in config}
    if tokenizer := _json(shown, "tokenizer_config.json"):
        found["tokenizer_config"] = tokenizer
    if "chat_template.jinja" in shown.files:
        found["chat_template_jinja"] = shown.text("chat_template.jinja")
    return found


def _tags(card: dict[str, Any], config: dict[str, Any], shown: Shown, base: tuple[str, list[str]]) -> list[str]:
    languages, own = card.get("language") or [], card.get("tags")
    tags = [*(own if isinstance(own, list) else []), *([languages] if isinstance(languages, str) else languages)]
    tags += [str(tag) for tag in (card.get("library_name"), config.get("model_type"), card.get("pipeline_tag")) if tag]
    tags += ["safetensors"] if any(name.endswith(".safetensors") for name in shown.files) else []
    tags += ["custom_code"] if "auto_map" in config else []
    tags += [f"base_model:{name}" for name in base[1]] + [f"base_model:{base[0]}:{name}" for name in base[1]]
    licences = card.get("license") or []
    tags += [f"license:{name}" for name in ([licences] if isinstance(licences, str) else licences)]
    return [*dict.fromkeys(tags), "region:us"]


def _elements(shown: Shown) -> dict[str, int]:
    """Return how many elements of which type the safetensors files hold."""
    counts: dict[str, int] = {}
    for blob in shown.files.values():
        for entry in header_of(blob).values() if blob.name.endswith(".safetensors") else ():
            dtype = entry.get("dtype", "BF16")
            counts[dtype] = counts.get(dtype, 0) + math.prod(entry.get("shape", [0]))
    return counts


def _sibling(blob: Blob, *, blobs: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"rfilename": blob.name}
    if blobs:
        row |= {"blobId": blob.oid, "size": blob.size}
        if blob.is_apart:
            row["lfs"] = {"sha256": blob.sha256, "size": blob.size, "pointerSize": len(blob.pointer)}
    return row
