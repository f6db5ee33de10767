"""The five tables: their columns, the key of a row, and how a row becomes a noun."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from weighbridge.knowledge.rows import Row, read_rows
from weighbridge.knowledge.tables import Family, LookAlike, Organisation, Price, Release
from weighbridge.knowledge.words import wrong_word

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "FAMILIES",
    "KINDS",
    "LOOK_ALIKES",
    "ORGANISATIONS",
    "PRICES",
    "RELEASES",
    "TABLES",
    "WITHDRAWN",
    "Key",
    "Shape",
    "Sheet",
]

KINDS = frozenset(
    {
        *("company", "institute", "university", "nonprofit", "government", "community", "individual"),
        *("quantizer", "finetuner", "inference", "platform", "test"),
    }
)
_BASES = frozenset({"announced", "hub_created", "provider_listing", "name_only"})
_NO_COUNTRY = frozenset({"", "XX", "ZZ"})  # "international" and "unknown" in tables that need a code
WITHDRAWN = "withdrawn"

Record = TypeVar("Record", Organisation, Family, Release, Price, LookAlike)
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sheet(Generic[Record]):
    """What one file says: records by key, the keys that it withdraws, and the cells of both as they were written."""

    records: dict[Key, Record]
    withdrawn: frozenset[Key]
    cells: dict[Key, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Shape(Generic[Record]):
    """One table: `key` columns name a row, `required` ones must be there, `build` reads a row."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    required: frozenset[str]
    build: Callable[[Row], Record]

    @property
    def file(self) -> str:
        """Name of the file that holds the table."""
        return f"{self.name}.csv"

    @property
    def written(self) -> tuple[str, ...]:
        """Columns of a user's file: those of the table, and the one that withdraws a row."""
        return (*self.columns, WITHDRAWN)

    def read(self, data: bytes, place: str) -> Sheet[Record]:
        """Read a file of this table; raises UsageError that names file, line and column."""
        records: dict[Key, Record] = {}
        withdrawn: set[Key] = set()
        rows: dict[Key, Row] = {}
        for row in read_rows(data, place, self.written, self.required):
            key = tuple(row.needed(name) for name in self.key)
            if key in rows:
                raise row.wrong(self.key[-1], f"`{' '.join(key)}` stands on line {rows[key].line} already")
            rows[key] = row
            if row.flag(WITHDRAWN):
                withdrawn.add(key)
            else:
                records[key] = self.build(row)
        return Sheet(records, frozenset(withdrawn), {key: row.cells for key, row in rows.items()})


def _organisation(row: Row) -> Organisation:
    hosts = tuple(_country(row, "hosts", part.strip()) for part in row.text("hosts").split(";") if part.strip())
    country = row.text("country")
    return Organisation(
        name=row.namespace("name"),
        display_name=row.text("display_name") or row.text("name"),
        country="" if country in _NO_COUNTRY else _country(row, "country", country),
        kind=row.one_of("kind", KINDS),
        source=row.needed("source"),
        as_of=row.day("as_of"),
        hosts=hosts,
        notes=row.text("notes"),
    )


def _country(row: Row, column: str, text: str) -> str:
    if not (len(text) == len("CN") and text.isascii() and text.isalpha() and text.isupper()):
        raise row.wrong(column, f"`{text}` is no code of a country", hint="two capital letters (ISO 3166-1), as in CN")
    return text


def _family(row: Row) -> Family:
    for column in ("pattern", "not_pattern"):
        if word := wrong_word(row.text(column)):
            raise row.wrong(
                column,
                f"`{word}` is no word to find",
                hint="lower-case letters, digits, `-`, `.`; `^` before: no letter there; "
                "`$` behind: no letter follows; `#` behind: a digit follows",
            )
    return Family(
        name=row.needed("name"),
        pattern=row.needed("pattern"),
        maker=row.namespace("maker"),
        source=row.needed("source"),
        not_pattern=row.text("not_pattern"),
        is_brand=row.flag("is_brand"),
        as_of=row.day("as_of"),
    )


def _release(row: Row) -> Release:
    return Release(
        family=row.needed("family"),
        model=row.needed("model"),
        date_text=row.needed("date"),
        day=row.earliest("date"),
        basis=row.one_of("basis", _BASES),
        source=row.needed("source"),
        is_flagship=not row.text("is_flagship") or row.flag("is_flagship"),  # who lists a release means one
        licence=row.text("licence"),
        total_parameters=row.whole("total_parameters"),
        active_parameters=row.whole("active_parameters"),
        context=row.whole("context"),
        notes=row.text("notes"),
        as_of=row.day("as_of"),
    )


def _price(row: Row) -> Price:
    return Price(
        catalogue=row.needed("catalogue"),
        provider=row.needed("provider"),
        model=row.needed("model"),
        usd_per_mtok_input=row.price("usd_per_mtok_input"),
        usd_per_mtok_output=row.price("usd_per_mtok_output"),
        as_of=row.day("as_of"),
    )


def _look_alike(row: Row) -> LookAlike:
    meant = row.namespace("meant") if row.text("meant") else ""
    return LookAlike(name=row.needed("name"), meant=meant, source=row.needed("source"), as_of=row.day("as_of"))


ORGANISATIONS = Shape(
    "organisations",
    ("name", "display_name", "country", "kind", "hosts", "as_of", "source", "notes"),
    ("name",),
    frozenset({"name", "country", "kind", "source"}),
    _organisation,
)
FAMILIES = Shape(
    "families",
    ("name", "maker", "pattern", "not_pattern", "is_brand", "as_of", "source"),
    ("name",),
    frozenset({"name", "maker", "pattern", "source"}),
    _family,
)
RELEASES = Shape(
    "releases",
    (
        *("family", "model", "date", "basis", "is_flagship", "licence"),
        *("total_parameters", "active_parameters", "context", "as_of", "source", "notes"),
    ),
    ("family", "model"),
    frozenset({"family", "model", "date", "basis", "source"}),
    _release,
)
PRICES = Shape(
    "prices",
    ("catalogue", "provider", "model", "usd_per_mtok_input", "usd_per_mtok_output", "as_of"),
    ("catalogue", "provider", "model"),
    frozenset({"catalogue", "provider", "model", "usd_per_mtok_input", "usd_per_mtok_output"}),
    _price,
)
LOOK_ALIKES = Shape(
    "look_alikes",
    ("name", "meant", "as_of", "source"),
    ("name",),
    frozenset({"name", "meant", "source"}),
    _look_alike,
)
TABLES: dict[str, Shape[Any]] = {
    shape.name: shape for shape in (ORGANISATIONS, FAMILIES, RELEASES, PRICES, LOOK_ALIKES)
}
