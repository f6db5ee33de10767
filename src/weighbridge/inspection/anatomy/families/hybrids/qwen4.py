"""Qwen4-Exp: gated delta nets, attention over selected blocks, hyper-connections, hashed n-gram embeddings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import linear, norm
from weighbridge.inspection.anatomy.families.hybrids.delta import delta_net_in, gated_attention, qwen_net, sparse_ffn
from weighbridge.inspection.anatomy.families.hybrids.frame import (
    FULL,
    LINEAR,
    framed,
    heads_in,
    kinds_in,
    layered,
    library,
)
from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Cache, Part, Weight

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.families.blocks import Mixer, Weights
    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Layer, Structure

__all__ = ["FAMILIES"]

_INDEXED = "indexed_attention"
_SPARSE = "qwen_sparse_attention"
_MOST_HEADS = 4096  # n-gram heads in all, each of which asks for a prime
_BASES = (2, 3, 5, 7)


def _qwen4(fields: Fields) -> Structure:
    """Qwen4-Exp as transformers 5.23 builds it."""
    if fields.word("model_type") == "qwen4_exp" and not fields.has("text_config"):
        raise Refused("`text_config` is missing, without which the library takes nothing from this config")
    fields = library(fields, "qwen4_exp_text")
    hidden, streams = fields.count("hidden_size"), fields.count("hc_count", at_least=2)
    kinds = _kinds(fields, fields.layers())
    mixers = {LINEAR: qwen_net(hidden, delta_net_in(fields), is_packed=False)}
    if _INDEXED in kinds:
        mixers[_INDEXED] = _indexed(fields, hidden)
    ffn = sparse_ffn(fields, hidden)
    rank = fields.count("hc_lowrank")
    places = ("attn_hyper_connection", "mlp_hyper_connection")
    residual = tuple(one for place in places for one in _mixing(place, hidden, streams, rank))
    residual += tuple(
        one
        for place in places
        for one in linear(f"{place}.block_inject_weight", streams, streams * hidden, Part.RESIDUAL)
    )
    plain = {kind: layered(mixer, ffn, residual) for kind, mixer in mixers.items()}
    built = [plain[kind] for kind in kinds]
    embedded, buffers = _embedded(fields, kinds), 0
    if embedded:
        heads = (fields.count("ngram_size", at_least=2) - 1) * fields.count("heads_per_ngram")
        for number, rows in zip(embedded, _rows(fields, heads, len(embedded)), strict=True):
            built[number] = _with_ngrams(fields, built[number], streams, heads, rows)
        buffers = len(embedded) * (fields.count("ngram_size") + 2 * heads)  # multipliers, lengths and offsets
    structure = framed(fields, built)
    outside = [weight for weight in structure.outside if weight.part is not Part.NORMS]
    said = ("how the MTP module of this family is stored is not known; it is not counted",)
    return replace(
        structure,
        outside=(*outside, *_mixing("model.hyper_connection_mixer", hidden, streams, rank)),
        buffers=buffers,
        notes=said if fields.optional("mtp_num_hidden_layers") else (),
    )


def _kinds(fields: Fields, layers: int) -> tuple[str, ...]:
    listed = kinds_in(fields, layers, (FULL, LINEAR, _INDEXED, _SPARSE), "layer_types")
    if listed is not None:
        return tuple(LINEAR if kind == LINEAR else _INDEXED for kind in listed)
    every = fields.count("full_attention_interval", default=4)
    return tuple(LINEAR if (number + 1) % every else _INDEXED for number in range(layers))


def _mixing(place: str, hidden: int, streams: int, rank: int) -> Weights:
    """Return the norm and the low-rank mixer of residual streams."""
    wide = streams * hidden
    return (
        *norm(f"{place}.hc_norm", wide),
        *linear(f"{place}.input_mix_weight_down", rank, wide, Part.RESIDUAL),
        *linear(f"{place}.input_mix_weight_up", wide, rank, Part.RESIDUAL),
    )


def _indexed(fields: Fields, hidden: int) -> Mixer:
    """Return gated attention to the blocks that an indexer selects; it keeps one key a token, averaged when read."""
    attention = gated_attention(hidden, heads_in(fields, hidden), bias=fields.flag("attention_bias"))
    heads, width = fields.count("indexer_n_heads"), fields.count("indexer_head_dim")
    if fields.count("indexer_kv_heads") != 1:
        raise Refused("`indexer_kv_heads` is not 1, which the library does not build")
    budget, ratio = fields.count("indexer_budget"), fields.count("indexer_compress_ratio")
    if budget % ratio:
        raise Refused("`indexer_budget` cannot be divided by `indexer_compress_ratio`")
    indexer = (
        *linear("self_attn.indexer.index_qk_proj", (heads + 1) * width, hidden, Part.ATTENTION),
        *norm("self_attn.indexer.q_layernorm", width),
        *norm("self_attn.indexer.k_layernorm", width),
    )
    return replace(
        attention,
        kind="indexed",
        weights=(*attention.weights, *indexer),
        caches=(*attention.caches, Cache(width, is_index=True)),
        attend=tuple(replace(one, selected=budget) for one in attention.attend),
    )


def _embedded(fields: Fields, kinds: tuple[str, ...]) -> list[int]:
    """Return the layers with n-gram embeddings, counted from 0; the config counts from 1."""
    named = fields.members("ple_layer_ids")
    for number in named:
        if not 1 <= number <= len(kinds) or kinds[number - 1] != LINEAR:
            raise Refused("`ple_layer_ids` names a layer that is no delta net")
    return sorted(number - 1 for number in named)


def _with_ngrams(fields: Fields, layer: Layer, streams: int, heads: int, rows: int) -> Layer:
    """Return the layer with an n-gram embedding: a token reads one of the table's rows for each head.

    State besides that of the delta net: inputs of a dilated convolution, and the tokens of the longest n-gram.
    """
    hidden, size = fields.count("hidden_size"), fields.count("ngram_size")
    wide, width = streams * hidden, fields.count("ple_embed_dim", default=hidden)
    if width % heads:
        raise Refused(f"an n-gram embedding of {width} elements cannot be split over {heads} heads")
    kernel, place = fields.count("ple_conv_kernel_size"), "ple"
    table = f"{place}.ple_embedding.ngram_embedding.weight"
    weights = (
        Weight(table, Part.EMBEDDING, (width // heads,), copies=rows, visited=heads),
        *linear(f"{place}.key_proj", wide, width, Part.RESIDUAL),
        *linear(f"{place}.value_proj", hidden, width, Part.RESIDUAL),
        *(one for name in ("norm_key", "norm_query", "norm_conv") for one in norm(f"{place}.{name}", wide)),
        Weight(f"{place}.conv1d.weight", Part.RESIDUAL, (wide, 1, kernel)),
    )
    kept = wide * (kernel - 1) * size + size - 1
    return replace(layer, weights=(*layer.weights, *weights), state=layer.state + kept)


def _rows(fields: Fields, heads: int, layers: int) -> list[int]:
    """Return the rows of each layer's table: its heads are as long as the next primes from the base on, then padded."""
    base = fields.count("ngram_vocab_size_base")
    divisor = fields.count("make_ngram_vocab_size_divisible_by")
    if layers * heads > _MOST_HEADS:
        raise Refused("the n-gram embeddings have more heads than can be counted")
    rows, prime = [], base - 1
    for _ in range(layers):
        total = 0
        for _ in range(heads):
            prime = _prime_after(prime)
            total += prime
        rows.append(-(-total // divisor) * divisor)
    return rows


def _prime_after(number: int) -> int:
    """Return the smallest prime above a number."""
    number += 1
    while not _is_prime(number):
        number += 1
    return number


def _is_prime(number: int) -> bool:
    """Whether a number is prime, by Miller's test, which these bases decide below 3,215,031,751."""
    if number in _BASES:
        return True
    if number <= max(_BASES) or any(number % base == 0 for base in _BASES):
        return False
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    return all(_passes(number, base, odd, twos) for base in _BASES)


def _passes(number: int, base: int, odd: int, twos: int) -> bool:
    power = pow(base, odd, number)
    if power in (1, number - 1):
        return True
    for _ in range(twos - 1):
        power = power * power % number
        if power == number - 1:
            return True
    return False


FAMILIES: dict[str, Callable[[Fields], Structure]] = {"qwen4_exp": _qwen4, "qwen4_exp_text": _qwen4}
