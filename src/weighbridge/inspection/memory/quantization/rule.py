"""A quantization scheme as rules: the first that takes a matrix says how it is stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.structure import Part
from weighbridge.inspection.memory.quantization.names import Names

if TYPE_CHECKING:
    from weighbridge.inspection.anatomy.structure import Weight
    from weighbridge.inspection.memory.quantization.coding import Coding

__all__ = ["EXPERTS", "KEPT", "LEFT", "SENSES", "Rule", "Scheme"]

_MATRIX = 2
# what no method quantizes unless its config names it
SENSES = frozenset({Part.VISION, Part.PROJECTOR, Part.AUDIO})
KEPT = SENSES | {Part.EMBEDDING, Part.HEAD, Part.ROUTER, Part.NORMS, Part.RESIDUAL}
EXPERTS = frozenset({Part.ROUTED_EXPERTS})


@dataclass(frozen=True, slots=True)
class Rule:
    """Some matrices and their coding (None: they stay as they are): those that `names` lists, of `parts`, or all."""

    coding: Coding | None
    names: Names | None = None
    parts: frozenset[Part] | None = None

    def takes(self, name: str, weight: Weight, kept: frozenset[Part]) -> bool:
        """Whether the rule decides on a matrix; one that no list names is left alone where its part is `kept`."""
        if self.parts is not None and weight.part not in self.parts:
            return False
        return weight.part not in kept if self.names is None else self.names.match(name)


# DeepSeek's FP8 checkpoints leave these in 16 bits and do not say so: the scales that the hub counts for V3, GLM-5 and
# the two V4 add up without them, to the unit
LEFT = Rule(None, Names(("eh_proj", "weights_proj", "compressor.kv_proj", "compressor.gate_proj", "indexer.kv_proj",
                         "indexer.gate_proj")))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scheme:
    """One quantization of a whole model.

    Vectors, convolutions, single rows, matrices of `kept` parts and those that no rule takes hold `plain_bytes` a
    weight. `file_type` names a GGUF mixture, whose types depend on layer and shape. `kv_cache` is the type of the
    cache that the checkpoint was calibrated for. `is_estimated`: the layout was not compared with a checkpoint.
    Whether matrices of `uncertain` parts are quantized depends on how a library writes the model.
    """

    name: str
    rules: tuple[Rule, ...] = ()
    kept: frozenset[Part] = KEPT
    plain_bytes: int = 2
    file_type: str | None = None
    kv_cache: str | None = None
    is_estimated: bool = False
    uncertain: frozenset[Part] = frozenset()
    notes: tuple[str, ...] = field(default=())

    def coding_of(self, name: str, weight: Weight) -> Coding | None:
        """Return how a weight is coded, or None where it stays as it is; `name` is its whole name."""
        if len(weight.shape) != _MATRIX or weight.shape[0] == 1 or not _is_linear(name, weight):
            return None
        rule = self._rule_of(name, weight)
        return rule.coding if rule and rule.coding and rule.coding.fits(weight) else None

    def guesses(self, name: str, weight: Weight) -> bool:
        """Whether a matrix is of an uncertain part, and no list says if it is quantized."""
        if weight.part not in self.uncertain:
            return False
        rule = self._rule_of(name, weight)
        return rule is not None and rule.names is None

    def _rule_of(self, name: str, weight: Weight) -> Rule | None:
        return next((rule for rule in self.rules if rule.takes(name, weight, self.kept)), None)

    def leaves(self, name: str) -> bool:
        """Whether a list names a module as one that stays as it is."""
        return any(rule.coding is None and rule.names and rule.names.match(name) for rule in self.rules)


def _is_linear(name: str, weight: Weight) -> bool:
    """Whether a matrix is that of a module: others, such as `A_log` or a position bias, are bare parameters."""
    if weight.part in SENSES and "embed" in name:
        return False
    return name.endswith(".weight") or weight.part in EXPERTS
