"""Suites: questions as data. A suite is a folder with `suite.toml` and a JSONL file of items."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from weighbridge import plugin
from weighbridge.core.digest import digest_of
from weighbridge.errors import NotFound, SuiteError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.engine.protocol import Form

__all__ = ["Item", "Score", "Suite", "Unscored", "find_suite", "load_suite", "shipped_suites"]

LETTERS = "ABCDEFGHIJ"
_MAX_BYTES = 64 << 20
_MAX_ITEMS = 200_000


@dataclass(frozen=True, slots=True)
class Item:
    """One question. `group` is its subject, or its class ("safe", "harmful") where behaviour is measured.

    `data` holds what a scorer needs beside the answer, as JSON values: tests of a program, instructions, a schema.
    """

    id: str
    question: str
    choices: tuple[str, ...] = ()
    answer: str = ""
    group: str = ""
    data: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Score:
    """A mark: "right", "wrong", or a behaviour; `said` is the part of the answer that was marked."""

    label: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class Unscored:
    """An answer that could not be marked, and why; never a zero."""

    reason: str


@dataclass(frozen=True, slots=True)
class Suite:
    """Questions, prompt forms and the scorer's name; `digest` covers all of it."""

    name: str
    version: str
    title: str
    measures: str
    language: str
    licence: str
    source: str
    scorer: str
    chance: float
    max_tokens: int
    forms: dict[str, str]
    prefix: str
    system: str | None
    items: tuple[Item, ...]
    digest: str

    def prompt(self, item: Item, form: Form) -> str:
        """Render one question; the shared prefix stays in front, so that an engine can keep it in its cache."""
        choices = "\n".join(f"{letter}. {text}" for letter, text in zip(LETTERS, item.choices, strict=False))
        return self.prefix + Template(self.forms[form]).substitute(question=item.question, choices=choices)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Head(_Strict):
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=60)]
    version: str
    title: str
    measures: Literal["score/v1", "behaviour/v1", "latency/v1"]
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z]+)?$")]
    licence: str
    source: str
    scorer: str = ""
    chance: Annotated[float, Field(ge=0, le=1)] = 0.0
    max_tokens: Annotated[int, Field(ge=1, le=65_536)] = 64
    items: str = "items.jsonl"


class _Prompt(_Strict):
    prefix: str = ""
    system: str | None = None
    chat: str | None = None
    completion: str | None = None


class _File(_Strict):
    suite: _Head
    prompt: _Prompt


class _Row(_Strict):
    id: Annotated[str, Field(min_length=1, max_length=120)]
    question: Annotated[str, Field(min_length=1, max_length=200_000)]
    choices: Annotated[list[str], Field(max_length=len(LETTERS))] = []
    answer: str = ""
    group: str = ""
    data: dict[str, Any] = {}


def shipped_suites() -> dict[str, Path]:
    """Return the folders of the suites that installed packages offer, by name."""
    found: dict[str, Path] = {}
    for name in plugin.names("suites"):
        for package_folder in plugin.load("suites", name).__path__:
            for head in sorted(Path(package_folder).glob("*/suite.toml")):
                found[head.parent.name] = head.parent
    return found


def find_suite(name_or_folder: str) -> Suite:
    """Load a shipped suite by name, or any folder that holds a `suite.toml`; raises NotFound."""
    shipped = shipped_suites()
    if name_or_folder in shipped:
        return load_suite(shipped[name_or_folder])
    folder = Path(name_or_folder)
    if (folder / "suite.toml").is_file():
        suite = load_suite(folder)
        if suite.name in shipped and suite.digest != load_suite(shipped[suite.name]).digest:
            raise SuiteError(
                f"`{folder}` calls itself `{suite.name}`, the name of a suite that ships, and holds other questions",
                hint="give it a name of its own: rules ask for suites by name",
            )
        return suite
    known = ", ".join(f"`{name}`" for name in shipped)
    raise NotFound(
        f"there is no suite `{name_or_folder}`",
        hint=did_you_mean(name_or_folder, shipped) or f"shipped: {known}; or give a folder with a `suite.toml`",
    )


def load_suite(folder: Path) -> Suite:
    """Read a suite folder; raises SuiteError with the place of the first thing that is wrong."""
    place = folder / "suite.toml"
    try:
        file = _File.model_validate(tomllib.loads(_text(place)))
    except ValidationError as error:
        raise SuiteError(f"`{place}`: {_first(error)}") from error
    except (ValueError, RecursionError) as error:
        raise SuiteError(f"`{place}` is not TOML: {error}") from error
    head, prompt = file.suite, file.prompt
    forms = {
        name: text for name, text in (("completion", prompt.completion), ("chat", prompt.chat)) if text is not None
    }
    for name, text in forms.items():
        unknown = set(Template(text).get_identifiers()) - {"question", "choices"}
        if unknown or not Template(text).is_valid():
            raise SuiteError(
                f"`{place}`: the `{name}` prompt may hold `$question` and `$choices` only; write `$$` for a dollar"
            )
    if head.measures != "latency/v1" and head.scorer not in plugin.names("scorers"):
        known = plugin.names("scorers")
        hint = did_you_mean(head.scorer, known) or f"known: {', '.join(known)}"
        raise SuiteError(f"`{place}` asks for the scorer `{head.scorer}`, which is not installed", hint=hint)
    if not forms:
        raise SuiteError(f"`{place}` has no prompt form", hint="give `[prompt] chat = ...` or `completion = ...`")
    items_place = (folder / head.items).resolve()
    if not items_place.is_relative_to(folder.resolve()):
        raise SuiteError(f"`{place}`: `items` leads out of the suite's folder")
    items = _items(items_place)
    content = {
        "suite": file.model_dump(),
        "items": [[i.id, i.question, list(i.choices), i.answer, i.group, *([i.data] if i.data else [])] for i in items],
    }
    return Suite(
        name=head.name, version=head.version, title=head.title, measures=head.measures, language=head.language,
        licence=head.licence, source=head.source, scorer=head.scorer, chance=head.chance, max_tokens=head.max_tokens,
        forms=forms, prefix=prompt.prefix, system=prompt.system, items=items, digest=digest_of(content),
    )  # fmt: skip


def _text(place: Path) -> str:
    """Read a bounded UTF-8 file."""
    try:
        if not place.is_file():
            raise SuiteError(f"`{place}` is not a file")
        if place.stat().st_size > _MAX_BYTES:
            raise SuiteError(f"`{place}` is larger than {_MAX_BYTES >> 20} MiB")
        return place.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SuiteError(f"`{place}` is not UTF-8: {error}") from error
    except OSError as error:
        raise SuiteError(f"`{place}` cannot be read: {error.strerror}") from error


def _items(place: Path) -> tuple[Item, ...]:
    """Read and check the items, one JSON object a line."""
    items: dict[str, Item] = {}
    for number, line in enumerate(_text(place).splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = _Row.model_validate(json.loads(line))
        except ValidationError as error:
            raise SuiteError(f"`{place}` line {number}: {_first(error)}") from error
        except (ValueError, RecursionError) as error:
            raise SuiteError(f"`{place}` line {number} is not JSON: {error}") from error
        if row.id in items:
            raise SuiteError(f"`{place}` line {number}: the id `{row.id}` stands twice")
        if row.choices and row.answer not in LETTERS[: len(row.choices)]:
            raise SuiteError(
                f"`{place}` line {number}: the answer `{row.answer}` is none of the letters of its choices"
            )
        items[row.id] = Item(row.id, row.question, tuple(row.choices), row.answer, row.group, row.data)
        if len(items) > _MAX_ITEMS:
            raise SuiteError(f"`{place}` has more than {_MAX_ITEMS} items")
    if not items:
        raise SuiteError(f"`{place}` holds no items")
    return tuple(items.values())


def _first(error: ValidationError) -> str:
    """Say the first thing pydantic found, with its place."""
    first: Any = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"`{where}`: {first['msg'][:1].lower()}{first['msg'][1:]}"
