"""What a model asks of each device under a plan: weights, cache, activation and overhead, each within bounds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from weighbridge.errors import UsageError
from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Part
from weighbridge.inspection.fit.parallel import divide, finer_plans, plans_of
from weighbridge.inspection.memory.cache import Held, cache_bytes
from weighbridge.inspection.memory.llamacpp import Settings, buffers
from weighbridge.inspection.memory.quantized import weight_bytes
from weighbridge.inspection.memory.repack import weight_buffers
from weighbridge.inspection.memory.span import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.formats.tensor import Tensor
    from weighbridge.inspection.anatomy.structure import Structure
    from weighbridge.inspection.fit.parallel import Plan
    from weighbridge.inspection.memory.engines import Engine
    from weighbridge.inspection.memory.scheme import Scheme

__all__ = ["Candidate", "Demand", "Load", "load", "loads_of"]

_ALLOCATOR = (
    1.0,
    1.01,
)  # vLLM: 61.03 GiB for 61.02 of Qwen3-32B, 14.99 for 14.96 of Llama-3.1-8B, 48.5 for 48.07 of Gemma 4
_PADDED = (1.0, 1.08)  # MXFP4 experts in vLLM: 13.47 and 13.72 GiB for 12.82 of gpt-oss-20b, 64.38 for 60.77 of 120b
_ESTIMATED = (0.97, 1.03)
_AGREEING = (0.98, 1.12)  # files may hold a module for multi-token prediction and buffers, which are not loaded
_GPU_COMPUTE = (0.5, 2.0)
_TRANSIENT = (2, 8)  # hidden widths a token that transformers holds at once, low and high
_HALF = 2
_LEAST_BLOCK = 32  # NVFP4 has blocks of 16, which kernels pad
_F32 = 4


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model to be placed, in one quantization; `tensors` are the tables of a GGUF file, else None.

    `stored` is how many bytes its files hold, where that is known and the quantization is their own.
    """

    structure: Structure
    scheme: Scheme | None
    tensors: Sequence[Tensor] | None = None
    stored: int | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def quantization(self) -> str:
        """The name of the quantization."""
        return "as stored" if self.scheme is None else self.scheme.name

    @property
    def kind(self) -> Literal["dense", "moe", "multimodal"]:
        """The class by which engines' activation allowances are kept."""
        if self.structure.vision:
            return "multimodal"
        weights = self.structure.text_weights()
        return "moe" if any(weight.part is Part.ROUTED_EXPERTS for weight in weights) else "dense"


@dataclass(frozen=True, slots=True)
class Demand:
    """What is to be served: `sequences` at once of `context` tokens each."""

    engine: Engine
    context: int
    sequences: int = 1
    cache_type: str | None = None
    micro_batch: int = 512

    @property
    def held(self) -> Held:
        """What all sequences ask of a cache."""
        return Held(self.context, self.sequences, self.cache_type, micro_batch=self.micro_batch)


@dataclass(frozen=True, slots=True)
class Load:
    """What the fullest device holds, in bytes. `per_sequence` is the cache of one sequence of the demanded context.

    `stage` is that device's share of the model, `copies` the number of groups that share the sequences.
    """

    plan: Plan
    stage: Structure
    weights: Span
    cache: Span
    activation: Span
    overhead: Span
    per_sequence: int
    notes: tuple[str, ...] = field(default=())

    @property
    def fixed(self) -> Span:
        """All but the cache."""
        return self.weights + self.activation + self.overhead

    @property
    def total(self) -> Span:
        """All of it."""
        return self.fixed + self.cache


def load(candidate: Candidate, plan: Plan, demand: Demand, *, cpu: str | None = "none") -> Load:
    """Return what the fullest device holds; raises Refused where the plan cannot be, UsageError for a wrong engine.

    `cpu` is a class of `repack.toml` for a CPU, `none` for other devices, None for a CPU of unknown kind.
    """
    engine = demand.engine
    if candidate.tensors is not None and engine.name != "llama.cpp":
        raise UsageError("a GGUF file runs in llama.cpp", hint="leave `--engine` out, or give a config.json")
    stages = divide(candidate.structure, plan)
    _check_blocks(candidate, plan)
    each = -(-demand.sequences // plan.dp)
    share = Demand(engine, demand.context, each, demand.cache_type, demand.micro_batch)
    loads = [_stage(candidate, stage, plan, share, cpu) for stage in stages]
    return max(loads, key=lambda one: one.total.high)


def loads_of(candidate: Candidate, count: int, demand: Demand, *, cpu: str | None = "none") -> tuple[Load, ...]:
    """Return the loads on `count` devices under each plan that is worth a try, the usual one first.

    Where the usual plan would cut quantized blocks, one that cuts less stands in its place, and a note says so. Raises
    Refused where the model cannot be divided, UsageError for a wrong engine.
    """
    usual, *others = plans_of(candidate.structure, count)
    found = []
    try:
        found.append(load(candidate, usual, demand, cpu=cpu))
    except Refused as refusal:
        instead = _first(candidate, finer_plans(candidate.structure, usual), demand, cpu)
        if instead is None:
            raise
        said = f"{usual.text} is not possible: {refusal}; `{instead.plan.options}` stands in its place"
        found.append(replace(instead, notes=(said, *instead.notes)))
    for plan in others:
        if (each := _first(candidate, (plan,), demand, cpu)) is not None and each.plan != found[0].plan:
            found.append(each)
    return tuple(found)


def _first(candidate: Candidate, plans: Sequence[Plan], demand: Demand, cpu: str | None) -> Load | None:
    for plan in plans:
        try:
            return load(candidate, plan, demand, cpu=cpu)
        except Refused:
            continue
    return None


def _check_blocks(candidate: Candidate, plan: Plan) -> None:
    """Refuse a plan that cuts through quantized blocks, as vLLM does: Qwen3-235B in FP8 cannot be divided by eight.

    vllm/model_executor/layers/quantization: `validate_fp8_block_shape`, "input size is not aligned" of AWQ and GPTQ.
    MXFP4 is padded instead.
    """
    scheme = candidate.scheme
    codings = [] if scheme is None else [rule.coding for rule in scheme.rules if rule.coding is not None]
    is_blocked = any(max(coding.block_in, coding.block_out) >= _LEAST_BLOCK for coding in codings)
    if plan.tp == 1 or scheme is None or not is_blocked or scheme.name == "mxfp4":
        return
    (cut,) = divide(candidate.structure, replace(plan, pp=1))
    for (name, whole), (_, part) in zip(candidate.structure.named(), cut.named(), strict=True):
        if whole.shape == part.shape or (coding := scheme.coding_of(name, whole)) is None:
            continue
        for before, after, block in zip(
            whole.shape[-2:], part.shape[-2:], (coding.block_out, coding.block_in), strict=True
        ):
            if block >= _LEAST_BLOCK and before % block == 0 and after % block:
                raise Refused(f"{before} over {plan.tp} devices is {after}, which cuts quantized blocks of {block}")


def _stage(candidate: Candidate, stage: Structure, plan: Plan, demand: Demand, cpu: str | None) -> Load:
    engine = demand.engine
    kept = cache_bytes(stage, engine, demand.held)
    one = cache_bytes(stage, engine, Held(demand.context, 1, demand.cache_type, micro_batch=demand.micro_batch))
    weights, notes = _weights(candidate, stage, plan, demand, cpu)
    activation, more = _activation(candidate, stage, demand, cpu)
    return Load(
        plan=plan,
        stage=stage,
        weights=weights,
        cache=Span(kept.least, kept.n_bytes),
        activation=activation,
        overhead=Span.of(0) if cpu != "none" else engine.overhead["several" if plan.devices > 1 else "one"],
        per_sequence=one.n_bytes,
        notes=(*candidate.notes, *notes, *kept.notes, *more),
    )


def _weights(
    candidate: Candidate, stage: Structure, plan: Plan, demand: Demand, cpu: str | None
) -> tuple[Span, tuple[str, ...]]:
    """Return the bytes of the stage's weights: of a GGUF file from its tables, else by formula and scheme."""
    if candidate.tensors is not None:
        return _stored(candidate.tensors, stage, plan, cpu)
    if candidate.scheme is None:
        raise UsageError("a model without weights needs a quantization to be weighed in")
    sized = weight_bytes(stage, candidate.scheme)
    span = Span.of(sized.n_bytes)
    low, high, said = _doubt(candidate, demand.engine.name, is_estimated=sized.status != "exact")
    return span.scaled(low, high), (*((said,) if said else ()), *sized.notes)


def _doubt(candidate: Candidate, engine: str, *, is_estimated: bool) -> tuple[float, float, str | None]:
    """Return by how much an engine's weights may differ from the formula, low and high, and why."""
    scheme = candidate.scheme
    name = candidate.quantization
    if candidate.stored is not None and scheme is not None:
        ratio = candidate.stored / max(weight_bytes(candidate.structure, scheme).n_bytes, 1)
        if not _AGREEING[0] <= ratio <= _AGREEING[1]:
            said = f"the files hold {ratio:.0%} of the bytes that {name} gives for this structure"
            return min(ratio, 1.0), max(ratio, 1.0), said
    if is_estimated:
        return (*_ESTIMATED, f"weights in {name} are estimated")
    if engine == "llama.cpp":
        return 1.0, 1.0, None
    if name == "fp32" and engine in {"vllm", "sglang"}:
        return 0.5, 1.0, f"{engine} loads an fp32 checkpoint in 16 bits unless it is told otherwise"
    if name == "mxfp4" and engine == "vllm":
        return (*_PADDED, "vLLM pads MXFP4 experts by up to 8%")
    return (*_ALLOCATOR, None)


def _stored(tensors: Sequence[Tensor], stage: Structure, plan: Plan, cpu: str | None) -> tuple[Span, tuple[str, ...]]:
    if cpu != "none" and plan.devices == 1:
        found = weight_buffers(tensors, cpu)
        if found is None:
            raise UsageError("the file holds tensor types whose size is not known")
        note = () if found.repacked.is_exact else ("which rows llama.cpp copies depends on a CPU that is not known",)
        return found.mapped + found.repacked, note
    named = {name for name, _ in stage.named()}
    total = sum(tensor.n_bytes or 0 for tensor in tensors if tensor.name in named)
    return Span.of(total), ()


def _activation(
    candidate: Candidate, stage: Structure, demand: Demand, cpu: str | None
) -> tuple[Span, tuple[str, ...]]:
    """Return the working memory: llama.cpp's buffers, an allowance of the engine, or bounds for transformers."""
    engine = demand.engine
    if engine.name == "llama.cpp":
        context = demand.context * demand.sequences
        settings = Settings(context, demand.sequences, demand.micro_batch, demand.cache_type or engine.cache_type)
        found = buffers(candidate.structure, settings)
        if cpu != "none":
            return found.compute + Span.of(found.output), found.notes
        compute = found.compute.scaled(*_GPU_COMPUTE) if found.compute.is_exact else found.compute
        logits = demand.micro_batch * stage.vocabulary * _F32
        note = ("the compute buffer is measured on CPUs; on this device it is an estimate",)
        return compute + Span(found.output, found.output + logits), (*found.notes, *note)
    if engine.activation:
        note = (f"activation is an allowance: {engine.name} {engine.version}, {candidate.kind}",)
        return engine.activation[candidate.kind], note
    if engine.name == "transformers":
        tokens = demand.context * demand.sequences
        low, high = (tokens * candidate.structure.hidden_size * _HALF * width for width in _TRANSIENT)
        return Span(low, high * 2), ("activation of one whole prompt, within loose bounds",)
    return Span.of(0), (engine.note,) if engine.note else ()
