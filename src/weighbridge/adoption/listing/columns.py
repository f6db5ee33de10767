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
    from collections.abc import Mapping

__all__ = ["Column", "Source", "canonical_columns", "expressions", "unknown_words"]

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


def expressions(types: Mapping[str, Any], chosen: Mapping[str, str]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return SQL for each of our columns, and the file's columns that it reads, by our names.

    `types` are the columns of the file as DuckDB names and types them; `chosen` maps our names to columns that the user
    names. Raises UsageError for a column that is missing or of a type that cannot hold it.
    """
    types = {
        name: kind for name, kind in types.items() if kind.id not in {"null", "NULL", "sqlnull"}
    }  # all cells empty
    by_name = {name.lower(): name for name in types}
    written: dict[str, str] = {}
    used: dict[str, list[str]] = {}
    for column in canonical_columns():
        sources = _sources(column, types, by_name, chosen.get(column.name))
        parts: list[tuple[str, str]] = []
        for source, name in sources:
            if not (source.is_alone and parts) and (part := _read(source, name, types[name])):
                parts.append((name, part))
        if not parts and column.is_required:
            raise UsageError(
                f"no column holds {column.name}: {', '.join(source.name for source in column.sources)} are looked for",
                hint=f"the file has {', '.join(quote(name) for name in list(types)[:12])}; "
                f"name one with `--column {column.name}=NAME`",
            )
        used[column.name] = [name for name, _ in parts]
        nothing = "NULL::VARCHAR[]" if column.name == "bases" else "NULL"
        written[column.name] = f"coalesce({', '.join([part for _, part in parts] or [nothing])}, NULL)"
    return written, used


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


def _read(source: Source, name: str, kind: Any) -> str:
    """Return SQL that reads one source, "" where its type cannot hold it (a `gguf` that is a text of prose)."""
    cell = identifier(name)
    if source.field:
        inner = _field(cell, kind, source.field)
        if inner is None:
            return ""
        cell, kind = inner
    readers = {"id": _id, "count": _count, "text": _text, "day": _day, "ids": _ids, "models": _models}
    if source.reads_as == "tags":
        return _tags(cell, kind, source.prefix)
    return readers[source.reads_as](cell, kind, name)


def _field(cell: str, kind: Any, field: str) -> tuple[str, Any] | None:
    """Return SQL and type of a field of a struct or of JSON; the type of what JSON holds is text."""
    if kind.id == "struct":
        inner = dict(kind.children)
        return (f"{cell}.{identifier(field)}", inner[field]) if field in inner else None
    if _is_textual(kind):
        path, named = literal(f"$.{field}"), literal(_NAMED.format(field, "[A-Za-z0-9._-]+"))
        as_json = f"CASE WHEN json_valid({cell}) THEN json_extract_string({cell}, {path}) END"
        return f"coalesce({as_json}, nullif(regexp_extract({cell}, {named}, 1), ''))", None
    return None


def _entry(kind: Any) -> Any:
    """Return the type of a list's entries."""
    return kind.children[0][1]


def _is_textual(kind: Any) -> bool:
    """Whether a type is text, JSON, or the text that was taken out of JSON (None)."""
    return kind is None or kind.id in {"varchar", "json"} or str(kind) == "JSON"


def _id(cell: str, kind: Any, name: str) -> str:
    """Return SQL of a repository's name."""
    if not _is_textual(kind):
        raise UsageError(f"column {quote(name)} holds {quote(str(kind), 60)}, not text")
    return f"nullif(trim({cell}), '')"


def _plain(cell: str, kind: Any) -> str:
    """Return SQL of a cell as trimmed text, NULL for the words that mean nothing."""
    words = ", ".join(literal(word) for word in unknown_words())
    text = f"CASE WHEN json_valid({cell}) THEN {cell} ->> '$' END" if str(kind) == "JSON" else cell
    return f"CASE WHEN lower(trim({text})) NOT IN ({words}) THEN trim({text}) END"


def _count(cell: str, kind: Any, name: str) -> str:
    """Return SQL of a whole number from 0 on; what is none becomes -1 (negative) or -2 (no whole number)."""
    if kind is not None and kind.id in _WHOLE:
        number = cell
        text = f"CASE WHEN {cell} IS NULL THEN NULL"
    elif kind is not None and kind.id in _REAL:
        number = f"CAST({cell} AS DOUBLE)"
        text = f"CASE WHEN {cell} IS NULL OR isnan({number}) THEN NULL"
    elif _is_textual(kind):
        plain = _plain(cell, kind)
        number = f"TRY_CAST({plain} AS DOUBLE)"
        text = f"CASE WHEN ({plain}) IS NULL THEN NULL"
    else:
        raise UsageError(f"column {quote(name)} holds {quote(str(kind), 60)}, not counts")
    is_wrong = f"{number} IS NULL OR {number} > {_LARGEST} OR floor({number}) <> {number}"
    return f"{text} WHEN {is_wrong} THEN -2 WHEN {number} < 0 THEN -1 ELSE CAST({number} AS BIGINT) END"


def _text(cell: str, kind: Any, name: str) -> str:
    """Return SQL of a text; of a list its first entry (a card's licence may be one)."""
    if kind is not None and kind.id == "list":
        return _text(f"{cell}[1]", _entry(kind), name)
    if not _is_textual(kind):
        raise UsageError(f"column {quote(name)} holds {quote(str(kind), 60)}, not text")
    return _plain(cell, kind)


def _day(cell: str, kind: Any, name: str) -> str:
    """Return SQL of a day in UTC; NULL for a text that is none."""
    if kind.id == "date":
        return cell
    if kind.id in _TIMES or "time zone" in str(kind).lower():
        return f"CAST(make_timestamp(epoch_us({cell})) AS DATE)"  # without the time zones of an extension
    if not _is_textual(kind):
        raise UsageError(f"column {quote(name)} holds {quote(str(kind), 60)}, not days")
    return f"TRY_CAST(left({_plain(cell, kind)}, 10) AS DATE)"


def _ids(cell: str, kind: Any, _name: str) -> str:
    """Return SQL of a list of repositories from one id, a list of them, or a text that names some."""
    if kind.id == "list" and _is_textual(_entry(kind)):
        return f"nullif({cell}, [])"
    if not _is_textual(kind):
        return ""
    bare = f"translate({_plain(cell, kind)}, {literal(_LIST_SIGNS)}, '')"  # a list as JSON or as Python writes it
    return f"list_transform(string_split({bare}, ','), lambda one: trim(one))"


def _models(cell: str, kind: Any, _name: str) -> str:
    """Return SQL of the ids in the Hub's `baseModels`: {relation, models: [{id}]}."""
    if kind.id == "struct" and "models" in (inner := dict(kind.children)):
        models = inner["models"]
        if models.id == "list" and _entry(models).id == "struct" and "id" in dict(_entry(models).children):
            return f"nullif(list_transform({cell}.models, lambda one: one.id), [])"
        return ""
    if not _is_textual(kind):
        return ""
    return f"nullif(regexp_extract_all({cell}, {literal(_NAMED.format('id', _ID))}, 1), [])"


def _tags(cell: str, kind: Any, prefix: str) -> str:
    """Return SQL of what the tags with a prefix say: a list of repositories for `base_model:`, else the first."""
    if kind.id == "list" and _is_textual(_entry(kind)):
        found = f"list_filter({cell}, lambda tag: starts_with(tag, {literal(prefix)}))"
        if prefix != "base_model:":
            return f"substr({found}[1], {len(prefix) + 1})"
        return f"nullif(list_transform({found}, lambda tag: regexp_extract(tag, '[^:]*$')), [])"
    if not _is_textual(kind):
        return ""
    if prefix != "base_model:":
        return f"nullif(regexp_extract({cell}, {literal(prefix + '([A-Za-z0-9._-]+)')}, 1), '')"
    return f"nullif(regexp_extract_all({cell}, {literal('base_model:(?:[a-z_]+:)?(' + _ID + ')')}, 1), [])"
