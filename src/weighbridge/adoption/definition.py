"""What is counted: the metric as an object, so that no share is said without its definition."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

__all__ = [
    "ATTRIBUTIONS",
    "DIMENSIONS",
    "METRICS",
    "POPULATIONS",
    "UNKNOWN",
    "UNLISTED",
    "Definition",
    "SizeClass",
    "companions",
    "nowhere",
    "passes_on",
    "region_of",
    "size_classes",
    "tasks_of",
]

DIMENSIONS = ("country", "maker", "family", "size", "licence", "kind", "publisher")
METRICS = ("downloads", "likes", "models")
ATTRIBUTIONS = ("publisher", "base")
POPULATIONS = ("generative", "all")
UNLISTED = "unlisted"
UNKNOWN = "unknown"
_METRICS = {
    "downloads": "downloads as the hub counts them in 30 days (requests of files, not users)",
    "likes": "likes of the hub's users to date",
    "models": "repositories, each counted once",
}
_ATTRIBUTIONS = {
    "publisher": "what a publisher's repositories are asked for is the publisher's",
    "base": "what is made of a base model is the base's: by the declared relation, through the chain; without one, "
    "what quantizers, finetuners, inference vendors, communities and unlisted publishers hand on belongs to the family "
    "that its name names; else to the publisher. Draft models stay with their publisher",
}


@dataclass(frozen=True, slots=True)
class SizeClass:
    """A class of total parameters; `below` is its end, None for the last."""

    name: str
    below: int | None


@dataclass(frozen=True, slots=True)
class Definition:
    """Metric, population, grouping, attribution and window of a share; `created_after` is exclusive."""

    by: str = "country"
    attribution: str = "publisher"
    population: str = "generative"
    metric: str = "downloads"
    created_after: date | None = None

    def described(self, data_date: date | None, named: str = "") -> dict[str, Any]:
        """Return the definition in words and values; `named` is a column that the user named for the downloads."""
        counts = f"downloads as the column `{named}` counts them" if named else _METRICS[self.metric]
        window = f"as `{named}` has it" if named else "30 days up to the data date"
        after = f", created after {self.created_after}" if self.created_after else ""
        return {
            "metric": self.metric,
            "metric_says": counts if self.metric == "downloads" else _METRICS[self.metric],
            "population": self.population,
            "population_says": _table()["population"][self.population]["says"] + after,
            "by": self.by,
            "attribution": self.attribution,
            "attribution_says": _ATTRIBUTIONS[self.attribution],
            "geography": "the country where the maker sits, by the table of organisations; unlisted: not in it, or "
            "with no one country there",
            "window": window if self.metric == "downloads" else "to the data date",
            "created_after": self.created_after,
            "de_duplication": "one row a repository, in any letter case, the largest count of repeated rows; copies of "
            "a model under other names count for themselves",
            "data_date": data_date,
        }


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("definitions.toml").read_text("utf-8"))


def tasks_of(population: str) -> tuple[str, ...]:
    """Return the tasks of a population, none where it takes all."""
    return tuple(_table()["population"][population].get("tasks", ()))


def passes_on() -> tuple[str, ...]:
    """Return the kinds of publishers that hand on models of others."""
    return tuple(_table()["passes_on"]["kinds"])


def companions() -> tuple[str, int]:
    """Return the expression that finds a draft model by its name, and the parameters from which on it is none."""
    row = _table()["companions"]
    return row["parts"], row["below"]


def nowhere() -> tuple[str, ...]:
    """Return the codes that name no country."""
    return tuple(_table()["nowhere"]["codes"])


@cache
def size_classes() -> tuple[SizeClass, ...]:
    """Return the classes of total parameters, the smallest first."""
    return tuple(SizeClass(row["name"], row.get("below")) for row in _table()["size"])


@cache
def _regions() -> Mapping[str, str]:
    return {country: region for region, row in _table()["region"].items() for country in row["countries"]}


def region_of(country: str) -> str:
    """Return the region of a country's code: CN, US, EU, other, or unlisted."""
    return UNLISTED if country == UNLISTED else _regions().get(country, "other")
