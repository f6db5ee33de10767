"""Read the sources of a model's figures: tensor tables, an index, what the config declares, and its structure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.build import Refusal, structure_of
from weighbridge.inspection.anatomy.from_gguf import structure_of_gguf
from weighbridge.inspection.figures.declared import Architecture, from_config, from_gguf
from weighbridge.inspection.memory.scheme import Scheme, UnknownScheme, plain_scheme, scheme_of
from weighbridge.inspection.tables.weights import Weights, find_weights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.inspection.anatomy.structure import Structure
    from weighbridge.inspection.folder import Folder

__all__ = ["Sources", "read_sources"]

_MODELOPT = "hf_quant_config.json"
_TYPES = frozenset({"bfloat16", "float16", "float32"})


@dataclass(frozen=True, slots=True)
class Sources:
    """What was read. `scheme` is how the weights are stored: declared, or the declared data type; None for GGUF.

    `counts` are element counts that a hub or an index states, each after who says so.
    """

    weights: Weights
    declared: Architecture
    outcome: Structure | Refusal
    scheme: Scheme | UnknownScheme | None
    counts: tuple[tuple[str, int], ...] = ()

    @property
    def is_type_declared(self) -> bool:
        """Whether the files say how weights are stored; else 16 bits are assumed."""
        return self.declared.quantization is not None or self.declared.dtype in _TYPES


def read_sources(folder: Folder) -> Sources:
    """Read a folder's sources; what is damaged leaves a note.

    Raises DamagedFile only where the artefact is one GGUF file whose header cannot be read.
    """
    weights = find_weights(folder)
    if weights.format == "gguf" and weights.metadata:
        outcome = (
            structure_of_gguf(weights.metadata, weights.tables)
            if weights.is_whole
            else Refusal("not all parts of the GGUF file could be read")
        )
        return Sources(weights, from_gguf(weights.metadata), outcome, None)
    config = folder.read_object("config.json", weights.notes)
    modelopt = folder.read_object(_MODELOPT, weights.notes)
    declared = from_config({"compression_config": modelopt.get("quantization"), **config})
    scheme = scheme_of(config, modelopt or None) or plain_scheme(config)
    outcome = structure_of(config) if config else Refusal("there is no `config.json` to read")
    return Sources(weights, declared, outcome, scheme, tuple(_counts(folder, weights)))


def _counts(folder: Folder, weights: Weights) -> Iterator[tuple[str, int]]:
    """Yield the element counts that a hub and an index state; an empty one or 0 states nothing."""
    if folder.shadow and folder.shadow.elements:
        yield "the hub counts", folder.shadow.elements
    count = weights.index.get("total_parameters")
    if type(count) is int and count > 0 and not weights.is_whole:
        yield "the index counts", count
