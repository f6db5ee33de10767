"""Mixtures of experts against what vendors, hubs and papers publish; `mixture_models.toml` names each source."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from weighbridge.inspection.anatomy.build import Refusal, structure_of
from weighbridge.inspection.anatomy.structure import Part, Structure

_MODELS: dict[str, dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("mixture_models.toml").read_text(encoding="utf-8")
)


def _models(figure: str) -> list[str]:
    return [name for name, model in _MODELS.items() if figure in model]


def _structure(name: str) -> Structure:
    return _built(_MODELS[name]["config"])


def _built(config: dict[str, Any]) -> Structure:
    structure = structure_of(config)
    assert isinstance(structure, Structure), structure
    return structure


def _with(name: str, **changes: Any) -> dict[str, Any]:
    return {**_MODELS[name]["config"], **changes}


@pytest.mark.parametrize("name", _models("stored"))
def test_a_structure_explains_every_element_that_a_checkpoint_stores(name: str) -> None:
    """Parameters, the routers' bias buffers, MTP modules and their second copies of embedding and head, to the unit."""
    structure = _structure(name)
    held_as_parameters = name.startswith("ERNIE")  # its library counts the router's bias among the parameters
    assert structure.buffers == 0 if held_as_parameters else structure.buffers >= 0
    stored = structure.text_total + structure.buffers + structure.mtp_total + structure.mtp_copies
    assert stored == _MODELS[name]["stored"]


@pytest.mark.parametrize("name", _models("total"))
def test_the_total_rounds_to_the_published_one(name: str) -> None:
    """A vendor's total is that of the language model, within half a percent of rounding."""
    assert _structure(name).text_total / 1e9 == pytest.approx(_MODELS[name]["total"], rel=0.005)


@pytest.mark.parametrize("name", _models("active"))
def test_one_of_three_conventions_gives_the_published_active_parameters(name: str) -> None:
    """All touched, without the input embedding, or without both embeddings."""
    published = _MODELS[name]["active"]
    assert min(abs(one / 1e9 - published) / published for one in _structure(name).active()) < 0.03


@pytest.mark.parametrize("name", _models("step3"))
def test_a_structure_gives_the_step3_reports_cost_of_a_decoded_token(name: str) -> None:
    """KV bytes, attention, projections and activated feed-forward at 8192 tokens, within 0.6 percent."""
    structure, published = _structure(name), _MODELS[name]["step3"]
    if "kv" in published:
        assert structure.cache_elements(8192) == pytest.approx(published["kv"], rel=0.006)
    attends = [one for layer in structure.layers for one in layer.attend]
    attention = sum(2 * min(8192, one.window or 8192) * one.heads * (one.qk + one.v) for one in attends)
    assert attention == pytest.approx(published["attention"], rel=0.006)
    weights = list(structure.text_weights())
    projections = 2 * sum(one.active for one in weights if one.part is Part.ATTENTION)
    assert projections == pytest.approx(published["projections"], rel=0.006)
    feed_forward = (Part.DENSE_FFN, Part.ROUTED_EXPERTS, Part.SHARED_EXPERTS)
    ffn = 2 * sum(one.active for one in weights if one.part in feed_forward)
    assert ffn == pytest.approx(published["ffn"], rel=0.006)


def test_hunyuan_large_keeps_a_twentieth_of_multi_head_attentions_cache() -> None:
    """GQA with 8 of 80 heads, shared between two layers: "saves almost 95%" (arXiv 2411.02265, 2.3)."""
    kept = _structure("Hunyuan-Large").cache_elements(4096)
    multi_head = _built(_with("Hunyuan-Large", use_cla=False, num_key_value_heads=80)).cache_elements(4096)
    assert kept / multi_head == 0.05


def test_layers_that_share_keys_and_values_hold_no_projections_for_them() -> None:
    """A following layer of Hunyuan-Large has queries and output alone."""
    owner, follower = _structure("Hunyuan-Large").layers[:2]
    names = {weight.name for weight in owner.weights} - {weight.name for weight in follower.weights}
    assert names == {"self_attn.k_proj.weight", "self_attn.v_proj.weight"}
    assert follower.attend == owner.attend


def test_a_list_of_visited_experts_holds_layer_by_layer() -> None:
    """Hunyuan's `moe_topk` may be a list: each layer's active experts are its own."""
    uneven = _built(_with("Hunyuan-A13B", moe_topk=[1] * 16 + [8] * 16))
    even = _structure("Hunyuan-A13B")
    assert uneven.text_total == even.text_total
    assert even.active()[0] - uneven.active()[0] == 16 * 7 * 3 * 4096 * 3072


def test_llama_4_keeps_the_whole_context_in_every_fourth_layer_only() -> None:
    """The others attend in chunks of 8192 tokens (Llama 4's announcement: interleaved layers without positions)."""
    structure = _structure("Llama-4-Maverick")
    assert [layer.kind for layer in structure.layers[:4]] == ["chunked"] * 3 + ["full"]
    assert structure.cache_elements(32768) - structure.cache_elements(16384) == 12 * 2 * 8 * 128 * 16384


def test_mimo_keeps_keys_wider_than_values_and_more_heads_where_it_slides() -> None:
    """Nine full layers of 4 heads, 39 sliding ones of 8 over 128 tokens; keys 192 and values 128 wide."""
    full, sliding = 9 * 4 * (192 + 128), 39 * 8 * (192 + 128)
    assert _structure("MiMo-V2-Flash").cache_elements(4096) == 4096 * full + 128 * sliding


def test_the_correction_of_a_router_is_no_active_parameter() -> None:
    """A parameter in the class of ERNIE, it acts on the choice alone, as where it is a buffer."""
    biases = [one for one in _structure("ERNIE-4.5-21B-A3B").text_weights() if "e_score_correction_bias" in one.name]
    assert sum(one.elements for one in biases) == 27 * 64
    assert sum(one.active for one in biases) == 0


def test_an_index_restricts_what_a_layer_of_minimax_m3_sees() -> None:
    """Sixteen blocks of 128 keys on the layers that the vendor's list marks."""
    config = {
        "model_type": "minimax_m3", "hidden_size": 6144, "intermediate_size": 3072, "num_hidden_layers": 2,
        "num_attention_heads": 64, "num_key_value_heads": 4, "head_dim": 128, "num_local_experts": 128,
        "num_experts_per_tok": 4, "vocab_size": 200064, "tie_word_embeddings": False, "moe_layer_freq": [0, 1],
        "sparse_attention_config": {
            "sparse_attention_freq": [0, 1], "sparse_num_index_heads": 4, "sparse_index_dim": 128,
            "sparse_topk_blocks": 16, "sparse_block_size": 128,
        },
    }  # fmt: skip
    structure = _built(config)
    assert [layer.attend[0].selected for layer in structure.layers] == [None, 2048]
    assert any("index keeps keys" in note for note in structure.notes)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        pytest.param(_with("Mixtral-8x7B", num_experts_per_tok=9), "cannot visit 9 of 8", id="more visited than there"),
        pytest.param(_with("Mixtral-8x7B", num_experts=4), "disagree", id="two names of one field"),
        pytest.param(_with("Mixtral-8x7B", n_routed_experts=4), "does not have", id="another family's experts"),
        pytest.param(_with("Mixtral-8x7B", hidden_size=None), "`hidden_size` is missing", id="no hidden size"),
        pytest.param(_with("Hunyuan-A13B", num_shared_expert=2), "`num_shared_expert`", id="two shared experts"),
        pytest.param(_with("Hunyuan-A13B", moe_intermediate_size=64), "`moe_intermediate_size`", id="other width"),
        pytest.param(_with("Hunyuan-A13B", use_cla=True), "`use_cla`", id="cross-layer attention"),
        pytest.param(_with("Hunyuan-A13B", moe_topk=[8, 8]), "2 entries for 32 layers", id="list too short"),
        pytest.param(_with("Step-3", moe_layers_enum=None), "`moe_layers_enum`", id="no list of mixtures"),
        pytest.param(_with("Step-3", moe_layers_enum="4,x"), "no layer", id="list of no numbers"),
        pytest.param(_with("Step-3.7-Flash", model_type="step3p7"), "`text_config`", id="flattened wrapper"),
        pytest.param(_with("Grok-2", architectures=["GitForCausalLM"]), "`git`", id="a captioning model"),
        pytest.param(_with("MiMo-V2-Flash", n_shared_experts=1), "`n_shared_experts`", id="unknown shared expert"),
        pytest.param(_with("MiMo-V2-Flash", add_full_attention_sink_bias=True), "sink", id="sinks where none are"),
        pytest.param(_with("Arctic", parallel_attn_mlp_res=None, use_residual=None), "beside", id="residual unknown"),
    ],
)
def test_a_config_that_does_not_determine_the_model_is_refused(config: dict[str, Any], reason: str) -> None:
    """Rather no figure than one that the checkpoint would contradict."""
    refusal = structure_of(config)
    assert isinstance(refusal, Refusal)
    assert reason in refusal.reason
