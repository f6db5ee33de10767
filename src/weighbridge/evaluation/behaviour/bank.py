"""A bank of items: one question in all its languages, with its class, its form, facts and a state's line.

Items of one *form* are the same question about different states: what a model does with a control beside a sensitive
item is not put down to the form. A bank is a folder (`bank.toml`, `items.jsonl`) or one JSONL file.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from weighbridge.core.digest import digest_of
from weighbridge.errors import NotFound, SuiteError, did_you_mean
from weighbridge.evaluation.behaviour.bounded_pattern import check_pattern
from weighbridge.evaluation.datasets.table import Dialect, Row, read_rows
from weighbridge.evaluation.suite.file import first_problem
from weighbridge.formats.bounded_file import read_small

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = [
    "CLASSES",
    "Bank",
    "BankItem",
    "Narrative",
    "groups_in",
    "jurisdiction_of",
    "load_bank",
    "shipped_banks",
    "spread",
]

CLASSES = ("sensitive", "control", "safe", "unsafe", "neutral")
LANGUAGE = r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$"
_MAX_TOML = 1 << 20
_MAX_ITEMS = 20_000
_SHIPPED = "weighbridge.evaluation.suites"
_TAG = re.compile(LANGUAGE)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Fact(_Strict):
    says: Annotated[str, Field(min_length=1, max_length=1_000)]
    source: Annotated[str, Field(min_length=1, max_length=1_000)]


class Narrative(_Strict):
    """A state's line: what it says, the patterns of its assertion by language, and who says so."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,79}$")]
    says: Annotated[str, Field(min_length=1, max_length=1_000)]
    patterns: dict[str, Annotated[list[Annotated[str, Field(max_length=400)]], Field(max_length=20)]]
    source: Annotated[str, Field(min_length=1, max_length=1_000)]

    @field_validator("patterns")
    @classmethod
    def _compile(cls, value: dict[str, list[str]]) -> dict[str, list[str]]:
        for pattern in (one for patterns in value.values() for one in patterns):
            check_pattern(pattern)
        return value


class BankItem(_Strict):
    """One item: a question in its languages (BCP 47), and what is known about it.

    `about` is the state in question (ISO 3166, or "EU"), `form` ties matched items together. `stability` items are
    asked several times, `canary` items serve as a monitor.
    """

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,119}$")]
    kind: Literal["sensitive", "control", "safe", "unsafe", "neutral"] = Field(alias="class")
    text: dict[Annotated[str, Field(pattern=LANGUAGE)], Annotated[str, Field(min_length=1, max_length=20_000)]]
    topic: Annotated[str, Field(max_length=80)] = ""
    type: Annotated[str, Field(max_length=40)] = ""
    about: Annotated[str, Field(pattern=r"^([A-Z]{2})?$")] = ""
    form: Annotated[str, Field(max_length=80)] = ""
    facts: list[_Fact] = []
    narratives: list[Narrative] = []
    stability: bool = False
    canary: bool = False

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that it counts in: its class, and its jurisdiction where it is sensitive there."""
        return groups_in(self.kind, self.about)


@dataclass(frozen=True, slots=True)
class Bank:
    """Items with their provenance; `digest` covers all that is asked and all that answers are held against."""

    name: str
    version: str
    title: str
    licence: str
    source: str
    items: tuple[BankItem, ...]
    max_tokens: int = 320
    digest: str = ""
    by_id: dict[str, BankItem] = field(default_factory=dict, repr=False)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of any item, in their order in the file: what is asked in one needs every item in it."""
        return tuple(dict.fromkeys(language for item in self.items for language in item.text))

    @property
    def jurisdictions(self) -> tuple[str, ...]:
        """The jurisdictions that sensitive items are about."""
        return tuple(
            sorted({jurisdiction_of(one.about) for one in self.items if one.kind == "sensitive" and one.about})
        )

    def to_json(self) -> dict[str, Any]:
        """Return what evidence says about the bank (the shape of `BankBody`)."""
        names = ("name", "version", "digest", "licence", "source")
        return {**{name: getattr(self, name) for name in names}, "size": len(self.items)}


class _Head(_Strict):
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
    version: str = "1"
    title: str = ""
    licence: str = "not stated"
    source: str = "not stated"
    max_tokens: Annotated[int, Field(ge=1, le=65_536)] = 320


@cache
def _unions() -> dict[str, str]:
    text = files(__package__).joinpath("jurisdictions.toml").read_text(encoding="utf-8")
    return {country: union for union, members in tomllib.loads(text)["unions"].items() for country in members}


def jurisdiction_of(country: str) -> str:
    """Return the jurisdiction that a country's makers fall under: the union for its members, else itself."""
    return _unions().get(country, country)


def groups_in(kind: str, about: str) -> tuple[str, ...]:
    """Return the groups of a class ("" for none), with `sensitive-CN` for what is sensitive in a jurisdiction."""
    if kind == "sensitive" and about:
        return kind, f"sensitive-{jurisdiction_of(about)}"
    return (kind,) if kind else ()


def shipped_banks() -> list[str]:
    """Return the names of the banks that ship."""
    folders = files(_SHIPPED).iterdir()
    return sorted(folder.name for folder in folders if folder.is_dir() and folder.joinpath("bank.toml").is_file())


def load_bank(name: str) -> Bank:
    """Load a bank that ships, or one from a folder or a JSONL file.

    Raises NotFound, and SuiteError with the line of the first thing that is wrong.
    """
    place = Path(name)
    if name in shipped_banks():
        with_name = files(_SHIPPED).joinpath(name)
        place = Path(str(with_name))
    elif not place.exists():
        raise NotFound(
            f"there is no bank `{name}`",
            hint=did_you_mean(name, shipped_banks()) or f"shipped: {', '.join(shipped_banks())}; or give a JSONL file",
        )
    if place.is_dir():
        return _bank(_read_head(place / "bank.toml"), place / "items.jsonl")
    stem = re.sub(r"[^a-z0-9-]+", "-", place.stem.lower()).strip("-")[:60] or "own"
    return _bank(_Head(name=stem, title=place.name, source=place.name), place)


def _read_head(place: Path) -> _Head:
    try:
        return _Head.model_validate(tomllib.loads(read_small(place, _MAX_TOML).decode())["bank"])
    except ValidationError as error:
        raise SuiteError(f"`{place}`: {first_problem(error)}") from error
    except (KeyError, ValueError) as error:
        raise SuiteError(f"`{place}` has no readable `[bank]`: {error}") from error


def _bank(head: _Head, place: Path) -> Bank:
    """Read the items; those of one file whose rows have a `language` and a `prompt` are gathered by id."""
    by_id: dict[str, BankItem] = {}
    for where, item in _items(read_rows(place, Dialect(format="jsonl"))):
        if item.id in by_id:
            raise SuiteError(f"{where}: the item `{item.id}` stands twice")
        if len(by_id) >= _MAX_ITEMS:
            raise SuiteError(f"`{place}` holds more than {_MAX_ITEMS:,} items")
        by_id[item.id] = item
    if not by_id:
        raise SuiteError(f"`{place}` holds no items")
    items = tuple(by_id.values())
    content = [item.model_dump(by_alias=True, exclude={"stability", "canary"}) for item in items]
    digest = digest_of({"max_tokens": head.max_tokens, "items": content})
    return Bank(head.name, head.version, head.title, head.licence, head.source, items, head.max_tokens, digest, by_id)


def _items(rows: Iterable[Row]) -> Iterator[tuple[str, BankItem]]:
    """Yield the items with their places."""
    flat: dict[str, tuple[str, dict[str, Any]]] = {}
    for row in rows:
        cells = dict(row.cells)
        if "text" in cells and isinstance(cells["text"], dict):
            yield row.place, _item(row.place, cells)
            continue
        identity, language = str(cells.get("id", "")), str(cells.pop("language", ""))
        prompt = cells.pop("prompt", cells.pop("question", None))
        if not identity or not _TAG.match(language) or not isinstance(prompt, str):
            raise SuiteError(
                f"{row.place} is no item",
                hint='write {"id", "class", "text": {"en": ..., "zh-Hans": ...}} or {"id", "language", "prompt"}',
            )
        _, gathered = flat.setdefault(identity, (row.place, {**cells, "text": {}}))
        if language in gathered["text"]:
            raise SuiteError(f"{row.place}: the item `{identity[:80]}` stands twice in `{language}`")
        gathered["text"][language] = prompt
    for where, cells in flat.values():
        yield where, _item(where, cells)


def _item(where: str, cells: dict[str, Any]) -> BankItem:
    try:
        return BankItem.model_validate({"class": "neutral", **cells})
    except ValidationError as error:
        raise SuiteError(f"{where}: {first_problem(error)}") from error


def spread(items: Sequence[BankItem], limit: int | None) -> tuple[BankItem, ...]:
    """Return at most `limit` items, by whole forms and evenly over the bank, so that matched items stay together.

    Where not even one form fits there is none.
    """
    forms: dict[str, list[BankItem]] = {}
    for item in items:
        forms.setdefault(item.form or item.id, []).append(item)
    if limit is None or limit >= len(items):
        return tuple(items)
    ordered = list(forms.values())
    kept = max(1, limit * len(ordered) // len(items))
    chosen = [ordered[index * len(ordered) // kept] for index in range(kept)]
    while chosen and sum(map(len, chosen)) > limit:
        chosen.pop()
    return tuple(item for form in chosen for item in form)
