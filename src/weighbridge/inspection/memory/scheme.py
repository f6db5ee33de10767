"""Quantization schemes: which weights of a model are stored how, from a name or from what a config declares."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from weighbridge.inspection.anatomy.structure import Part
from weighbridge.inspection.memory.coding import Coding, codings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.inspection.anatomy.structure import Weight

__all__ = ["SCHEMES", "Rule", "Scheme", "UnknownScheme", "scheme_of"]

_KEPT = frozenset({
    Part.EMBEDDING, Part.HEAD, Part.ROUTER, Part.NORMS, Part.RESIDUAL, Part.VISION, Part.PROJECTOR, Part.AUDIO,
})  # fmt: skip
_GGUF = ("q8_0", "q6_k", "q5_k_m", "q4_k_m", "q4_0", "iq4_xs", "q3_k_m", "q2_k")


@dataclass(frozen=True, slots=True)
class UnknownScheme:
    """A quantization that is declared and not known: its bytes are not guessed."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Rule:
    """Matrices of one kind and their coding; None keeps them as they are."""

    coding: Coding | None
    parts: frozenset[Part] | None = None  # every part where None


@dataclass(frozen=True, slots=True)
class Scheme:
    """One quantization of a whole model.

    Matrices of the parts in `kept`, vectors and whatever a rule keeps are stored in `plain_bytes` each.
    `file_type` names a GGUF mixture, whose types depend on the layer and the shape.
    """

    name: str
    rules: tuple[Rule, ...] = ()
    kept: frozenset[Part] = _KEPT
    plain_bytes: int = 2
    file_type: str | None = None
    notes: tuple[str, ...] = field(default=())

    def coding_of(self, name: str, weight: Weight) -> Coding | None:
        """Return how a weight is coded, or None where it stays as it is; `name` is its whole name."""
        del name
        if len(weight.shape) != 2 or weight.shape[0] == 1 or weight.part in self.kept:  # noqa: PLR2004 - a matrix
            return None
        for rule in self.rules:
            if rule.parts is None or weight.part in rule.parts:
                return rule.coding if rule.coding and rule.coding.fits(weight) else None
        return None


def _schemes() -> dict[str, Scheme]:
    known = codings()
    found = {name: Scheme(name, plain_bytes=known[name].bits // 8) for name in ("fp32", "bf16", "fp16")}
    for name, coding in known.items():
        if name in found:
            continue
        kept = _KEPT
        parts = None
        if name.startswith("mlx"):
            kept = frozenset({Part.NORMS, Part.VISION, Part.PROJECTOR, Part.AUDIO})
        if name == "mxfp4":
            parts = frozenset({Part.ROUTED_EXPERTS})
        found[name] = Scheme(name, (Rule(coding, parts),), kept)
    found["gptq-4-act-order"] = Scheme("gptq-4-act-order", (Rule(known["gptq-4"]),))
    for name in _GGUF:
        found[name] = Scheme(name, file_type=name)
    return found


SCHEMES: Mapping[str, Scheme] = MappingProxyType(_schemes())


def scheme_of(config: Mapping[str, Any], modelopt: Mapping[str, Any] | None = None) -> Scheme | UnknownScheme | None:
    """Return the quantization that a config declares; None where it declares none; raises nothing.

    `modelopt` is what `hf_quant_config.json` holds. A method that is not known is an UnknownScheme with its name.
    """
    for key in ("quantization_config", "compression_config", "quantization"):
        if key in config:
            return UnknownScheme(str(config[key])[:40], "not read yet")
    return None if modelopt is None else UnknownScheme("modelopt", "not read yet")
