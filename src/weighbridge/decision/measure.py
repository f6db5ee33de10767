"""Measures: what a rule can ask of a kind of evidence, read from the kind's own model."""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from weighbridge.core.kinds import KINDS, EstimateBody

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Measure", "Shape", "find_measure", "fits", "measures_of", "value_at"]

_PRIMITIVES: tuple[tuple[type, str], ...] = ((bool, "flag"), (int, "number"), (float, "number"), (str, "text"))


class Shape(StrEnum):
    """What stands at the end of a measure's path."""

    NUMBER = "number"
    TEXT = "text"
    FLAG = "flag"
    ESTIMATE = "estimate"
    LIST = "list"  # of texts
    RECORDS = "records"  # a list of objects
    TABLE = "table"
    OPEN = "open"  # the kind leaves it open, as an engine's settings


_TYPES: dict[Shape, tuple[type, ...]] = {
    Shape.NUMBER: (int, float),
    Shape.TEXT: (str,),
    Shape.FLAG: (bool,),
    Shape.ESTIMATE: (Mapping,),
    Shape.LIST: (list,),
    Shape.RECORDS: (list,),
    Shape.TABLE: (Mapping,),
}


@dataclass(frozen=True, slots=True)
class Measure:
    """One path in a kind's body; a `*` in it stands for any one name. `choices` are the only texts it can hold."""

    path: str
    shape: Shape
    description: str = ""
    choices: tuple[str, ...] = ()


@cache
def measures_of(kind: str) -> dict[str, Measure]:
    """Return every measure of a kind by its path; raises KeyError for an unknown kind."""
    return {measure.path: measure for measure in _of_model(KINDS[kind], "")}


def find_measure(kind: str, path: str) -> Measure | None:
    """Return the measure that `path` names in `kind`, or None."""
    known = measures_of(kind)
    if path in known:
        return known[path]
    parts = path.split(".")
    return next((measure for measure in known.values() if "" not in parts and _covers(measure, parts)), None)


def value_at(body: Any, path: str) -> Any:
    """Return what stands at `path` in a body, or None where nothing does, whatever the body looks like."""
    for part in path.split("."):
        if not isinstance(body, Mapping):
            return None
        body = body.get(part)
    return body


def fits(value: Any, shape: Shape) -> bool:
    """Tell whether a value has a shape: True is no number, and neither is NaN."""
    if shape is Shape.OPEN:
        return any(fits(value, other) for other in Shape if other is not Shape.OPEN)
    if shape is Shape.NUMBER and isinstance(value, bool):
        return False
    if shape is Shape.LIST and isinstance(value, list):
        return all(isinstance(entry, str) for entry in value)
    return isinstance(value, _TYPES[shape]) and not (isinstance(value, float) and not math.isfinite(value))


def _covers(measure: Measure, parts: list[str]) -> bool:
    """Tell whether a measure with `*` in its path names these parts; an open one names what is below it too."""
    pattern = measure.path.split(".")
    if "*" not in pattern or len(parts) < len(pattern):
        return False
    if len(parts) > len(pattern) and measure.shape is not Shape.OPEN:
        return False
    return all(wanted in {"*", part} for wanted, part in zip(pattern, parts, strict=False))


def _of_model(model: type[BaseModel], prefix: str) -> Iterator[Measure]:
    """Yield the measures below a model."""
    for name, field in model.model_fields.items():
        yield from _of_type(field.annotation, prefix + name, field.description or "")


def _of_type(annotation: Any, path: str, description: str) -> Iterator[Measure]:
    """Yield the measures at and below one annotation."""
    annotation = _bare(annotation)
    origin = get_origin(annotation)
    if origin is Literal:
        yield Measure(path, Shape.TEXT, description, tuple(str(choice) for choice in get_args(annotation)))
    elif origin is list:
        yield Measure(path, Shape.LIST if get_args(annotation) == (str,) else Shape.RECORDS, description)
    elif origin is dict:
        yield Measure(path, Shape.TABLE, description)
        yield from _of_type(get_args(annotation)[1], f"{path}.*", description)
    elif annotation is Any:
        yield Measure(path, Shape.OPEN, description)
    elif issubclass(annotation, EstimateBody):
        yield Measure(path, Shape.ESTIMATE, description)
        for name in ("n", "unscored"):
            yield Measure(f"{path}.{name}", Shape.NUMBER, EstimateBody.model_fields[name].description or "")
    elif issubclass(annotation, BaseModel):
        yield from _of_model(annotation, f"{path}.")
    else:
        shape = next(shape for primitive, shape in _PRIMITIVES if issubclass(annotation, primitive))
        yield Measure(path, Shape(shape), description)


def _bare(annotation: Any) -> Any:
    """Take `Annotated` and `| None` off an annotation."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in {Union, types.UnionType}:
            annotation = next(part for part in get_args(annotation) if part is not types.NoneType)
        else:
            return annotation
