"""The tables of origins: repositories by name, models that are trained from others, makers of several namespaces."""

from __future__ import annotations

import csv
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from weighbridge.inventory.origin.names import key_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.inventory.origin.step import Relation

__all__ = [
    "Derived", "Repository", "canonical_maker", "derived_of", "has_small_names", "licence_tags",
    "maker_by_architecture", "maker_named", "namesake_of",
    "repositories_named", "repository_at", "service_prefixes", "vocabularies",
]  # fmt: skip

_CLASS = re.compile(r"(?:ForCausalLM|ForConditionalGeneration|LMHeadModel|Model)$")
SNAPSHOT = "hub snapshot of 2026-10-05"


@dataclass(frozen=True, slots=True)
class Repository:
    """One repository of a listed publisher: its name as the hub spells it, and its licence tag ("" where none)."""

    name: str
    licence: str
    vocabulary: int | None = None


@dataclass(frozen=True, slots=True)
class Derived:
    """What a name is known to be trained from; `maker` trained it, "" where several makers share the row."""

    bases: tuple[str, ...]
    relation: Relation
    maker: str
    source: str


@cache
def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("data", name).read_text(encoding="utf-8"))


@cache
def _repositories() -> tuple[Mapping[str, Repository], Mapping[str, tuple[Repository, ...]]]:
    """Return repositories by full name without case, and by the key of their last part."""
    text = files(__package__).joinpath("data", "repositories.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    by_name: dict[str, Repository] = {}
    by_key: dict[str, list[Repository]] = {}
    for row in rows:
        one = Repository(row["repository"], row["licence"], int(row["vocabulary"]) if row["vocabulary"] else None)
        by_name[one.name.lower()] = one
        by_key.setdefault(key_of(one.name), []).append(one)
    return by_name, {key: tuple(rows) for key, rows in by_key.items()}


def repository_at(name: str) -> Repository | None:
    """Return the repository of this full name, whatever its case; None where it is not in the table."""
    return _repositories()[0].get(name.lower())


@cache
def _small_names() -> Mapping[str, bool]:
    """Return, for each namespace with three repositories or more, whether one of them is in small letters."""
    found: dict[str, list[str]] = {}
    for one in _repositories()[0].values():
        maker, _, model = one.name.partition("/")
        found.setdefault(maker.lower(), []).append(model)
    enough = 3
    return {
        maker: any(name == name.lower() for name in names) for maker, names in found.items() if len(names) >= enough
    }


def has_small_names(namespace: str) -> bool | None:
    """Whether a maker has repositories whose names are all in small letters; None where too few are known."""
    return _small_names().get(namespace.lower())


@cache
def service_prefixes() -> frozenset[str]:
    """Return the words before the name of a model at routers, clouds and their clients (`x-ai`, `azure`)."""
    return frozenset(_toml("makers.toml")["service"]["prefixes"])


def repositories_named(name: str) -> tuple[Repository, ...]:
    """Return the repositories whose last part is this name but for case, `_`, `Meta-` and `-hf`."""
    return _repositories()[1].get(key_of(name), ())


def namesake_of(name: str) -> Repository | None:
    """Return the repository of this name under another namespace of the same maker: `THUDM` became `zai-org`."""
    maker, _, last = name.lower().partition("/")
    same = [one for one in repositories_named(name) if one.name.lower().partition("/")[2] == last]
    own = [one for one in same if canonical_maker(one.name.partition("/")[0]) == canonical_maker(maker)]
    return own[0] if len(own) == 1 else None


@cache
def licence_tags() -> frozenset[str]:
    """Return the licence tags of the repositories in the table, but for those that name no licence."""
    return frozenset(one.licence.lower() for one in _repositories()[0].values()) - {"", "other", "unknown"}


@cache
def _architectures() -> Mapping[str, tuple[str, int, int]]:
    """Return maker, repositories and those of the maker by architecture."""
    text = files(__package__).joinpath("data", "architectures.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return {
        _plain_architecture(row["architecture"]): (row["maker"], int(row["repositories"]), int(row["of_maker"]))
        for row in rows
    }


def _plain_architecture(name: str) -> str:
    """Return one spelling for `qwen3_moe`, `qwen3moe` (GGUF) and `Qwen3MoeForCausalLM`."""
    return re.sub(r"[_.-]", "", _CLASS.sub("", name[:100])).lower()


def maker_by_architecture(name: str) -> tuple[str, int, int] | None:
    """Return the maker that nearly alone uses an architecture, of how many repositories, and how many are its own."""
    return _architectures().get(_plain_architecture(name)) if name else None


def vocabularies() -> Mapping[int, tuple[str, ...]]:
    """Return, for each size of a vocabulary in the table, the makers (as shown) whose models have it."""
    return _vocabularies()


@cache
def _vocabularies() -> Mapping[int, tuple[str, ...]]:
    found: dict[int, dict[str, None]] = {}
    for one in _repositories()[0].values():
        if one.vocabulary:
            found.setdefault(one.vocabulary, {})[canonical_maker(one.name.partition("/")[0])] = None
    return {size: tuple(makers) for size, makers in found.items()}


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], dict[str, Any]], ...]:
    return tuple((re.compile(row["pattern"], re.IGNORECASE), row) for row in _toml("derived.toml")["derived"])


def derived_of(plain: str) -> Derived | None:
    """Return what a plain name (see `names.plain_of`) is known to be trained from, or None."""
    for pattern, row in _patterns():
        if found := pattern.fullmatch(plain):
            size = (found[1] or "").upper().removesuffix("B") if found.lastindex else ""
            suffix = "B" if found.lastindex and (found[1] or "").lower().endswith("b") else ""
            bases = tuple(_sized(base, size + suffix) for base in row["bases"])
            return Derived(bases, row["relation"], row.get("maker", ""), row["source"])
    return None


def _sized(base: str, size: str) -> str:
    """Return a base of a size; one that the table does not know may not exist, and is only its maker's."""
    named = base.replace("{1}", size)
    return named if named == base or repository_at(named) else f"{base.partition('/')[0]}/*"


@cache
def _makers() -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return the shown namespace by each namespace (without case), and by each word people say."""
    rows = _toml("makers.toml")["maker"]
    spaces = {name.lower(): row["namespaces"][0] for row in rows for name in row["namespaces"]}
    return spaces, {word: row["namespaces"][0] for row in rows for word in row["words"]}


def canonical_maker(namespace: str) -> str:
    """Return the namespace that a maker is shown by: `THUDM` is `zai-org`; one of its own stays as it is."""
    return _makers()[0].get(namespace.lower(), namespace)


def maker_named(text: str) -> str | None:
    """Return the maker that a person means by a namespace or a brand (`Kimi`), or None."""
    plain = text.strip().lower()
    return _makers()[0].get(plain) or _makers()[1].get(plain)
