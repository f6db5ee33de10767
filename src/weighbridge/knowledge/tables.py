"""The nouns of the knowledge tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from datetime import date

__all__ = ["Family", "LookAlike", "Organisation", "Price", "Release", "TableRow"]


@dataclass(frozen=True, slots=True)
class Organisation:
    """One publisher on a hub.

    `name` is its namespace, exact and case-sensitive. `country` is where its maker sits (ISO 3166-1 alpha-2), "" where
    nobody says; `hosts` are places where its own service runs, another axis. `kind` says whether it makes models or
    hands on those of others (quantizer, finetuner, inference, platform, community ...).
    """

    name: str
    display_name: str
    country: str
    kind: str
    source: str
    as_of: date | None = None
    hosts: tuple[str, ...] = ()
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """A family of models: words that names of repositories carry, and the organisation that trains it.

    `pattern` and `not_pattern` are words as `weighbridge.knowledge.words` reads them. `is_brand` says that the name
    also stands on weights of other makers (DeepSeek-R1-Distill-Qwen): beside another family it is not the base.
    """

    name: str
    pattern: str
    maker: str
    source: str
    not_pattern: str = ""
    is_brand: bool = False
    as_of: date | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """One release of a family; `day` is the earliest day that `date_text` (a day, or a month) allows."""

    family: str
    model: str
    date_text: str
    day: date
    basis: str
    source: str
    is_flagship: bool = False
    licence: str = ""
    total_parameters: int | None = None
    active_parameters: int | None = None
    context: int | None = None
    notes: str = ""
    as_of: date | None = None


@dataclass(frozen=True, slots=True)
class LookAlike:
    """An unlisted name that was judged by hand: `meant` is whom it is taken for, "" where it is nobody's double."""

    name: str
    meant: str
    source: str
    as_of: date | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """What a provider asks for a model, in US dollars a million tokens."""

    catalogue: str
    provider: str
    model: str
    usd_per_mtok_input: float | None
    usd_per_mtok_output: float | None
    as_of: date | None = None


TableRow: TypeAlias = Organisation | Family | Release | Price | LookAlike
