"""Schemes as configs declare them: which modules are quantized how, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.inspection.anatomy.structure import Layer, Part, Structure, Weight
from weighbridge.inspection.memory.quantized import weight_bytes
from weighbridge.inspection.memory.scheme import (
    SCHEMES,
    Scheme,
    UnknownScheme,
    plain_scheme,
    promises_quantization,
    scheme_of,
)

# one layer of 4 experts, small enough to add up by hand
_LAYER = (
    Weight("self_attn.q_proj.weight", Part.ATTENTION, (256, 512)),
    Weight("self_attn.q_proj.bias", Part.ATTENTION, (256,)),
    Weight("mlp.gate.weight", Part.ROUTER, (4, 512)),
    Weight("mlp.experts.*.up_proj.weight", Part.ROUTED_EXPERTS, (128, 512), copies=4, visited=2),
    Weight("input_layernorm.weight", Part.NORMS, (512,)),
)
_OUTSIDE = (
    Weight("model.embed_tokens.weight", Part.EMBEDDING, (1000, 512)),
    Weight("lm_head.weight", Part.HEAD, (1000, 512)),
)
_SMALL = Structure("small", 512, 1000, is_tied=False, outside=_OUTSIDE, layers=(Layer("full", _LAYER),))
_PLAIN = 2 * (2 * 1000 * 512 + 256 + 4 * 512 + 512)  # embeddings, bias, router, norm in 16 bits
_ATTENTION, _EXPERTS = 256 * 512, 4 * 128 * 512


def _declared(settings: dict[str, Any], key: str = "quantization_config") -> Scheme:
    scheme = scheme_of({key: settings})
    assert isinstance(scheme, Scheme), scheme
    return scheme


def _bytes(scheme: Scheme) -> int:
    return weight_bytes(_SMALL, scheme).n_bytes


def test_plain_types_hold_as_many_bytes_as_their_name_says() -> None:
    """Every weight takes 2 or 4 bytes, and nothing is quantized."""
    sized = weight_bytes(_SMALL, SCHEMES["bf16"])
    assert (sized.n_bytes, sized.quantized, sized.bits_per_weight) == (2 * _SMALL.text_total, 0, 16)
    assert _bytes(SCHEMES["fp32"]) == 4 * _SMALL.text_total


@pytest.mark.parametrize(
    ("name", "attention", "experts"),
    [
        ("fp8", _ATTENTION + 4 * 2 * 4, _EXPERTS + 4 * 4 * 4),
        ("awq-4", 256 * 512 // 2 + 256 * 4 * 2 + 256 * 4 // 2, 4 * (128 * 512 // 2 + 128 * 4 * 2 + 128 * 4 // 2)),
        ("mxfp4", 2 * _ATTENTION, _EXPERTS // 2 + _EXPERTS // 32),
        ("nvfp4", _ATTENTION // 2 + _ATTENTION // 16 + 8, _EXPERTS // 2 + _EXPERTS // 16 + 4 * 8),
        ("nf4", _ATTENTION // 2 + _ATTENTION // 64 * 4 + 146, _EXPERTS // 2 + _EXPERTS // 64 * 4 + 4 * 146),
    ],
)
def test_a_named_scheme_stores_packed_weights_and_scales(name: str, attention: int, experts: int) -> None:
    """Layouts by hand: blocks of fp8, groups of 128 with zero points, 32 with e8m0, 16 with e4m3, 64 with fp32."""
    assert _bytes(SCHEMES[name]) == _PLAIN + attention + experts


def test_a_scheme_that_quantizes_nothing_says_so() -> None:
    """MXFP4 is for experts: a model without any keeps its 16 bits."""
    dense = Structure("dense", 512, 1000, is_tied=False, outside=_OUTSIDE, layers=(Layer("full", _LAYER[:2]),))
    sized = weight_bytes(dense, SCHEMES["mxfp4"])
    assert (sized.quantized, sized.bits_per_weight) == (0, 16)
    assert "quantizes nothing" in sized.notes[-1]


def test_act_order_adds_a_group_index_for_each_input() -> None:
    """GPTQ stores `g_idx` as int32; it is the whole difference to AWQ with the same groups."""
    assert _bytes(SCHEMES["gptq-4"]) - _bytes(SCHEMES["awq-4"]) == 4 * 512 * (1 + 4)


def test_a_module_list_keeps_modules_in_16_bits() -> None:
    """`modules_to_not_convert` names modules; the rest of the matrices is FP8."""
    block = {"quant_method": "fp8", "weight_block_size": [128, 128]}
    scheme = _declared({**block, "modules_to_not_convert": ["model.layers.0.self_attn"]})
    sized = weight_bytes(_SMALL, scheme)
    assert sized.quantized == _EXPERTS
    assert sized.by_part[Part.ATTENTION] == 2 * (_ATTENTION + 256)


def test_modelopt_leaves_out_what_its_globs_name() -> None:
    """`hf_quant_config.json` is read where the config says nothing; its wildcards count."""
    told = {"quantization": {"quant_algo": "NVFP4", "kv_cache_quant_algo": "FP8", "group_size": 16,
                             "exclude_modules": ["lm_head", "model.layers.0.self_attn*"]}}  # fmt: skip
    scheme = scheme_of({}, told)
    assert isinstance(scheme, Scheme)
    sized = weight_bytes(_SMALL, scheme)
    assert (sized.quantized, sized.packed, sized.scales) == (_EXPERTS, _EXPERTS // 2, _EXPERTS // 16)
    assert sized.extras == 2 * 4
    assert scheme.kv_cache == "fp8"


def test_mixed_precision_is_read_module_by_module() -> None:
    """Each listed module has its algorithm, the head too; what is not listed stays as it is."""
    scheme = _declared({
        "quant_method": "modelopt", "quant_algo": "MIXED_PRECISION",
        "quantized_layers": {"model.language_model.layers.0.self_attn.q_proj": {"quant_algo": "FP8"},
                             "lm_head": {"quant_algo": "W4A16_NVFP4", "group_size": 16}},
    })  # fmt: skip
    sized = weight_bytes(_SMALL, scheme)
    assert sized.by_part[Part.ATTENTION] == _ATTENTION + 8 + 2 * 256
    assert sized.by_part[Part.HEAD] == 512_000 // 2 + 512_000 // 16 + 4
    assert sized.by_part[Part.ROUTED_EXPERTS] == 2 * _EXPERTS


def test_compressed_tensors_reads_groups_targets_and_patterns() -> None:
    """`re:` patterns are matched, and a head that `ignore` does not list is quantized with the linear layers."""
    group = {"targets": ["Linear"], "weights": {"num_bits": 4, "type": "int", "symmetric": True, "strategy": "group",
                                                "group_size": 32}}  # fmt: skip
    told = {"quant_method": "compressed-tensors", "format": "pack-quantized", "config_groups": {"group_0": group}}
    all_linear = weight_bytes(_SMALL, _declared(told))
    experts = weight_bytes(_SMALL, _declared({**told, "ignore": ["lm_head", "re:.*self_attn.*"]}))
    assert all_linear.quantized == _ATTENTION + _EXPERTS + 512_000
    assert experts.quantized == _EXPERTS
    assert experts.by_part[Part.ROUTED_EXPERTS] == 4 * (128 * 512 // 2 + 128 * 16 * 2 + 16)


def test_mlx_overrides_single_modules() -> None:
    """MLX quantizes embedding, head and router; a module may have bits of its own, or be left out."""
    told = {"group_size": 64, "bits": 4, "model.layers.0.mlp.gate": {"group_size": 64, "bits": 8}, "lm_head": False}
    sized = weight_bytes(_SMALL, _declared(told, "quantization"))
    assert sized.by_part[Part.ROUTER] == 4 * 512 + 4 * 8 * 4
    assert sized.by_part[Part.EMBEDDING] == 512_000 // 2 + 1000 * 8 * 4
    assert sized.by_part[Part.HEAD] == 2 * 512_000


def test_what_depends_on_the_library_is_estimated_until_a_config_names_it() -> None:
    """MLX quantizes some routers, bitsandbytes experts that are modules: said, unless a module has its own setting."""
    open_router = weight_bytes(_SMALL, SCHEMES["mlx-4"])
    assert (open_router.status, "router" in open_router.notes[0]) == ("estimated", True)
    told = {"group_size": 64, "bits": 4, "model.layers.0.mlp.gate": {"group_size": 64, "bits": 8}}
    assert weight_bytes(_SMALL, _declared(told, "quantization")).status == "exact"
    assert "routed experts" in weight_bytes(_SMALL, SCHEMES["nf4"]).notes[-1]


def test_mlx_settings_go_before_those_of_the_model_that_was_converted() -> None:
    """MLX writes `quantization`; a `quantization_config` beside it may be what the original had."""
    scheme = scheme_of({
        "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]},
        "quantization": {"group_size": 32, "bits": 6, "model.layers.0.mlp.gate": {"group_size": 64, "bits": 8}},
    })  # fmt: skip
    assert isinstance(scheme, Scheme)
    assert scheme.name == "mlx-6"
    assert weight_bytes(_SMALL, scheme).by_part[Part.HEAD] == 512_000 * 6 // 8 + 1000 * 16 * 4


def test_a_real_nf4_index_states_these_bytes() -> None:
    """Molmo-7B-D in NF4 (github reubzdubz/Molmo7B_D_NF4Quant@edf464b): 6,661,964,712 bytes, 8,021,025,280 weights.

    Four matrices in each of 28 layers are quantized; head and vision are listed as skipped, the rest is no matrix.
    """
    shapes = {"att_proj": (4608, 3584), "attn_out": (3584, 3584), "ff_proj": (37888, 3584), "ff_out": (3584, 18944)}
    matrices = tuple(Weight(f"{name}.weight", Part.ATTENTION, shape) for name, shape in shapes.items())
    rest = 8_021_025_280 - 28 * sum(weight.elements for weight in matrices)
    outside = (Weight("rest.weight", Part.EMBEDDING, (rest,)),)
    molmo = Structure("molmo", 3584, 152064, is_tied=False, outside=outside, layers=(Layer("full", matrices),) * 28)
    told = {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4",
            "llm_int8_skip_modules": ["model.vision_backbone", "model.transformer.ff_out"]}  # fmt: skip
    assert abs(weight_bytes(molmo, _declared(told)).n_bytes - 6_661_964_712) < 112


def test_gptq_patterns_change_or_leave_out_modules() -> None:
    """`dynamic` of GPTQModel: `-:` leaves modules out, `+:` gives them bits of their own."""
    told = {"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": False,
            "dynamic": {r"-:.*self_attn\..*": {}, r"+:.*experts\..*": {"bits": 8}}}  # fmt: skip
    sized = weight_bytes(_SMALL, _declared(told))
    assert sized.by_part[Part.ATTENTION] == 2 * (_ATTENTION + 256)
    assert sized.by_part[Part.ROUTED_EXPERTS] == 4 * (128 * 512 + 128 * 4 * 2 + 128 * 4 + 512 * 4)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"quant_method": "quark"}, "quark"),
        ({"quant_method": "awq", "bits": 3}, "4 bits"),
        ({"quant_method": "gptq", "bits": "four"}, "whole number"),
        ({"quant_method": "fp8", "weight_block_size": [128]}, "pair"),
        ({"quant_method": "fp8", "weight_block_size": [128, 128], "modules_to_not_convert": "all"}, "list"),
        ({"quant_method": "modelopt", "quant_algo": "W4A8_AWQ"}, "W4A8_AWQ"),
        ({"quant_method": "compressed-tensors", "config_groups": {}}, "config_groups"),
        ({"quant_method": "compressed-tensors", "config_groups": {"g": {"weights": {"num_bits": 4}}},
          "ignore": ["re:(a+)+$"]}, "pattern"),
        ({"bits": 4, "group_size": 128, "desc_act": False}, "method"),
        ({"quant_method": ["fp8"]}, "method"),
        ("fp8", "no object"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_said_and_never_guessed(settings: Any, said: str) -> None:
    """An unknown method, width, strategy or pattern is an UnknownScheme with its reason."""
    scheme = scheme_of({"quantization_config": settings})
    assert isinstance(scheme, UnknownScheme)
    assert said in scheme.reason


def test_a_list_that_names_nothing_of_the_model_makes_the_figure_an_estimate() -> None:
    """Other names than ours may mean other modules; a head or a vision part that is not there means nothing."""
    block = {"quant_method": "fp8", "weight_block_size": [128, 128]}
    foreign = weight_bytes(_SMALL, _declared({**block, "modules_to_not_convert": ["decoder.blocks.0.mixer"]}))
    assert foreign.status == "estimated"
    assert "names none" in foreign.notes[0]
    assert weight_bytes(_SMALL, _declared({**block, "modules_to_not_convert": ["visual"]})).status == "exact"


def test_single_experts_that_are_listed_make_the_figure_an_estimate() -> None:
    """A list of all experts is exact; one of some of them is not, since a layer's experts are counted together."""
    block = {"quant_method": "fp8", "weight_block_size": [128, 128]}
    experts = [f"model.layers.0.mlp.experts.{number}.up_proj" for number in range(4)]
    all_listed = weight_bytes(_SMALL, _declared({**block, "modules_to_not_convert": experts}))
    assert (all_listed.status, all_listed.quantized) == ("exact", _ATTENTION)
    some = weight_bytes(_SMALL, _declared({**block, "modules_to_not_convert": experts[:2]}))
    assert some.status == "estimated"
    whole = [f"model.layers.0.mlp.experts.{number}.*" for number in range(3)]
    assert weight_bytes(_SMALL, _declared({**block, "modules_to_not_convert": whole})).status == "estimated"


@pytest.mark.parametrize(
    ("config", "name"),
    [({}, "bf16"), ({"torch_dtype": "float32"}, "fp32"), ({"text_config": {"dtype": "float16"}}, "fp16"),
     ({"dtype": 3}, "bf16")],
)  # fmt: skip
def test_unquantized_weights_have_the_declared_type(config: dict[str, Any], name: str) -> None:
    """`dtype` and `torch_dtype`, outside or in the text section."""
    assert plain_scheme(config).name == name


def test_no_declaration_is_no_scheme() -> None:
    """A config without quantization settings has none, null included."""
    assert scheme_of({}) is None
    assert scheme_of({"quantization_config": None}) is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
_FIELDS = ("bits", "group_size", "weight_block_size", "ignore", "modules_to_not_convert", "config_groups", "dynamic",
           "quantized_layers", "quant_algo", "mode", "format", "activation_scheme", "load_in_4bit")  # fmt: skip


_GROUP_FIELDS = ("num_bits", "type", "strategy", "group_size", "symmetric", "actorder", "block_structure", "dynamic")


@settings(max_examples=200, deadline=None)
@given(
    weights=st.dictionaries(
        st.sampled_from(_GROUP_FIELDS),
        st.sampled_from([4, 8, "int", "float", "group", "channel", "tensor", "block", 32, -1, 0, [128, 128]]) | _JSON,
        max_size=8,
    ),
    targets=_JSON,
)
def test_hostile_groups_raise_nothing(weights: dict[str, Any], targets: Any) -> None:
    """The groups of compressed-tensors, with settings that contradict each other."""
    group = {"weights": weights, "targets": targets}
    scheme = scheme_of({"quantization_config": {"quant_method": "compressed-tensors", "config_groups": {"g": group}}})
    if isinstance(scheme, Scheme):
        assert weight_bytes(_SMALL, scheme).n_bytes > 0


@settings(max_examples=200, deadline=None)
@given(
    method=st.sampled_from(["fp8", "awq", "gptq", "bitsandbytes", "mxfp4", "compressed-tensors", "modelopt", "mlx"]),
    fields=st.dictionaries(st.sampled_from(_FIELDS), _JSON, max_size=5),
)
def test_hostile_settings_raise_nothing(method: str, fields: dict[str, Any]) -> None:
    """Wrong types, giants and nonsense end in an UnknownScheme or a scheme that can be summed."""
    scheme = scheme_of({"quantization_config": {"quant_method": method, **fields}})
    if isinstance(scheme, Scheme):
        assert weight_bytes(_SMALL, scheme).n_bytes > 0


@pytest.mark.parametrize(
    ("name", "promises"),
    [
        ("DeepSeek-V3.1-NVFP4", True), ("Qwen3-32B-FP8-Static", True), ("model_awq", True), ("x-w8a8-y", True),
        ("Qwen3-14B-MLX-4bit", True), ("Llama-3.1-8B", False), ("deepfp8er", False), ("printer", False),
    ],
)  # fmt: skip
def test_a_name_may_promise_a_quantization(name: str, promises: bool) -> None:
    """One rule for inspect and fit, which must not disagree; names as they stand on hubs."""
    assert promises_quantization(name) is promises
