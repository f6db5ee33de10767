"""Decoders whose code lies beside their weights; transformers has no class of theirs to compare with.

Formulas follow the models' own code. Verified are those that give the published totals of their checkpoints, or the
derived figures of the project's table of configs; the others are marked as not verified.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import linear, norm
from weighbridge.inspection.anatomy.families.decoder import Traits, dense, hidden_of
from weighbridge.inspection.anatomy.families.lines.gpt import plain, positions
from weighbridge.inspection.anatomy.families.lines.layout import (
    FUSED_GATE,
    FUSED_QUERY,
    deriving,
    laid_out,
    switched_on,
    without_cache,
)
from weighbridge.inspection.anatomy.families.lines.llama import UNBIASED, split_evenly
from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Layer, Part, Weight

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES"]

_DIFFUSION = "the model writes all positions at once (diffusion), so it keeps no cache between tokens"


def _plain_llama(fields: Fields) -> Structure:
    """Llama's weights under Llama's names, without any bias: Yi and XVERSE."""
    return dense(fields, replace(UNBIASED, verified=False))


def _aquila(fields: Fields) -> Structure:
    """Aquila 1 and 2: Llama's weights."""
    return dense(fields, UNBIASED)


def _yi(fields: Fields) -> Structure:
    """Yi before it became Llama: two norms have other names."""
    names = {"input_layernorm": "ln1", "post_attention_layernorm": "ln2"}
    return laid_out(_plain_llama(fields), names=names)


def _qwen(fields: Fields) -> Structure:
    """Qwen (first generation): `intermediate_size` counts gate and up together; queries, keys and values are biased."""
    wide = fields.count("intermediate_size")
    if wide % 2:
        raise Refused("`intermediate_size` counts two halves, so it cannot be odd")
    bias = not fields.flag("no_bias", default=True)
    said = deriving(
        fields,
        intermediate_size=wide // 2,
        head_dim=fields.optional("kv_channels", at_least=1),
        num_key_value_heads=None,
    )
    structure = dense(said, Traits(qkv_bias=True, out_bias=bias, mlp_bias=bias))
    names = {
        "model.embed_tokens.": "transformer.wte.", "model.norm.": "transformer.ln_f.", "input_layernorm": "ln_1",
        "post_attention_layernorm": "ln_2", "self_attn.": "attn.", "o_proj": "c_proj", "mlp.gate_proj": "mlp.w2",
        "mlp.up_proj": "mlp.w1", "mlp.down_proj": "mlp.c_proj",
    }  # fmt: skip
    return laid_out(structure, prefix="transformer.h", fused={"c_attn": FUSED_QUERY}, names=names)


def _internlm(fields: Fields) -> Structure:
    """InternLM (first generation): biases in attention unless switched off."""
    bias = fields.flag("bias", default=True)
    alone = split_evenly(fields, all_keys=True)
    return dense(alone, Traits(qkv_bias=bias, out_bias=bias, mlp_bias=False, verified=False))


def _internlm2(fields: Fields) -> Structure:
    """InternLM 2 and 2.5: one matrix of queries, keys and values."""
    bias = fields.flag("bias", default=True)
    structure = dense(fields, Traits(qkv_bias=bias, out_bias=bias, mlp_bias=False))
    names = {
        "model.embed_tokens.": "model.tok_embeddings.", "lm_head.": "output.", "input_layernorm": "attention_norm",
        "post_attention_layernorm": "ffn_norm", "self_attn.": "attention.", "o_proj": "wo",
        "mlp.gate_proj": "feed_forward.w1", "mlp.up_proj": "feed_forward.w3", "mlp.down_proj": "feed_forward.w2",
    }  # fmt: skip
    return laid_out(structure, fused={"wqkv": FUSED_QUERY}, names=names)


def _baichuan(fields: Fields) -> Structure:
    """Baichuan 1 and 2: one matrix of queries, keys and values; every head with keys of its own."""
    alone = split_evenly(fields, all_keys=True)
    return laid_out(dense(alone, replace(UNBIASED, verified=False)), fused={"W_pack": FUSED_QUERY})


def _orion(fields: Fields) -> Structure:
    """Orion: LayerNorm in place of RMSNorm."""
    return dense(fields, replace(UNBIASED, norm_bias=True))


def _minicpm(fields: Fields) -> Structure:
    """MiniCPM 1, 2 and 4 dense: Llama, tied unless the config says otherwise."""
    return dense(fields, Traits(mlp_bias=False, tied=True))


def _pangu(fields: Fields) -> Structure:
    """openPangu-Embedded: one switch for the biases of attention."""
    bias = fields.flag("bias", default=True)
    return dense(fields, Traits(qkv_bias=bias, out_bias=bias, mlp_bias=False))


def _chatglm(fields: Fields) -> Structure:
    """ChatGLM 2 and 3, GLM-4-9B: few key-value groups, gate and up in one matrix; rotary frequencies are stored."""
    if fields.has("pre_seq_len") or switched_on(fields, "apply_residual_connection_post_layernorm"):
        raise Refused("a prefix encoder or a residual after the norms is declared, which is not known here")
    if not fields.flag("rmsnorm", default=True):
        raise Refused("`rmsnorm` is off, which is not known here")
    heads, width = fields.count("num_attention_heads"), fields.count("kv_channels", default=128)
    groups = heads
    if fields.flag("multi_query_attention", default=False):
        groups = fields.count("multi_query_group_num", default=1)
    said = deriving(
        fields,
        num_hidden_layers=fields.layers("num_layers", "num_hidden_layers"),
        intermediate_size=fields.count("ffn_hidden_size"),
        vocab_size=fields.count("padded_vocab_size", "vocab_size"),
        num_key_value_heads=groups,
        head_dim=width,
    )
    bias = fields.flag("add_bias_linear", default=False)
    final = fields.flag("post_layer_norm", default=True)
    traits = Traits(
        qkv_bias=bias or fields.flag("add_qkv_bias", default=False), out_bias=bias, mlp_bias=bias, final_norm=final
    )
    names = {
        "model.embed_tokens.": "transformer.embedding.word_embeddings.", "lm_head.": "transformer.output_layer.",
        "model.norm.": "transformer.encoder.final_layernorm.", "self_attn.": "self_attention.", "o_proj": "dense",
        "down_proj": "dense_4h_to_h",
    }  # fmt: skip
    laid = laid_out(
        dense(said, traits),
        prefix="transformer.encoder.layers",
        fused={"query_key_value": FUSED_QUERY, "dense_h_to_4h": FUSED_GATE},
        names=names,
    )
    return replace(laid, buffers=width // 4)


def _phi3small(fields: Fields) -> Structure:
    """Phi-3-small: biases everywhere, queries, keys and values by key-value group, gate and up in one matrix, tied."""
    said = deriving(fields, intermediate_size=fields.count("ff_intermediate_size", "intermediate_size"))
    traits = Traits(qkv_bias=True, out_bias=True, mlp_bias=True, norm_bias=True, tied=True)
    names = {"o_proj": "dense", "model.norm.": "model.final_layernorm."}
    fused = {"query_key_value": FUSED_QUERY, "up_proj": FUSED_GATE}
    laid = laid_out(dense(said, traits), fused=fused, names=names)
    return replace(laid, notes=("block-sparse layers are charged in full",))


def _telechat(fields: Fields) -> Structure:
    """TeleChat 1 and 2: the output projections of both blocks are biased; whether the head is tied must be declared."""
    fields.flag("tie_word_embeddings")
    said = deriving(
        split_evenly(fields),
        num_hidden_layers=fields.layers("num_hidden_layers", "n_layer"),
        num_attention_heads=fields.count("num_attention_heads", "n_head"),
        intermediate_size=fields.count("intermediate_size", "ffn_hidden_size"),
    )
    structure = dense(said, replace(UNBIASED, out_bias=True, verified=False), more=_down_bias(hidden_of(said)))
    names = {
        "model.embed_tokens.": "transformer.word_embeddings.", "model.norm.": "transformer.ln_f.", "o_proj": "dense",
        "self_attn.": "self_attention.", "q_proj": "query",
    }  # fmt: skip
    return laid_out(structure, prefix="transformer.h", fused={"key_value": ("k_proj", "v_proj")}, names=names)


def _down_bias(hidden: int) -> tuple[Weight, ...]:
    return (Weight("mlp.down_proj.bias", Part.DENSE_FFN, (hidden,)),)


def _mimo(fields: Fields) -> Structure:
    """MiMo 7B: Qwen 2 with modules that foresee tokens: a layer, three norms and a projection of two states."""
    bias = fields.flag("attention_bias", default=True)
    structure = dense(fields, replace(UNBIASED, qkv_bias=bias))
    hidden, count = structure.hidden_size, fields.count("num_nextn_predict_layers", default=0, at_least=0, at_most=64)
    own = (
        *linear("input_proj", hidden, 2 * hidden, Part.RESIDUAL),
        *(
            weight
            for name in ("token_layernorm", "hidden_layernorm", "final_layernorm")
            for weight in norm(name, hidden)
        ),
    )
    base = structure.layers[0]
    module = Layer(base.kind, (*base.weights, *own), base.caches, base.attend)
    return replace(structure, mtp=(module,) * count)


def _exaone(fields: Fields) -> Structure:
    """EXAONE 3 and 3.5: Llama under the names of GPT."""
    said = deriving(fields, num_hidden_layers=fields.layers("num_layers", "num_hidden_layers"))
    structure = dense(said, UNBIASED)
    names = {
        "model.embed_tokens.": "transformer.wte.", "model.norm.": "transformer.ln_f.", "input_layernorm": "ln_1",
        "post_attention_layernorm": "ln_2", "self_attn.": "attn.attention.", "o_proj": "out_proj",
        "gate_proj": "c_fc_0", "up_proj": "c_fc_1", "down_proj": "c_proj",
    }  # fmt: skip
    return laid_out(structure, prefix="transformer.h", names=names)


def _jais(fields: Fields) -> Structure:
    """Jais (first generation): GPT-2 with a gate and positions by bias."""
    wide = fields.optional("n_inner", "intermediate_size", at_least=1)
    gated = fields.word("activation_function") == "swiglu"
    traits = Traits(qkv_bias=True, out_bias=True, mlp_bias=True, gated=gated, norm_bias=True, tied=True, verified=False)
    names = {
        "model.embed_tokens.": "transformer.wte.", "model.norm.": "transformer.ln_f.", "input_layernorm": "ln_1",
        "post_attention_layernorm": "ln_2", "self_attn.": "attn.", "o_proj": "c_proj", "gate_proj": "c_fc2",
        "up_proj": "c_fc", "down_proj": "c_proj",
    }  # fmt: skip
    laid = laid_out(
        dense(plain(fields, wide), traits), prefix="transformer.h", fused={"c_attn": FUSED_QUERY}, names=names
    )  # fmt: skip
    if fields.word("position_embedding_type", default="learned") != "learned":
        return laid
    return positions(laid, "transformer.wpe.weight", fields.count("n_positions", "max_position_embeddings"))


def _dream(fields: Fields) -> Structure:
    """Dream: the weights of Qwen 2.5, at work as a diffusion model."""
    return without_cache(dense(fields, replace(UNBIASED, qkv_bias=True)), _DIFFUSION)


def _llada(fields: Fields) -> Structure:
    """LLaDA: the weights of Llama under the keys of OLMo's first code, at work as a diffusion model."""
    if fields.word("block_type", default="llama") != "llama" or switched_on(fields, "include_bias"):
        raise Refused("`block_type` or `include_bias` differ from LLaDA's, which is not known here")
    if switched_on(fields, "include_qkv_bias") or switched_on(fields, "attention_layer_norm"):
        raise Refused("biases or norms of queries are declared, which are not known here")
    said = deriving(
        fields,
        num_hidden_layers=fields.layers("n_layers", "num_hidden_layers"),
        num_attention_heads=fields.count("n_heads", "num_attention_heads"),
        num_key_value_heads=fields.optional("n_kv_heads", "num_key_value_heads", at_least=1),
        intermediate_size=fields.count("mlp_hidden_size", "intermediate_size"),
        vocab_size=fields.count("embedding_size", default=fields.count("vocab_size")),
        tie_word_embeddings=fields.flag("weight_tying", "tie_word_embeddings"),
    )
    structure = dense(said, UNBIASED)
    names = {
        "model.embed_tokens.": "model.transformer.wte.", "model.norm.": "model.transformer.ln_f.",
        "lm_head.": "model.transformer.ff_out.", "self_attn.o_proj": "attn_out", "self_attn.": "",
        "mlp.gate_proj": "ff_proj", "mlp.up_proj": "up_proj", "mlp.down_proj": "ff_out",
        "input_layernorm": "attn_norm", "post_attention_layernorm": "ff_norm",
    }  # fmt: skip
    return without_cache(laid_out(structure, prefix="model.transformer.blocks", names=names), _DIFFUSION)


FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    "qwen": _qwen,
    "Yi": _yi,
    "aquila": _aquila,
    "xverse": _plain_llama,
    "internlm": _internlm,
    "internlm2": _internlm2,
    "baichuan": _baichuan,
    "orion": _orion,
    "minicpm": _minicpm,
    "PanguEmbedded": _pangu,
    "chatglm": _chatglm,
    "phi3small": _phi3small,
    "telechat": _telechat,
    "mimo": _mimo,
    "exaone": _exaone,
    "jais": _jais,
    "Dream": _dream,
    "llada": _llada,
}
