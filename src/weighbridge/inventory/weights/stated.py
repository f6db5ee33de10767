"""What the small files beside weights say: config, adapter, card, the head of a GGUF file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weighbridge.errors import DamagedFile
from weighbridge.formats.card import parse_front_matter
from weighbridge.formats.gguf import read_gguf_facts
from weighbridge.formats.strict_json import parse_json
from weighbridge.inventory.trees.tree import Unreadable

if TYPE_CHECKING:
    from weighbridge.inventory.trees.tree import Tree

__all__ = [
    "Pointer",
    "Stated",
    "read_adapter",
    "read_card",
    "read_config",
    "read_gguf_head",
    "read_json",
    "read_pointer",
]

_JSON_BYTES = 1 << 20
_CARD_BYTES = 1 << 20
_GGUF_BYTES = 256 << 10
_MOST_BASES = 32
_FENCE = re.compile(r"\A\ufeff?\s*---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*\r?$", re.DOTALL | re.MULTILINE)
# one of these stands in every config that transformers writes; `model_type` alone stands in those of other programs
_OF_A_MODEL = frozenset(
    {"transformers_version", "hidden_size", "d_model", "n_embd", "num_hidden_layers", "n_layer", "vocab_size",
     "text_config", "torch_dtype"}
)  # fmt: skip
_KEYS = frozenset({"base_model", "license", "license_name"})
_HUB_PAGE = re.compile(r"https?://(?:huggingface\.co|hf\.co|hf-mirror\.com)/([\w.-]+/[\w.-]+)")
_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-[^\n]{1,200}\n)?"
    rb"oid sha256:([0-9a-f]{64})\nsize (\d{1,18})\n?"
)


@dataclass(frozen=True, slots=True)
class Stated:
    """What files say of a model, "" and () where they do not: its name, hub id, bases, architecture, licence."""

    name: str = ""
    hub_id: str = ""
    bases: tuple[str, ...] = ()
    architecture: str = ""
    licence: str = ""
    loaded_from: str = ""


@dataclass(frozen=True, slots=True)
class Pointer:
    """A Git LFS pointer: the digest and bytes of the file that it stands for."""

    digest: str
    n_bytes: int


def read_json(tree: Tree, path: str) -> dict[str, Any]:
    """Return a JSON object of at most 1 MiB; {} where the file is none."""
    try:
        value = parse_json(tree.head(path, _JSON_BYTES + 1), path, max_bytes=_JSON_BYTES, constants_as_text=True)
    except (DamagedFile, Unreadable):
        return {}
    return value if isinstance(value, dict) else {}


def read_config(tree: Tree, path: str) -> Stated | None:
    """Return what a model's `config.json` says; None where the file is not a model's."""
    config = read_json(tree, path)
    named = config.get("architectures")
    typed = config.get("model_type") if _OF_A_MODEL & config.keys() else None
    first = named[0] if isinstance(named, list) and named else typed or config.get("_class_name")
    is_original = {"dim", "n_layers"} <= config.keys() or {"dim", "n_heads"} <= config.keys()
    if not _text(first) and not is_original and "quantization" not in config and "model_lib" not in config:
        return None
    source = _text(config.get("_name_or_path"))
    return Stated(architecture=_text(first), loaded_from=source if _ID.fullmatch(source) else "")


def read_adapter(tree: Tree, path: str) -> tuple[Stated, str]:
    """Return what an `adapter_config.json` says, and the method (LORA, IA3 ...)."""
    config = read_json(tree, path)
    base = _text(config.get("base_model_name_or_path"))
    return Stated(bases=(base,) if base else ()), _text(config.get("peft_type")) or "unnamed method"


def read_card(tree: Tree, path: str) -> Stated:
    """Return bases and licence of a model card; nothing where its front matter is none."""
    try:
        text = tree.head(path, _CARD_BYTES).decode("utf-8", "replace")
    except Unreadable:
        return Stated()
    fence = _FENCE.match(text)
    if fence is None:
        return Stated()
    try:
        front = parse_front_matter(_blocks(fence[1]), path)
    except DamagedFile:
        return Stated()
    said = front.get("base_model")
    bases = [said] if isinstance(said, str) else said if isinstance(said, list) else []
    licence = front.get("license")
    if isinstance(licence, list):
        licence = ", ".join(one for one in licence if isinstance(one, str))
    if licence == "other":
        licence = _text(front.get("license_name")) or "other"
    return Stated(bases=tuple(base for base in bases if isinstance(base, str))[:_MOST_BASES], licence=_text(licence))


def _blocks(front: str) -> str:
    """Return the few keys that are asked for: cards of embedding models hold some 300 KB of results besides."""
    kept: list[str] = []
    is_wanted = False
    for line in front.splitlines():
        if line[:1] not in {" ", "\t", "-", "#", ""}:
            is_wanted = line.partition(":")[0].strip() in _KEYS
        if is_wanted:
            kept.append(line)
    return "\n".join(kept) + "\n"


def read_gguf_head(tree: Tree, path: str) -> tuple[Stated, str] | None:
    """Return what the head of a GGUF file says, and its type (model, adapter, mmproj ...); None where it is no GGUF."""
    try:
        facts = read_gguf_facts(tree.head(path, _GGUF_BYTES), Path("file.gguf"))
    except (DamagedFile, Unreadable):
        return None
    bases = []
    for number in range(_MOST_BASES):
        key = f"general.base_model.{number}"
        page = _HUB_PAGE.match(_text(facts.get(f"{key}.repo_url")))
        if base := page[1] if page else _text(facts.get(f"{key}.name")):
            bases.append(base)
    own = _text(facts.get("general.source.huggingface.repository")) or _text(facts.get("general.source.repo_url"))
    page = _HUB_PAGE.match(own) or _HUB_PAGE.match(_text(facts.get("general.repo_url")))
    architecture = _text(facts.get("general.architecture"))
    kind = _text(facts.get("general.type")) or ("mmproj" if architecture == "clip" else "model")
    stated = Stated(
        name=_text(facts.get("general.name")) or _text(facts.get("general.basename")),
        hub_id=page[1] if page else own if _ID.fullmatch(own) else "",
        bases=tuple(bases),
        architecture=architecture,
        licence=_text(facts.get("general.license")),
    )
    return stated, kind


def read_pointer(tree: Tree, path: str) -> Pointer | None:
    """Return the Git LFS pointer that stands in a file's place, None where the file is itself."""
    try:
        found = _POINTER.fullmatch(tree.head(path, 512))
    except Unreadable:
        return None
    return Pointer(f"sha256:{found[1].decode()}", int(found[2])) if found else None


def _text(value: object) -> str:
    """Return a short text without control characters, "" for anything else."""
    if not isinstance(value, str) or len(value) > 300:  # noqa: PLR2004 - longer than any name
        return ""
    return "".join(c if c.isprintable() else " " for c in value).strip()
