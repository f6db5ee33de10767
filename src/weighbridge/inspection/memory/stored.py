"""Explain the element count that a hub or an index states by what it may have counted, to the unit.

"Total parameters" is not one quantity: it may include multi-token prediction, router biases, scales or a tied head
stored twice, and count packed 4-bit weights per byte. What fits no composition is not explained.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.structure import Part
from weighbridge.inspection.memory.quantization.coding import codings
from weighbridge.inspection.memory.quantization.names import Names
from weighbridge.inspection.memory.quantization.rule import EXPERTS, Rule, Scheme
from weighbridge.inspection.memory.quantized import weight_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from weighbridge.inspection.anatomy.structure import Structure
    from weighbridge.inspection.memory.quantized import Sized

__all__ = ["Composition", "Term", "explain_stored"]

_PLAIN = Scheme("plain")
_FFN = EXPERTS | {Part.SHARED_EXPERTS, Part.DENSE_FFN}


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that was counted, and its elements (negative: counted as fewer); `detail` says which of its kind."""

    name: str
    elements: int
    detail: str = ""

    @property
    def text(self) -> str:
        """Name, detail and elements in words."""
        return f"{self.name} {self.detail + ' ' if self.detail else ''}{abs(self.elements):,}"


@dataclass(frozen=True, slots=True)
class Composition:
    """What adds up to a stored count."""

    terms: tuple[Term, ...]

    @property
    def total(self) -> int:
        """The count."""
        return sum(term.elements for term in self.terms)

    @property
    def text(self) -> str:
        """The sum in words: `parameters 671,026,404,352 + router biases 14,848`."""
        first, *rest = self.terms
        return " ".join([first.text, *(f"{'+' if term.elements >= 0 else '-'} {term.text}" for term in rest)])


def explain_stored(structure: Structure, scheme: Scheme | None, stored: int) -> tuple[Composition, ...]:
    """Return the simplest compositions that give a stored element count exactly; none where none does.

    More than one means that the count alone does not decide. Where nothing fits, what a config leaves out is tried:
    NVFP4, which may be declared in a file of its own, and an MTP module, which trimmed configs do not mention.
    """
    modules = _mtp(structure)
    found = _fitting(structure, [("", scheme or _PLAIN)], modules, stored)
    if not found and scheme is None:
        found = _fitting(structure, _undeclared_quantization(), modules, stored)
    if not found and not structure.mtp:
        found = _fitting(structure, [("", scheme or _PLAIN)], _undeclared_mtp(structure), stored)
    fewest = min((len(one.terms) for one in found), default=0)
    return tuple(one for one in found if len(one.terms) == fewest)


def _undeclared_quantization() -> list[tuple[str, Scheme]]:
    """Return the ways in which NVIDIA's NVFP4 checkpoints leave out modules."""
    coding = codings()["nvfp4"]
    ffn = Rule(coding, parts=_FFN)
    return [
        ("of all linear layers ", Scheme("nvfp4", (Rule(coding),))),
        ("of routed experts ", Scheme("nvfp4", (Rule(coding, parts=EXPERTS),))),
        ("of experts and feed-forward ", Scheme("nvfp4", (ffn,))),
        ("of experts, feed-forward and attention output ", Scheme("nvfp4", (ffn, Rule(coding, Names(["o_proj"]))))),
    ]


def _fitting(
    structure: Structure, schemes: list[tuple[str, Scheme]], modules: Sequence[tuple[Term, ...]], stored: int
) -> list[Composition]:
    found = [
        one
        for of_what, scheme in schemes
        for one in _compositions(structure, scheme, modules, of_what)
        if one.total == stored and all(term.elements for term in one.terms)
    ]
    return list(dict.fromkeys(found))


def _compositions(
    structure: Structure, scheme: Scheme, modules: Sequence[tuple[Term, ...]], of_what: str
) -> Iterator[Composition]:
    """Yield every composition: the model, what checkpoints store beside it, and how packed weights are counted."""
    main = Term("parameters", _main(structure), "" if structure.vision is not None else "of the text part")
    for extra in modules:
        is_quantized = bool(extra) and bool(scheme.rules) and bool(structure.mtp)
        sizes = [weight_bytes(structure, scheme)]
        if is_quantized:
            sizes.append(weight_bytes(structure, scheme, mtp=True))
        for sized in sizes:
            choices = (*_counted(sized, of_what), *_beside(structure))
            for chosen in product(*choices):
                yield Composition((main, *extra, *(term for terms in chosen for term in terms)))


def _main(structure: Structure) -> int:
    return structure.text_total if structure.total is None else structure.total


def _mtp(structure: Structure) -> list[tuple[Term, ...]]:
    """Return without and with the MTP module, and with its own embedding and head."""
    if not structure.mtp:
        return [()]
    own = Term("MTP module", structure.mtp_total)
    copies = Term("its embedding and head", structure.mtp_copies)
    return [(), (own,), *([(own, copies)] if structure.mtp_copies else [])]


def _undeclared_mtp(structure: Structure) -> list[tuple[Term, ...]]:
    """Return an MTP module as GLM and ERNIE store one: a layer like the first or the last, `eh_proj` and norms."""
    if not structure.layers:
        return []
    hidden = structure.hidden_size
    routed = sum(any(weight.part is Part.ROUTER for weight in layer.weights) for layer in structure.layers)
    bias = structure.buffers // routed if routed else 0
    copies = Term("its embedding and head", 2 * structure.vocabulary * hidden)
    found: list[tuple[Term, ...]] = []
    for layer, norms in product((structure.layers[0], structure.layers[-1]), (2, 3)):
        own = sum(weight.elements for weight in layer.weights) + 2 * hidden * hidden + norms * hidden
        is_routed = any(weight.part is Part.ROUTER for weight in layer.weights)
        module = Term("MTP module", own + (bias if is_routed else 0), "that the config does not declare")
        found += [(module,), (module, copies)]
    return found


def _counted(sized: Sized, of_what: str) -> list[list[tuple[Term, ...]]]:
    """Return how quantized weights may be counted: each weight or each stored element; scales or none."""
    if not sized.quantized:
        return []
    packed = Term("packed weights", sized.packed - sized.quantized, f"{of_what}counted per element")
    scales = Term("quantization scales", sized.scales)
    with_extras = replace(scales, elements=sized.scales + sized.extras)
    # Kimi-K2's count holds 56 scales a layer: those of the half-filled last row of blocks of `kv_a_proj_with_mqa`
    partial = Term("quantization scales", sized.partial, "of partial blocks")
    weights: list[tuple[Term, ...]] = [(), (packed,)]
    beside: list[tuple[Term, ...]] = [(), (scales,), (with_extras,), (partial,)]
    return [weights, beside]


def _beside(structure: Structure) -> list[list[tuple[Term, ...]]]:
    """Return what checkpoints may store beside the weights: buffers of routers and rotations, a head that is tied."""
    head = structure.vocabulary * structure.hidden_size if structure.is_tied else 0
    rotary = sum(layer.attend[0].qk // 2 for layer in structure.layers if layer.attend)
    vision = sum(weight.elements for weight in structure.vision or ())
    found = (
        Term("router biases", structure.buffers),
        Term("tied head stored again", head),
        Term("rotary buffers", rotary),
        Term("vision left out", -vision),
    )
    return [[(), (term,)] for term in found if term.elements]
