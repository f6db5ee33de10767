"""Divide a model among devices: tensor, pipeline, expert and data parallelism, as one structure for each stage.

Rules of vLLM: heads, feed-forward width and vocabulary are divided by `tp`; key-value heads are copied where they are
fewer than `tp`; norms, routers, the down-projections and the latent cache of MLA are whole on every device.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Layer, Part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.inspection.anatomy.structure import Cache, Structure, Weight

__all__ = ["Plan", "divide", "finer_plans", "plan_of", "plans_of"]

_ROWS = re.compile(r"(^|\.)(o_proj|out_proj|down_proj|dense|attn_output|ffn_down|c_proj|fc2|w2|wo)\b")
_KEYS = re.compile(r"(^|\.)(k_proj|v_proj|attn_k|attn_v)\b")
_FUSED = re.compile(r"qkv|query_key_value|c_attn|Wqkv|wqkv", re.IGNORECASE)
_HEADS = re.compile(r"(^|\.)(q_proj|q_b_proj|kv_b_proj|attn_q|attn_q_b|attn_kv_b|g_proj|gate_proj|wq|wq_b)\b")
_WHOLE = frozenset({Part.NORMS, Part.ROUTER, Part.RESIDUAL, Part.VISION, Part.PROJECTOR, Part.AUDIO})


@dataclass(frozen=True, slots=True)
class Plan:
    """`tp` devices share every layer, `pp` stages share the layers, `dp` copies share the sequences.

    Experts are spread over `ep` devices, or divided like other layers where it is 1.
    """

    tp: int = 1
    pp: int = 1
    dp: int = 1
    ep: int = 1

    @property
    def devices(self) -> int:
        """How many devices it takes."""
        return self.tp * self.pp * self.dp

    @property
    def text(self) -> str:
        """The plan in the words of its options: `tp 8`, `tp 4 pp 2`."""
        parts = [f"{name} {size}" for name in ("tp", "pp", "dp", "ep") if (size := getattr(self, name)) > 1]
        return " ".join(parts) or "one device"

    @property
    def options(self) -> str:
        """The options of `weighbridge fit` that ask for the plan: `--tp 1 --ep 8`."""
        sizes = (("tp", self.tp), ("pp", self.pp), ("ep", self.ep))
        return " ".join(f"--{name} {size}" for name, size in sizes if size > 1 or name == "tp")


def plan_of(
    structure: Structure, count: int, *, tp: int | None = None, pp: int | None = None, ep: int | None = None
) -> Plan:
    """Return a plan for `count` devices: the widest tensor parallelism that divides the model, stages for the rest.

    Where `tp` and `pp` leave devices over, they hold copies of the attention (data parallelism). Raises Refused.
    """
    if tp is None and pp is None:
        for wide in sorted((each for each in range(1, count + 1) if count % each == 0), reverse=True):
            plan = Plan(wide, count // wide, 1, ep or 1)
            if _divides(structure, plan):
                return plan
        raise Refused(f"the model cannot be divided among {count} devices")
    wide, stages = tp or (1 if pp is None or count % pp else count // pp), pp or 1
    copies, over = divmod(count, wide * stages)
    if over or not copies:
        raise Refused(f"{count} devices cannot form groups of {wide} x {stages}")
    return Plan(wide, stages, copies, ep or 1)


def plans_of(structure: Structure, count: int) -> tuple[Plan, ...]:
    """Return the plans for `count` devices that are worth a try, the usual one first; raises Refused without any.

    The widest tensor parallelism copies a latent cache, and key-value heads that are fewer than the devices. Behind it
    stand copies of the attention that share the sequences and spread the experts, as vLLM's and SGLang's recipes serve
    models with latent attention, and the widest tensor parallelism that copies no cache, with stages for the rest.
    """
    widest = plan_of(structure, count)
    layers = set(structure.layers)
    kept = [_kv_heads(layer) or 1 for layer in layers if any(not cache.is_index for cache in layer.caches)]
    if widest.tp == 1 or all(heads % widest.tp == 0 for heads in kept):
        return (widest,)
    narrow = max(tp for tp in range(1, widest.tp) if count % tp == 0 and all(heads % tp == 0 for heads in kept))
    others = [Plan(narrow, count // narrow)]
    if _has_experts(structure):
        others.insert(0, Plan(narrow, 1, count // narrow, count))
    return (widest, *(plan for plan in others if _divides(structure, plan)))


def finer_plans(structure: Structure, plan: Plan) -> tuple[Plan, ...]:
    """Return plans for as many devices that cut matrices less: whole experts first, then narrower groups in stages."""
    whole = [replace(plan, ep=plan.tp)] if _has_experts(structure) and plan.ep == 1 else []
    narrow = [Plan(tp, plan.devices // tp) for tp in range(plan.tp - 1, 0, -1) if plan.devices % tp == 0]
    return tuple(each for each in (*whole, *narrow) if _divides(structure, each))


def _has_experts(structure: Structure) -> bool:
    return any(weight.part is Part.ROUTED_EXPERTS for layer in set(structure.layers) for weight in layer.weights)


def _divides(structure: Structure, plan: Plan) -> bool:
    try:
        divide(structure, plan)
    except Refused:
        return False
    return True


def divide(structure: Structure, plan: Plan) -> tuple[Structure, ...]:
    """Return what one device of each pipeline stage holds; raises Refused where the model cannot be divided so.

    Layers that other stages hold stay as empty ones, so that every weight keeps its name.
    """
    if plan.ep > plan.tp * plan.dp or (plan.tp * plan.dp) % plan.ep:
        raise Refused(f"experts cannot be spread over {plan.ep} of {plan.tp * plan.dp} devices")
    bounds = list(_stages(len(structure.layers), plan.pp))
    layers: dict[Layer, Layer] = {}
    for layer in structure.layers:
        if layer not in layers:
            layers[layer] = _divided_layer(layer, plan)
    held = [layers[layer] for layer in structure.layers]
    outside = [_divided_outside(weight, plan) for weight in structure.outside]
    first = tuple(weight for weight in outside if weight.part is Part.EMBEDDING)
    last = tuple(weight for weight in outside if weight.part is not Part.EMBEDDING or structure.is_tied)
    empty = Layer("elsewhere", ())
    return tuple(
        replace(
            structure,
            layers=tuple(layer if low <= number < high else empty for number, layer in enumerate(held)),
            outside=tuple(outside) if plan.pp == 1 else first if low == 0 else last if high == len(held) else (),
            vision=structure.vision if low == 0 else (),
            mtp=(),
            mtp_copies=0,
        )
        for low, high in bounds
    )


def _stages(layers: int, stages: int) -> Iterator[tuple[int, int]]:
    """Yield the layers of each stage; what is left over goes to the stages before the last, as in vLLM."""
    if stages > layers:
        raise Refused(f"{layers} layers cannot fill {stages} stages")
    sizes = [layers // stages] * stages
    for number in range(layers % stages):
        sizes[stages - 2 - number] += 1
    at = 0
    for size in sizes:
        yield at, at + size
        at += size


def _divided_layer(layer: Layer, plan: Plan) -> Layer:
    """Return one device's share of a layer."""
    if plan.tp == 1 and plan.ep == 1:
        return layer
    heads = max((one.heads for one in layer.attend), default=0)
    if heads % plan.tp:
        raise Refused(f"{heads} heads cannot be divided among {plan.tp} devices")
    kv_heads = _kv_heads(layer)
    return replace(
        layer,
        weights=tuple(_divided(weight, plan, heads, kv_heads) for weight in layer.weights),
        caches=tuple(_divided_cache(cache, plan.tp, kv_heads) for cache in layer.caches),
        attend=tuple(replace(one, heads=one.heads // plan.tp) for one in layer.attend),
        state=-(-layer.state // plan.tp),
    )


def _kv_heads(layer: Layer) -> int | None:
    """Return the key-value heads of grouped-query attention; None for a latent, whose cache is not divided."""
    if not layer.attend or not layer.caches:
        return None
    attend, kept = layer.attend[0], layer.caches[0]
    whole, over = divmod(kept.elements, attend.qk + attend.v)
    is_grouped = kept.decompressed is None and not over and kept.stride == 1 and attend.absorbed_qk is None
    return whole if is_grouped and whole and attend.heads % whole == 0 else None


def _shared(kv_heads: int, tp: int) -> int:
    """Return how many key-value heads a device holds: its share, or one that others hold too."""
    if kv_heads % tp and tp % kv_heads:
        raise Refused(f"{kv_heads} key-value heads can neither be divided among {tp} devices nor copied evenly")
    return max(kv_heads // tp, 1)


def _divided_cache(cache: Cache, tp: int, kv_heads: int | None) -> Cache:
    if kv_heads is None or cache.is_index:
        thin = None if cache.decompressed is None else -(-cache.decompressed // tp)
        return replace(cache, decompressed=thin)
    return replace(cache, elements=cache.elements // kv_heads * _shared(kv_heads, tp))


def _divided_outside(weight: Weight, plan: Plan) -> Weight:
    """Return a share of the vocabulary, padded; norms are whole."""
    if weight.part not in {Part.EMBEDDING, Part.HEAD}:
        return weight
    return replace(weight, shape=(-(-weight.shape[0] // plan.tp), *weight.shape[1:]))


def _divided(weight: Weight, plan: Plan, heads: int, kv_heads: int | None) -> Weight:
    """Return one device's share of a weight."""
    if weight.part in _WHOLE or len(weight.shape) == 1:
        return weight  # biases are divided too, and are too small to matter
    if weight.part is Part.ROUTED_EXPERTS and plan.ep > 1:
        copies = -(-weight.copies // plan.ep)
        return replace(weight, copies=copies, visited=None if weight.visited is None else min(weight.visited, copies))
    if weight.part is Part.ATTENTION:
        return _divided_attention(weight, plan.tp, heads, kv_heads)
    if weight.part is Part.LINEAR_ATTENTION:
        axis = next((axis for axis, size in enumerate(weight.shape[:2]) if size % plan.tp == 0), None)
        return weight if axis is None else _cut(weight, axis, plan.tp)
    if weight.shape[0] == 1:
        return weight  # the gate of a shared expert
    return _cut(weight, 1 if _ROWS.search(weight.name) else 0, plan.tp)


def _divided_attention(weight: Weight, tp: int, heads: int, kv_heads: int | None) -> Weight:
    name = weight.name
    if kv_heads is not None and _KEYS.search(name):
        return replace(weight, shape=(weight.shape[0] // kv_heads * _shared(kv_heads, tp), *weight.shape[1:]))
    if kv_heads is not None and _FUSED.search(name):
        width, over = divmod(weight.shape[0], heads + 2 * kv_heads)
        if not over:
            rows = width * (heads // tp + 2 * _shared(kv_heads, tp))
            return replace(weight, shape=(rows, *weight.shape[1:]))
    if _ROWS.search(name):
        return _cut(weight, 1, tp)
    return _cut(weight, 0, tp) if _HEADS.search(name) else weight  # down-projections of a latent, indexers


def _cut(weight: Weight, axis: int, tp: int) -> Weight:
    """Return a weight cut along one axis, which must divide."""
    size, over = divmod(weight.shape[axis], tp)
    if over:
        raise Refused(f"a width of {weight.shape[axis]} cannot be divided among {tp} devices")
    return replace(weight, shape=(*weight.shape[:axis], size, *weight.shape[axis + 1 :]))
