"""Read a model's name: family, version, size, stage, and words that name a quantization."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from weighbridge.knowledge.load import load_knowledge
from weighbridge.knowledge.words import expression_of

__all__ = ["ModelName", "conflict", "quantization_words", "read_name", "same_model"]

_LONGEST = 256
_SIZE = re.compile(r"(?<![\w.])((?:\d{1,3}x)?\d{1,4}(?:\.\d{1,3})?[bm])(?![a-z0-9])")
_VERSION = r"[-v]{0,2}(\d{1,2}(?:\.\d{1,2}){0,2})(?![\d.]*[bm](?![a-z])|\d|x\d)"
_FORMATS = re.compile(r"(?<![a-z0-9])(?:gguf|mlx|safetensors|hf|imatrix|i1)(?![a-z0-9])")
_UNQUANTIZED = re.compile(r"unquantized|qat|dequant")


@dataclass(frozen=True, slots=True)
class ModelName:
    """What a name says. `families` maps each family that it names to the version behind it, "" where none is."""

    text: str
    families: dict[str, str]
    size: str | None
    stage: str | None


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("data", "names.toml").read_text(encoding="utf-8"))


@cache
def _families() -> dict[str, re.Pattern[str]]:
    known = load_knowledge().families
    brands = {word: one.name for one in known if one.is_brand for word in one.pattern.split() if word.isalpha()}

    def is_own(word: str, family: str) -> bool:
        """Whether a version behind a word is the family's: not in `olmocr-2`, which stands on Qwen."""
        return not any(brand in word and owner != family for brand, owner in brands.items())

    found = {}
    for family in known:
        words = " ".join(word for word in family.pattern.split() if is_own(word, family.name))
        if words:
            found[family.name.lower()] = re.compile(f"{expression_of(words)}(?:{_VERSION})?")
    return found


@cache
def _brands() -> frozenset[str]:
    return frozenset(family.name.lower() for family in load_knowledge().families if family.is_brand)


@cache
def _quantizations() -> dict[str, re.Pattern[str]]:
    table = _table()["quantizations"]
    return {name: re.compile(f"(?<![a-z0-9])(?:{pattern})(?![a-z0-9])") for name, pattern in table.items()}


def plain(text: str) -> str:
    """Return the last part of a name in lower case, words parted by `-`."""
    last = text.strip().rstrip("/").rpartition("/")[2][:_LONGEST].lower()
    last = last.rpartition("__")[2] or last  # a repository saved as `maker__name`
    return re.sub(r"[\s_]+", "-", last.removesuffix(".gguf"))


@cache
def read_name(text: str) -> ModelName:
    """Read a name; what it does not say is empty or None."""
    name = plain(text)
    found = {}
    for family, pattern in _families().items():
        versions = [match[1] or "" for match in pattern.finditer(name)]
        if versions:
            found[family] = next((_version(version) for version in versions if version), "")
    size = _SIZE.search(name)
    words = set(re.split(r"[-.]", name))
    stage = next((stage for stage, said in _table()["tuning"].items() if words & set(said)), None)
    return ModelName(name, found, size[1] if size else None, stage)


def _version(text: str) -> str:
    """Return a version without the zeros that end it: `3.0` is `3`."""
    return re.sub(r"(?:\.0)+$", "", text)


def conflict(first: str, second: str) -> str | None:
    """Return in which way two names cannot be of one model (family, version, size), or None where they can."""
    one, other = read_name(first), read_name(second)
    if not one.families or not other.families:
        return None
    shared = one.families.keys() & other.families.keys()
    if not shared and not (one.families.keys() | other.families.keys()) & _brands():
        return f"families differ: {_list(one)} and {_list(other)}"
    for family in shared:
        versions = one.families[family], other.families[family]
        if all(versions) and versions[0] != versions[1]:
            return f"versions differ: {family} {versions[0]} and {family} {versions[1]}"
    if one.size and other.size and one.size != other.size:
        return f"sizes differ: {one.size.upper()} and {other.size.upper()}"
    return None


def _list(name: ModelName) -> str:
    return ", ".join(f"{family} {version}".strip() for family, version in name.families.items())


def quantization_words(text: str) -> dict[str, str]:
    """Return the methods of quantization that a name states, each with the words; none of a name that takes it back."""
    name = plain(text)
    if _UNQUANTIZED.search(name):
        return {}
    return {method: found[0] for method, pattern in _quantizations().items() if (found := pattern.search(name))}


def same_model(first: str, second: str) -> bool:
    """Whether two names are equal but for words of quantization and file format, and the maker."""
    return _bare(first) == _bare(second) != ""


def _bare(text: str) -> str:
    name = plain(text)
    for pattern in (*_quantizations().values(), _FORMATS):
        name = pattern.sub("", name)
    return re.sub(r"[^a-z0-9.]+", "", name).strip(".")
