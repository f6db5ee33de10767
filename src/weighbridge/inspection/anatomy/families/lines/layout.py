"""Turn the config and the weights of a plain decoder into those of a family that names or packs them differently."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.fields import Fields
from weighbridge.inspection.anatomy.structure import Layer, Structure, Weight

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from weighbridge.inspection.anatomy.families.blocks import Weights

__all__ = ["FUSED_GATE", "FUSED_QUERY", "absent", "deriving", "laid_out", "switched_on", "without_cache"]

FUSED_QUERY = ("q_proj", "k_proj", "v_proj")
FUSED_GATE = ("gate_proj", "up_proj")
_ENDS = (".weight", ".bias")


def deriving(fields: Fields, **values: object) -> Fields:
    """Return the section with values that a family works out from others; None takes a key away."""
    return Fields({**fields.config, **values}, fields.defaults, used=fields.used, assumed=fields.assumed)


def absent(fields: Fields, **defaults: object) -> Fields:
    """Return the section with the library's defaults for keys that it does not hold at all; null is kept as null."""
    missing = {key: value for key, value in defaults.items() if key not in fields.config}
    for key, value in missing.items():
        said = f"`{key}` is not declared; the library's default {value} is taken"
        if value is not None and said not in fields.assumed:
            fields.assumed.append(said)
    return deriving(fields, **missing)


def switched_on(fields: Fields, key: str) -> bool:
    """Whether a rare switch is on; that one left out is off is not worth a note."""
    return fields.has(key) and fields.flag(key)


def laid_out(
    structure: Structure,
    *,
    prefix: str | None = None,
    fused: Mapping[str, tuple[str, ...]] | None = None,
    names: Mapping[str, str] | None = None,
) -> Structure:
    """Return the structure under its family's names.

    `fused` stacks projections over the same input along their outputs: new name to the old ones. `names` replaces
    parts of names, afterwards; `prefix` is that of the layers.
    """
    layers = tuple(
        replace(layer, weights=_renamed(_fused(layer.weights, fused or {}), names or {})) for layer in structure.layers
    )
    return replace(
        structure,
        outside=_renamed(structure.outside, names or {}),
        layers=layers,
        layer_prefix=prefix or structure.layer_prefix,
    )


def without_cache(structure: Structure, note: str) -> Structure:
    """Return the structure of a model that attends both ways, so that nothing can be kept between tokens."""
    layers = tuple(Layer(layer.kind, layer.weights, (), layer.attend, layer.state) for layer in structure.layers)
    return replace(structure, layers=layers, notes=(*structure.notes, note))


def _fused(weights: Iterable[Weight], fused: Mapping[str, tuple[str, ...]]) -> Weights:
    stacked: dict[str, Weight] = {}
    for weight in weights:
        name = _fused_name(weight.name, fused)
        before = stacked.get(name)
        if before is None:
            stacked[name] = replace(weight, name=name)
        else:
            stacked[name] = replace(before, shape=(before.shape[0] + weight.shape[0], *weight.shape[1:]))
    return tuple(stacked.values())


def _fused_name(name: str, fused: Mapping[str, tuple[str, ...]]) -> str:
    for new, parts in fused.items():
        for part in parts:
            for end in _ENDS:
                if name.endswith(f".{part}{end}"):
                    return name.removesuffix(part + end) + new + end
    return name


def _renamed(weights: Iterable[Weight], names: Mapping[str, str]) -> Weights:
    renamed = []
    for weight in weights:
        name = weight.name
        for old, new in names.items():
            name = name.replace(old, new)
        renamed.append(replace(weight, name=name))
    return tuple(renamed)
