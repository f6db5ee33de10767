"""FLOPs of a structure: a multiply and an add are two. Formulas as in the Step-3 system report, tables 2 and 3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.structure import Part

if TYPE_CHECKING:
    from weighbridge.inspection.anatomy.structure import Attend, Structure

__all__ = ["TokenFlops", "decode_flops", "prefill_flops"]

_MIXING = frozenset({Part.ATTENTION, Part.LINEAR_ATTENTION})
_FEEDING = frozenset({Part.DENSE_FFN, Part.ROUTED_EXPERTS, Part.SHARED_EXPERTS})
_STATE_FLOPS = 10  # five multiply-accumulate passes over a state: decay, outer product, sum, and a read of two


@dataclass(frozen=True, slots=True)
class TokenFlops:
    """FLOPs of one token: attention over what it sees, projections around it, feed-forward, and the rest (head ...)."""

    attention: int
    projections: int
    feed_forward: int
    rest: int

    @property
    def total(self) -> int:
        """All FLOPs of the token."""
        return self.attention + self.projections + self.feed_forward + self.rest


def decode_flops(structure: Structure, context: int) -> TokenFlops:
    """Return the FLOPs of one decoded token that sees `context` tokens (MLA absorbed)."""
    attention = sum(_seen(attend, context) * _pair(attend) for layer in structure.layers for attend in layer.attend)
    attention += _STATE_FLOPS * sum(layer.state for layer in structure.layers)
    return _with_weights(structure, attention)


def prefill_flops(structure: Structure, tokens: int) -> int:
    """Return the FLOPs of a prompt of `tokens` tokens: causal attention sees half of it (MLA decompressed).

    The output head runs for the last token alone.
    """
    each = _with_weights(structure, 0)
    head = 2 * sum(weight.active for weight in structure.outside if weight.part in {Part.HEAD, Part.EMBEDDING})
    head = head if structure.is_tied else 2 * sum(w.active for w in structure.outside if w.part is Part.HEAD)
    attention = 0
    for layer in structure.layers:
        for attend in layer.attend:
            most = _seen(attend, tokens)
            growing = attend.stride * most  # up to this query each sees all there is, one more at every stride
            pairs = attend.stride * most * (most - 1) // 2 + (tokens - growing + 1) * most
            attention += 2 * attend.heads * (attend.qk + attend.v) * pairs
    state = _STATE_FLOPS * sum(layer.state for layer in structure.layers)
    return tokens * (each.total - head + state) + head + attention


def _with_weights(structure: Structure, attention: int) -> TokenFlops:
    """Add two FLOPs for every weight that a token touches; the input embedding is a look-up."""
    mixing = 2 * sum(weight.active for weight in structure.text_weights() if weight.part in _MIXING)
    feeding = 2 * sum(weight.active for weight in structure.text_weights() if weight.part in _FEEDING)
    rest = 2 * structure.active()[1] - mixing - feeding
    return TokenFlops(attention, mixing, feeding, rest)


def _seen(attend: Attend, context: int) -> int:
    """Return how many positions a query is multiplied with; compressed ones stand for `stride` tokens each."""
    there = context // attend.stride
    return min(limit for limit in (there, attend.window, attend.selected) if limit is not None)


def _pair(attend: Attend) -> int:
    """FLOPs of one query with one position, all heads: two for each element of key and value."""
    qk = attend.qk if attend.absorbed_qk is None else attend.absorbed_qk
    v = attend.v if attend.absorbed_v is None else attend.absorbed_v
    return 2 * attend.heads * (qk + v)
