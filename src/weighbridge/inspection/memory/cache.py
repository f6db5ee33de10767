"""Bytes that an engine keeps for sequences: cached keys and values, index keys, and the state of linear layers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.inspection.anatomy.structure import Cache, Structure
    from weighbridge.inspection.memory.engines import Block, Engine

__all__ = ["CacheSize", "Held", "cache_bytes"]

_SPARSE_LATENT = (576, 656)  # vLLM's fp8_ds_mla: 512 FP8 values, 4 fp32 scales, 64 rotary values in bf16
_LEAST_STATE_BYTES = 2  # engines may keep states in the model's type
_GROUPING = 1.5  # vLLM pads the smaller group of layers rather than splitting the larger below this ratio


@dataclass(frozen=True, slots=True)
class Held:
    """What is asked of a cache: `sequences` of `context` tokens each; states are kept in `state_bytes` an element."""

    context: int
    sequences: int = 1
    cache_type: str | None = None
    state_bytes: int = 4
    micro_batch: int = 512


@dataclass(frozen=True, slots=True)
class CacheSize:
    """Bytes of all sequences at most; `state` of them do not grow with the context.

    `least` is smaller where the engine's layout is not wholly known; `notes` say why.
    """

    n_bytes: int
    state: int
    least: int
    notes: tuple[str, ...] = field(default=())

    @property
    def is_exact(self) -> bool:
        """Whether the engine's own rule is known to give this figure."""
        return not self.notes


def cache_bytes(structure: Structure, engine: Engine, held: Held) -> CacheSize:
    """Return what an engine keeps for sequences of a structure; raises UsageError for a type it cannot cache in."""
    block = engine.cache_block(held.cache_type)
    state = structure.state_elements * held.state_bytes
    if engine.hybrid == "grouped" and _is_mixed(structure):
        return _grouped(structure, engine, held, block)
    notes: list[str] = []
    kept = 0
    for cache, count in _alike(structure):
        tokens = _positions(cache, engine, held, notes)
        kept += count * _sized(cache, tokens, engine, block, notes)
    least = _least(structure, engine, held, block) if notes else kept + state
    return CacheSize(
        (kept + state) * held.sequences, state * held.sequences, least * held.sequences, tuple(dict.fromkeys(notes))
    )


def _alike(structure: Structure) -> Iterator[tuple[Cache, int]]:
    """Yield each distinct cache with the number of layers that have it."""
    found: Counter[Cache] = Counter()
    alike = {id(layer): layer for layer in structure.layers}  # equal layers are mostly one object, quicker to count
    for key, count in Counter(map(id, structure.layers)).items():
        for cache in alike[key].caches:
            found[cache] += count
    yield from found.items()


def _is_mixed(structure: Structure) -> bool:
    """Whether layers keep different things, so that an engine with one pool of pages must unify them."""
    kinds = {(cache.window, cache.stride) for cache, _ in _alike(structure) if not cache.is_index}
    return len(kinds) + bool(structure.state_elements) > 1


def _positions(cache: Cache, engine: Engine, held: Held, notes: list[str]) -> int:
    """Return how many positions one sequence keeps in a layer."""
    context = _padded(held.context, engine.block)
    if cache.window is None:
        return context // cache.stride
    if engine.hybrid == "padded-window":  # llama.cpp keeps room for the micro-batch that is being read
        return min(context, _padded(cache.window + held.micro_batch, engine.block)) // cache.stride
    if engine.hybrid == "grouped":
        return _padded(min(context, cache.window - 1 + engine.batched_tokens), engine.block) // cache.stride
    if engine.hybrid == "pool":
        notes.append(f"{engine.name} sizes the pool of sliding layers at {engine.pool_share:.0%} of the tokens")
        return max(min(context, cache.window), int(context * engine.pool_share)) // cache.stride
    return min(context, cache.window) // cache.stride


def _sized(cache: Cache, positions: int, engine: Engine, block: Block, notes: list[str]) -> int:
    """Return the bytes of so many positions in one layer."""
    if cache.is_index and engine.index_block is not None:
        return positions * engine.index_block.size(cache.elements)
    elements = cache.kept(absorbed=engine.is_absorbing)
    if cache.stride > 1:
        notes.append("compressed caches are counted in the cache type; an engine may lay them out otherwise")
    return positions * block.size(elements)


def _grouped(structure: Structure, engine: Engine, held: Held, block: Block) -> CacheSize:
    """vLLM: layers of a kind form groups of equal length, all groups draw pages of one size from one pool.

    vllm/v1/core/kv_cache_utils.py: the group length is the smallest number of layers of a kind, or the largest where
    that is less than 1.5 times as many; a page of attention grows until a state fits into it.
    """
    notes = ["vLLM unifies pages: layers are padded to groups of equal length and to one page size"]
    kinds: Counter[tuple[int, int | None, int]] = Counter()  # bytes a token, window, stride
    index = 0
    for cache, count in _alike(structure):
        if cache.is_index:
            index += count * _sized(cache, _positions(cache, engine, held, notes), engine, block, notes)
        else:
            kinds[block.size(cache.kept(absorbed=engine.is_absorbing)), cache.window, cache.stride] += count
    states = Counter(layer.state * held.state_bytes for layer in structure.layers if layer.state)
    counts = [*kinds.values(), *states.values()]
    length = max(counts) if max(counts) < min(counts) * _GROUPING else min(counts)
    tokens, page = engine.block, 0
    if kinds:
        widest = max(size for size, _, _ in kinds)
        largest = max(states, default=0)
        tokens = max(engine.block, _padded(-(-largest // widest), engine.block))
        page = tokens * widest
    page = max([page, *states])
    pages = 0
    for (size, window, stride), count in kinds.items():
        held_tokens = held.context if window is None else min(held.context, window - 1 + engine.batched_tokens)
        each = page // size if size else 1  # tokens of a narrower layer that share a page
        pages += -(-count // length) * (-(-(held_tokens // stride) // each) + (window is not None))
    n_states = sum(-(-count // length) for count in states.values())
    per_sequence = (pages + n_states) * length * page + index
    return CacheSize(
        per_sequence * held.sequences,
        n_states * length * page * held.sequences,
        min(_least(structure, engine, held, block), per_sequence) * held.sequences,
        tuple(dict.fromkeys(notes)),
    )


def _least(structure: Structure, engine: Engine, held: Held, block: Block) -> int:
    """Return what one sequence keeps without padding or pools; compressed positions may be kept in half the bytes."""
    kept = structure.state_elements * min(held.state_bytes, _LEAST_STATE_BYTES)
    for cache, count in _alike(structure):
        each = _sized(cache, cache.positions(held.context), engine, block, [])
        kept += count * (each // 2 if cache.stride > 1 else each)
    return kept


def _padded(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple
