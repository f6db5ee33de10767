"""The building blocks that families share: projections, norms, grouped-query attention, feed-forward, experts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Attend, Cache, Part, Weight

__all__ = ["Heads", "Mixer", "experts", "feed_forward", "grouped_query", "linear", "norm"]

Weights = tuple[Weight, ...]
QKNorm = Literal["none", "head", "full"]


@dataclass(frozen=True, slots=True)
class Heads:
    """Widths of grouped-query attention: `n` query heads, `k` key-value heads, `d` elements a head (`v` for values)."""

    n: int
    k: int
    d: int
    v: int

    def __post_init__(self) -> None:
        if self.k > self.n or self.n % self.k:
            raise Refused(f"{self.n} query heads cannot share {self.k} key-value heads")


@dataclass(frozen=True, slots=True)
class Mixer:
    """What mixes tokens in a layer: its weights, its cache, how it attends, its constant state in elements."""

    kind: str
    weights: Weights
    caches: tuple[Cache, ...] = ()
    attend: tuple[Attend, ...] = ()
    state: int = 0


def linear(
    name: str, out: int, into: int, part: Part, *, bias: bool = False, copies: int = 1, visited: int | None = None
) -> Weights:
    """Return a projection from `into` to `out` elements."""
    weight = Weight(f"{name}.weight", part, (out, into), copies, visited)
    return (weight, Weight(f"{name}.bias", part, (out,), copies, visited)) if bias else (weight,)


def norm(name: str, size: int, *, bias: bool = False, copies: int = 1) -> Weights:
    """Return a norm over `size` elements: RMSNorm, or LayerNorm where it has a bias."""
    weight = Weight(f"{name}.weight", Part.NORMS, (size,), copies)
    return (weight, Weight(f"{name}.bias", Part.NORMS, (size,), copies)) if bias else (weight,)


def grouped_query(
    hidden: int,
    heads: Heads,
    *,
    prefix: str = "self_attn",
    qkv_bias: bool = False,
    out_bias: bool = False,
    qk_norm: QKNorm = "none",
    qk_norm_bias: bool = False,
    window: int | None = None,
    kind: str | None = None,
    extra: Weights = (),
) -> Mixer:
    """Return multi-head, grouped-query or multi-query attention.

    `qk_norm`: one vector a head width for q and for k ("head"), or one over all heads ("full").
    `extra` are weights that only some families have: sinks, an output gate.
    """
    n, k, d, v = heads.n, heads.k, heads.d, heads.v
    weights = [
        *linear(f"{prefix}.q_proj", n * d, hidden, Part.ATTENTION, bias=qkv_bias),
        *linear(f"{prefix}.k_proj", k * d, hidden, Part.ATTENTION, bias=qkv_bias),
        *linear(f"{prefix}.v_proj", k * v, hidden, Part.ATTENTION, bias=qkv_bias),
        *linear(f"{prefix}.o_proj", hidden, n * v, Part.ATTENTION, bias=out_bias),
    ]
    if qk_norm != "none":
        sizes = (d, d) if qk_norm == "head" else (n * d, k * d)
        for name, size in zip(("q_norm", "k_norm"), sizes, strict=True):
            weights += norm(f"{prefix}.{name}", size, bias=qk_norm_bias)
    return Mixer(
        kind or ("full" if window is None else "sliding"),
        (*weights, *extra),
        (Cache(k * (d + v), window),),
        (Attend(n, d, v, window=window),),
    )


def feed_forward(
    hidden: int,
    intermediate: int,
    *,
    prefix: str = "mlp",
    part: Part = Part.DENSE_FFN,
    gated: bool = True,
    bias: bool = False,
    copies: int = 1,
    visited: int | None = None,
) -> Weights:
    """Return a feed-forward block: gate, up and down (SwiGLU and kin), or up and down where it is not gated."""
    names = ("gate_proj", "up_proj") if gated else ("up_proj",)
    weights: list[Weight] = []
    for name in names:
        weights += linear(f"{prefix}.{name}", intermediate, hidden, part, bias=bias, copies=copies, visited=visited)
    weights += linear(f"{prefix}.down_proj", hidden, intermediate, part, bias=bias, copies=copies, visited=visited)
    return tuple(weights)


def experts(
    hidden: int,
    intermediate: int,
    count: int,
    used: int,
    *,
    prefix: str = "mlp",
    shared: int = 0,
    shared_prefix: str = "shared_experts",
    shared_gate: bool = False,
    router: str = "gate",
    router_bias: bool = False,
    gated: bool = True,
    bias: bool = False,
) -> Weights:
    """Return a mixture of experts: `count` routed ones of which a token visits `used`, and a shared one `shared` wide.

    `router_bias` is a parameter; correction biases that libraries keep as buffers are not counted here.
    """
    if used > count:
        raise Refused(f"a token cannot visit {used} of {count} experts")
    weights = [
        *linear(f"{prefix}.{router}", count, hidden, Part.ROUTER, bias=router_bias),
        *feed_forward(
            hidden, intermediate, prefix=f"{prefix}.experts.*", part=Part.ROUTED_EXPERTS,
            gated=gated, bias=bias, copies=count, visited=used,
        ),
    ]  # fmt: skip
    if shared:
        place = f"{prefix}.{shared_prefix}"
        weights += feed_forward(hidden, shared, prefix=place, part=Part.SHARED_EXPERTS, gated=gated, bias=bias)
    if shared_gate:
        weights += linear(f"{prefix}.shared_expert_gate", 1, hidden, Part.SHARED_EXPERTS)
    return tuple(weights)
