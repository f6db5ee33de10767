"""How a snapshot's columns become ours: the mapping is data (`columns.toml`), the reading goes by DuckDB's type."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from weighbridge.adoption.listing.database import identifier, literal
from weighbridge.errors import UsageError, did_you_mean
from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Step = Callable[[str], str]  # SQL of a column after it, from the column before it
    _Steps = list[Step]

__all__ = ["Column", "Source", "canonical_columns", "read_columns", "unknown_words"]

_LARGEST = 2**53
# a field of a struct in text, as JSON, Python or DuckDB writes one: 'id': 'Qwen/Qwen3-8B'
_NAMED = "(?:^|[^_A-Za-z]){}[\"']?: *[\"']?({})"
_LIST_SIGNS = "[]\"'"
_ID = "[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)?"
_WHOLE = frozenset(
    {"tinyint", "smallint", "integer", "bigint", "hugeint", "utinyint", "usmallint", "uinteger", "ubigint"}
)
_REAL = frozenset({"float", "double", "decimal"})
_TIMES = frozenset({"timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns", "timestamp with time zone"})


@dataclass(frozen=True, slots=True)
class Source:
    """One column that can hold a figure: its name, how it is read, a field within it, a prefix of tags.

    With `is_alone` it is read where no source before it is in the file.
    """

    name: str
    reads_as: str
    field: str = ""
    prefix: str = ""
    is_alone: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """One of our columns, and where it can come from."""

    name: str
    sources: tuple[Source, ...]
    is_required: bool


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("columns.toml").read_text("utf-8"))


def unknown_words() -> tuple[str, ...]:
    """Return the words of a cell that mean that nobody says."""
    return tuple(_table()["unknown"])


@cache
def canonical_columns() -> tuple[Column, ...]:
    """Return our columns: id, downloads, likes, task, created, licence, parameters, bases."""
    return tuple(
        Column(
            name,
            tuple(_source(row) for row in rows["sources"]),
            rows.get("required", False),
        )
        for name, rows in _table().items()
        if isinstance(rows, dict)
    )


def _source(row: Mapping[str, Any]) -> Source:
    """Return one source of the table."""
    return Source(row["name"], row["as"], row.get("field", ""), row.get("prefix", ""), row.get("alone", False))


def read_columns(
    types: Mapping[str, Any], chosen: Mapping[str, str], source: str
) -> tuple[str, dict[str, list[str]], list[str]]:
    """Return SQL of our columns from `source`, the file's columns that it reads by our names, and counts left unread.

    `types` are the columns of the file as DuckDB names and types them; `chosen` maps our names to columns that the user
    names. Raises UsageError for a column that is missing or of a type that cannot hold it.
    """
    types = {
        name: kind for name, kind in types.items() if kind.id not in {"null", "NULL", "sqlnull"}
    }  # all cells empty
    by_name = {name.lower(): name for name in types}
    parts: dict[str, list[_Steps]] = {}
    used: dict[str, list[str]] = {}
    unread: list[str] = []
    for column in canonical_columns():
        parts[column.name], used[column.name] = [], []
        for found, name in _sources(column, types, by_name, chosen.get(column.name)):
            if found.is_alone and parts[column.name]:
                unread += [name] if column.name == "downloads" else []
            elif steps := _read(found, name, types[name]):
                parts[column.name].append(steps)
                used[column.name].append(name)
        if not parts[column.name] and column.is_required:
            raise UsageError(
                f"no column holds {column.name}: {', '.join(source.name for source in column.sources)} are looked for",
                hint=f"the file has {', '.join(quote(name) for name in list(types)[:12])}; "
                f"name one with `--column {column.name}=NAME`",
            )
    return _layers(parts, source), used, unread


def _layers(parts: Mapping[str, Sequence[_Steps]], source: str) -> str:
    """Return one select a step: DuckDB would work out an expression again wherever it stands in another."""
    cells = {f"{name}_{at}": steps for name, found in parts.items() for at, steps in enumerate(found)}
    written = source
    for depth in range(max(len(steps) for steps in cells.values())):
        columns = (f"{steps[depth](cell) if depth < len(steps) else cell} AS {cell}" for cell, steps in cells.items())
        written = f"(SELECT {', '.join(columns)} FROM {written})"  # noqa: S608 - quoted by `identifier` and `literal`
    nothing = {"bases": "NULL::VARCHAR[]"}
    columns = (
        f"coalesce({', '.join([f'{name}_{at}' for at in range(len(found))] or [nothing.get(name, 'NULL')])}, NULL) "
        f"AS {name}"
        for name, found in parts.items()
    )
    return f"SELECT {', '.join(columns)} FROM {written}"  # noqa: S608 - names of ours


def _sources(
    column: Column, types: Mapping[str, Any], by_name: Mapping[str, str], chosen: str | None
) -> list[tuple[Source, str]]:
    """Return the sources of a column that the file has, with the file's spelling."""
    if chosen is None:
        return [(source, by_name[source.name.lower()]) for source in column.sources if source.name.lower() in by_name]
    if chosen.lower() not in by_name:
        hint = did_you_mean(chosen, types) or f"the file has {', '.join(quote(name) for name in list(types)[:12])}"
        raise UsageError(f"the file has no column {quote(chosen)}", hint=hint)
    return [(Source(chosen, column.sources[0].reads_as), by_name[chosen.lower()])]


def _read(source: Source, name: str, kind: Any) -> _Steps:
    """Return the steps that read one source, none where its type cannot hold it (a `gguf` that is a text of prose)."""
    cell = identifier(name)
    steps: _Steps = [lambda _: cell]
    if source.field:
        inner = _field(cell, kind, source.field)
        if inner is None:
            return []
        steps, kind = inner
    if source.reads_as == "tags":
        more = _tags(kind, source.prefix)
    else:
        readers = {"id": _id, "count": _count, "text": _text, "day": _day, "ids": _ids, "models": _models}
        more = readers[source.reads_as](kind, name)
    return [*steps, *more] if more else []


def _field(cell: str, kind: Any, field: str) -> tuple[_Steps, Any] | None:
    """Return steps and type of a field of a struct or of JSON; the type of what JSON holds is text."""
    if kind.id == "struct":
        inner = dict(kind.children)
        return ([lambda _: f"{cell}.{identifier(field)}"], inner[field]) if field in inner else None
    if _is_textual(kind):
        path, named = literal(f"$.{field}"), literal(_NAMED.format(field, "[A-Za-z0-9._-]+"))
        as_json = f"CASE WHEN json_valid({cell}) THEN json_extract_string({cell}, {path}) END"
        as_text = f"nullif(regexp_extract({cell}, {named}, 1), '')"
        return [lambda _: f"CASE WHEN contains({cell}, {literal(field)}) THEN coalesce({as_json}, {as_text}) END"], None
    return None


def _entry(kind: Any) -> Any:
    """Return the type of a list's entries."""
    return kind.children[0][1]


def _is_textual(kind: Any) -> bool:
    """Whether a type is text, JSON, or the text that was taken out of JSON (None)."""
    return kind is None or kind.id in {"varchar", "json"} or str(kind) == "JSON"


def _refuse(kind: Any, name: str, wanted: str) -> UsageError:
    return UsageError(f"column {quote(name)} holds {quote(str(kind), 60)}, not {wanted}")


def _id(kind: Any, name: str) -> _Steps:
    """Return the steps to a repository's name."""
    if not _is_textual(kind):
        raise _refuse(kind, name, "text")
    return [lambda cell: f"nullif(trim({cell}), '')"]


def _plain(kind: Any) -> _Steps:
    """Return the steps to a cell as trimmed text, NULL for the words that mean nothing."""
    words = ", ".join(literal(word) for word in unknown_words())
    is_json = str(kind) == "JSON"
    return [
        lambda cell: f"trim(CASE WHEN json_valid({cell}) THEN {cell} ->> '$' END)" if is_json else f"trim({cell})",
        lambda cell: f"CASE WHEN lower({cell}) NOT IN ({words}) THEN {cell} END",
    ]


def _count(kind: Any, name: str) -> _Steps:
    """Return the steps to a whole number from 0 on; what is none becomes -1 (negative) or -2 (no whole number)."""
    if kind is not None and kind.id in _WHOLE:
        return [_checked]
    if kind is not None and kind.id in _REAL:
        is_nothing = "CASE WHEN NOT isnan({0}) THEN {0} END"
        return [lambda cell: f"CAST({cell} AS DOUBLE)", is_nothing.format, _checked]
    if not _is_textual(kind):
        raise _refuse(kind, name, "counts")
    # a text that is no number becomes one that is not whole
    return [*_plain(kind), lambda cell: f"CASE WHEN {cell} IS NOT NULL THEN {_number(cell)} END", _checked]


def _number(cell: str) -> str:
    return f"coalesce(TRY_CAST({cell} AS DOUBLE), 0.5)"


def _checked(cell: str) -> str:
    is_wrong = f"{cell} > {_LARGEST} OR floor({cell}) <> {cell}"
    return (
        f"CASE WHEN {cell} IS NULL THEN NULL WHEN {is_wrong} THEN -2 WHEN {cell} < 0 THEN -1 "
        f"ELSE CAST({cell} AS BIGINT) END"
    )


def _text(kind: Any, name: str) -> _Steps:
    """Return the steps to a text; of a list its first entry (a card's licence may be one)."""
    if kind is not None and kind.id == "list":
        return [lambda cell: f"{cell}[1]", *_text(_entry(kind), name)]
    if not _is_textual(kind):
        raise _refuse(kind, name, "text")
    return _plain(kind)


def _day(kind: Any, name: str) -> _Steps:
    """Return the steps to a day in UTC; NULL for a text that is none."""
    if kind.id == "date":
        return [lambda cell: cell]
    if kind.id in _TIMES or "time zone" in str(kind).lower():
        # without the time zones of an extension
        return [lambda cell: f"CAST(make_timestamp(epoch_us({cell})) AS DATE)"]
    if not _is_textual(kind):
        raise _refuse(kind, name, "days")
    return [*_plain(kind), lambda cell: f"TRY_CAST(left({cell}, 10) AS DATE)"]


def _ids(kind: Any, _name: str) -> _Steps:
    """Return the steps to a list of repositories from one id, a list of them, or a text that names some."""
    if kind.id == "list" and _is_textual(_entry(kind)):
        return [lambda cell: f"nullif({cell}, [])"]
    if not _is_textual(kind):
        return []
    signs = literal(_LIST_SIGNS)  # a list as JSON or as Python writes it
    return [
        *_plain(kind),
        lambda cell: f"list_transform(string_split(translate({cell}, {signs}, ''), ','), lambda one: trim(one))",
    ]


def _models(kind: Any, _name: str) -> _Steps:
    """Return the steps to the ids in the Hub's `baseModels`: {relation, models: [{id}]}."""
    if kind.id == "struct" and "models" in (inner := dict(kind.children)):
        models = inner["models"]
        if models.id == "list" and _entry(models).id == "struct" and "id" in dict(_entry(models).children):
            return [lambda cell: f"nullif(list_transform({cell}.models, lambda one: one.id), [])"]
        return []
    return _all(_NAMED.format("id", _ID)) if _is_textual(kind) else []


def _all(pattern: str) -> _Steps:
    """Return the steps to a list of all that a pattern finds in a text, NULL where it finds nothing."""
    return [lambda cell: f"regexp_extract_all({cell}, {literal(pattern)}, 1)", lambda cell: f"nullif({cell}, [])"]


def _tags(kind: Any, prefix: str) -> _Steps:
    """Return the steps to what tags with a prefix say: a list of repositories for `base_model:`, else the first."""
    is_base = prefix == "base_model:"
    if kind.id == "list" and _is_textual(_entry(kind)):
        found: Step = lambda cell: f"list_filter({cell}, lambda tag: starts_with(tag, {literal(prefix)}))"  # noqa: E731 - one of several steps
        if not is_base:
            return [found, lambda cell: f"substr({cell}[1], {len(prefix) + 1})"]
        return [found, lambda cell: f"nullif(list_transform({cell}, lambda tag: regexp_extract(tag, '[^:]*$')), [])"]
    if not _is_textual(kind):
        return []
    if is_base:
        return _all("base_model:(?:[a-z_]+:)?(" + _ID + ")")
    pattern = literal(prefix + "([A-Za-z0-9._-]+)")
    return [lambda cell: f"nullif(regexp_extract({cell}, {pattern}, 1), '')"]
