"""Find a suite by what a person types: a name that ships, a recipe with data, a folder, a TOML, or a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge import plugin
from weighbridge.errors import NotFound, SuiteError, did_you_mean
from weighbridge.evaluation.datasets.table import format_of
from weighbridge.evaluation.suite.file import read_suite_file
from weighbridge.evaluation.suite.load import load_suite
from weighbridge.evaluation.suite.own import own_suite
from weighbridge.evaluation.suite.shelf import Shelf

if TYPE_CHECKING:
    from weighbridge.evaluation.suite.suite import Suite

__all__ = ["find_suite", "shipped_recipes", "shipped_suites"]

_HEAD = "suite.toml"


def shipped_suites() -> dict[str, Path]:
    """Return the folders of the suites that installed packages offer whole, by name."""
    return {head.parent.name: head.parent for head in _offered(f"*/{_HEAD}")}


def shipped_recipes() -> dict[str, Path]:
    """Return the TOML of the suites whose data a user brings or fetches, by name."""
    return {head.stem: head for head in _offered("recipes/*.toml")}


def _offered(glob: str) -> list[Path]:
    folders = [folder for name in plugin.names("suites") for folder in plugin.load("suites", name).__path__]
    return [head for folder in folders for head in sorted(Path(folder).glob(glob))]


def find_suite(name_or_place: str, data: Path | None = None, *, shelf: Shelf | None = None) -> Suite:
    """Load a suite: shipped by name, a recipe (its rows in `data`, or as `suites add` remembered them), or a place.

    A place is a folder with a `suite.toml`, a TOML, or a table of your own (`.jsonl`, `.csv`, `.parquet` ...), whose
    columns are then told by their names. Raises NotFound, and SuiteError for what cannot be asked.
    """
    shipped, recipes = shipped_suites(), shipped_recipes()
    if name_or_place in shipped:
        if data is not None:
            raise SuiteError(f"the suite `{name_or_place}` ships with its questions", hint="leave out `--data`")
        return load_suite(shipped[name_or_place])
    if name_or_place in recipes:
        return _of_recipe(name_or_place, recipes[name_or_place], data, shelf or Shelf.here())
    place = Path(name_or_place)
    if (place / _HEAD).is_file() or (place.suffix == ".toml" and place.is_file()):
        return _unshadowed(load_suite(place, data), place, shipped, recipes)
    if place.is_file() and format_of(place) is not None:
        return _unshadowed(own_suite(place), place, shipped, recipes)
    known = ", ".join(f"`{name}`" for name in shipped)
    raise NotFound(
        f"there is no suite `{name_or_place}`",
        hint=did_you_mean(name_or_place, [*shipped, *recipes])
        or f"shipped: {known}; `weighbridge suites list` has more; or give a folder with a `suite.toml`, or a table",
    )


def _of_recipe(name: str, toml: Path, data: Path | None, shelf: Shelf) -> Suite:
    """Load a recipe with the user's data."""
    if data is not None:
        return load_suite(toml, data)
    copy = shelf.find(name)
    if copy is None:
        file = read_suite_file(toml)
        fetch = "" if file.fetch is None else f", or `weighbridge suites fetch {name}`"
        raise NotFound(
            f"the data of `{name}` are not here: they are not part of Weighbridge ({file.suite.licence})",
            hint=f"give their folder with `--data FOLDER`, or once `weighbridge suites add {name} FOLDER`{fetch}; "
            f"{file.get}",
        )
    suite = load_suite(toml, copy.folder)
    if suite.digest != copy.digest:
        raise SuiteError(
            f"`{name}` is not what was added on {copy.added_on}: the data in `{copy.folder}`, or the recipe, changed",
            hint=f"look at them, then `weighbridge suites add {name} {copy.folder}`",
        )
    return suite


def _unshadowed(suite: Suite, place: Path, shipped: dict[str, Path], recipes: dict[str, Path]) -> Suite:
    """Refuse other questions under a name that rules know."""
    is_other = suite.name in shipped and suite.digest != load_suite(shipped[suite.name]).digest
    if is_other or suite.name in recipes:
        raise SuiteError(
            f"`{place}` calls itself `{suite.name}`, the name of a suite that ships, and holds other questions",
            hint="give it a name of its own: rules ask for suites by name",
        )
    return suite
