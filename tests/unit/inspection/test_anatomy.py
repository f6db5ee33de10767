from __future__ import annotations

import json
import math
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.evidence import Producer, recipe_of
from weighbridge.core.kinds import AnatomyV2
from weighbridge.errors import DamagedFile
from weighbridge.inspection.figures.inspect import inspect_anatomy
from weighbridge.testing.pinned import pin
from weighbridge.testing.tiny_weights import safetensors_bytes
from weighbridge.workflow.inspection.look import look

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 11, 21)
LLAMA = {
    "model_type": "llama", "num_hidden_layers": 2, "hidden_size": 4, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 128, "vocab_size": 8, "torch_dtype": "bfloat16",
}  # fmt: skip
TENSORS = {
    "model.embed_tokens.weight": ("BF16", [8, 4], 64),
    "model.layers.0.mlp.up_proj.weight": ("BF16", [4, 4], 32),
    "model.norm.weight": ("BF16", [4], 8),
}


def _anatomy(path: Path) -> AnatomyV2:
    evidence = inspect_anatomy(pin(path), TODAY)
    assert evidence.id.startswith("sha256:")  # the body is canonical JSON
    return AnatomyV2.model_validate(evidence.body)


def _said(body: AnatomyV2) -> list[str]:
    """Return the notes, then the disagreements in words."""
    return [*body.notes, *(one.message for one in body.disagreements)]


def _folder(
    folder: Path, config: dict[str, Any] | None = None, tensors: dict[str, Any] | None = None, **files: str
) -> Path:
    (folder / "config.json").write_text(json.dumps(LLAMA if config is None else config))
    if tensors != {}:
        (folder / "model.safetensors").write_bytes(safetensors_bytes(tensors or TENSORS))
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def test_a_safetensors_folder_is_counted_by_hand(tmp_path: Path) -> None:
    """8 x 4 + 4 x 4 + 4 = 52 elements in 104 bytes: 16 bits a weight."""
    body = _anatomy(_folder(tmp_path, tokenizer_config__json='{"chat_template": "{{ messages }}"}'))
    assert (body.status, body.format, body.architecture) == ("from checkpoint", "safetensors", "llama")
    assert (body.layers, body.hidden_size, body.heads, body.kv_heads, body.attention) == (2, 4, 4, 2, "GQA")
    assert (body.experts, body.experts_used, body.context_length, body.vocabulary) == (0, 0, 128, 8)
    assert (body.parameters.total, body.parameters.stored, body.parameters.active) == (52, 52, None)
    assert body.parameters.reason == "`intermediate_size` is missing"
    assert (body.weights.bytes, body.weights.bits_per_weight, body.weights.tensors) == (104, 16.0, 3)
    assert (body.weights.dtypes, body.weights.quantization) == ({"BF16": 52}, None)
    assert body.kv_cache.status == "unknown"
    assert body.chat_template is True
    assert _said(body) == []


def test_the_recipe_is_known_before_the_work(tmp_path: Path) -> None:
    """It needs the subject, the kind, no inputs and the producer, so a second run can ask for it first."""
    artefact = pin(_folder(tmp_path))
    evidence = inspect_anatomy(artefact, TODAY)
    weighbridge = Producer("weighbridge", evidence.producer.version)
    assert evidence.recipe == recipe_of(artefact.digest, "anatomy/v2", (), weighbridge)


@pytest.mark.parametrize(
    ("declared", "attention"),
    [
        ({"num_key_value_heads": 4}, "MHA"),
        ({"num_key_value_heads": 1}, "MQA"),
        ({"num_key_value_heads": 2}, "GQA"),
        ({"num_key_value_heads": None}, None),
        ({"num_key_value_heads": 4, "kv_lora_rank": 512}, "MLA"),
        ({"num_key_value_heads": 2, "kv_lora_rank": None}, "GQA"),
        ({"num_key_value_heads": None, "num_kv_heads": 4, "multi_query": True}, "MQA"),
        (
            {"num_key_value_heads": None, "num_kv_heads": 2, "multi_query": True, "new_decoder_architecture": True},
            "GQA",
        ),
        ({"num_key_value_heads": [2, 4]}, None),
        ({"num_key_value_heads": [2, 2]}, "GQA"),
        ({"num_key_value_heads": "two"}, None),
        ({"num_key_value_heads": -2}, None),
        ({"num_key_value_heads": True}, None),
        ({"num_key_value_heads": 10**30}, None),
    ],
)
def test_attention_is_named_only_where_the_config_says(
    tmp_path: Path, declared: dict[str, Any], attention: str | None
) -> None:
    """Traps from real configs: Hunyuan's null `kv_lora_rank`, Falcon-7B's flag against its count, lists by layer."""
    assert _anatomy(_folder(tmp_path, {**LLAMA, **declared}, {})).attention == attention


def test_a_nested_text_config_comes_first(tmp_path: Path) -> None:
    """A multimodal config holds the text model in `text_config`; top-level keys are fallbacks."""
    config = {"model_type": "gemma3", "vocab_size": 9, "hidden_size": 1, "text_config": {**LLAMA, "vocab_size": None}}
    body = _anatomy(_folder(tmp_path, config, {}))
    assert (body.architecture, body.hidden_size, body.layers, body.vocabulary) == ("gemma3", 4, 2, 9)


def test_a_folder_without_weights_counts_nothing(tmp_path: Path) -> None:
    """What the config implies is not what the files hold."""
    body = _anatomy(_folder(tmp_path, tensors={}))
    assert (body.format, body.parameters.stored, body.weights.tensors, body.experts) == ("config", None, None, None)
    assert body.chat_template is None
    assert _said(body) == ["the folder holds no weights, so nothing was counted"]


def _shards(folder: Path, metadata: dict[str, Any]) -> None:
    half = {"a.weight": ("BF16", [2], 4)}, {"b.weight": ("BF16", [3], 6)}
    for number, tensors in enumerate(half, 1):
        (folder / f"model-0000{number}-of-00002.safetensors").write_bytes(safetensors_bytes(tensors))
    weight_map = {"a.weight": "model-00001-of-00002.safetensors", "b.weight": "model-00002-of-00002.safetensors"}
    index = {"metadata": metadata, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def test_shards_are_summed_and_the_index_is_checked(tmp_path: Path) -> None:
    """A `total_size` of 0, as in nvidia/Cosmos-Reason2, is named; agreement is silent."""
    _shards(_folder(tmp_path, tensors={}), {"total_size": 10, "total_parameters": 5})
    body = _anatomy(tmp_path)
    assert (body.parameters.stored, body.weights.bytes, _said(body)) == (5, 10, [])
    _shards(tmp_path, {"total_size": 0, "total_parameters": 7})
    assert _said(_anatomy(tmp_path)) == [
        "the index says `total_size` 0 bytes, the tensors take 10",
        "the index says `total_parameters` 7, the tensors hold 5",
        "the index says 7 parameters and 0 bytes, which is not 2 bytes each as bfloat16",
    ]


def test_without_one_shard_no_total_is_known(tmp_path: Path) -> None:
    """The sum of what is there must not be called the model's size."""
    _shards(_folder(tmp_path, tensors={}), {})
    (tmp_path / "model-00002-of-00002.safetensors").unlink()
    body = _anatomy(tmp_path)
    assert (body.format, body.parameters.stored, body.weights.bytes, body.weights.tensors) == (
        "safetensors",
        None,
        None,
        None,
    )
    assert "1 parts are named and absent, so totals are not known: `model-00002-of-00002.safetensors`" in _said(body)


def test_numbered_shards_without_an_index_are_one_model(tmp_path: Path) -> None:
    """Their names say which belong together, and which is absent."""
    _shards(_folder(tmp_path, tensors={}), {})
    (tmp_path / "model.safetensors.index.json").unlink()
    assert _anatomy(tmp_path).parameters.stored == 5
    (tmp_path / "model-00001-of-00002.safetensors").unlink()
    assert _anatomy(tmp_path).parameters.stored is None


def test_a_damaged_shard_leaves_the_rest_of_the_inspection(tmp_path: Path) -> None:
    """The config is still read; the note says what is wrong, without the path of this machine."""
    _folder(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 100)
    body = _anatomy(tmp_path)
    assert (body.parameters.stored, body.layers) == (None, 2)
    assert _said(body) == [
        "`model.safetensors` claims a header of 18446744073709551615 bytes at byte 0; the format allows 100000000"
    ]


def test_a_damaged_config_leaves_the_tensor_table(tmp_path: Path) -> None:
    """A key that stands twice costs the declarations, not the count."""
    _folder(tmp_path)
    (tmp_path / "config.json").write_text('{"vocab_size": 8, "vocab_size": 9}')
    body = _anatomy(tmp_path)
    assert (body.parameters.stored, body.layers) == (52, None)
    assert _said(body) == ["`config.json` holds the key `vocab_size` twice"]


def test_tables_that_claim_more_than_a_number_can_hold_give_no_total(tmp_path: Path) -> None:
    """Each tensor is below 2**53, their sum is not; the statement must still be canonical JSON."""
    tensors = {name: ("F64", [2**52], 2**55) for name in "ab"}
    header = {
        name: {"dtype": dtype, "shape": shape, "data_offsets": [at * size, at * size + size]}
        for at, (name, (dtype, shape, size)) in enumerate(tensors.items())
    }
    raw = json.dumps(header).encode()
    _folder(tmp_path, tensors={})
    (tmp_path / "model.safetensors").write_bytes(len(raw).to_bytes(8, "little") + raw)
    body = _anatomy(tmp_path)
    assert (body.parameters.stored, body.weights.bytes, body.weights.dtypes) == (None, None, {})
    assert "the tensor tables claim more than 2**53 elements or bytes, so totals are not known" in _said(body)


@pytest.mark.parametrize(
    ("quantization", "tensor"),
    [
        ({"quant_method": "awq", "bits": 4}, ("model.layers.0.q.qweight", "I32", [4, 2], 32)),
        ({"quant_method": "mxfp4"}, ("model.layers.0.experts.down_proj_blocks", "U8", [2, 4, 2], 16)),
        ({"group_size": 64, "bits": 4}, ("model.layers.0.q.weight", "U32", [4, 2], 32)),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, ("model.layers.0.q.weight", "U8", [8, 1], 8)),
        ({"quant_method": "compressed-tensors"}, ("model.layers.0.q.weight_packed", "U8", [4, 2], 8)),
    ],
)
def test_packed_weights_are_not_a_parameter_count(
    tmp_path: Path, quantization: dict[str, Any], tensor: tuple[str, str, list[int], int]
) -> None:
    """nvidia/DeepSeek-V3.1-NVFP4 is shown as "393.6B" on the hub for a 671B model, for this reason."""
    name, *rest = tensor
    config = {**LLAMA, "quantization_config": quantization}
    body = _anatomy(_folder(tmp_path, config, {**TENSORS, name: tuple(rest)}))
    assert (body.parameters.stored, body.weights.bits_per_weight) == (None, None)
    assert body.weights.bytes == 104 + tensor[3]
    assert any("the weights are packed" in note and "is not a parameter count" in note for note in _said(body))


def test_scales_of_fp8_are_counted_and_named(tmp_path: Path) -> None:
    """DeepSeek-V3's hub figure holds 41,540,496 of them."""
    tensors = {
        "model.layers.0.q.weight": ("F8_E4M3", [4, 4], 16),
        "model.layers.0.q.weight_scale_inv": ("F32", [1, 1], 4),
    }
    config = {**LLAMA, "quantization_config": {"quant_method": "fp8"}}
    body = _anatomy(_folder(tmp_path, config, tensors))
    assert (body.parameters.stored, body.weights.quantization) == (17, "fp8")
    assert _said(body) == ["counts 1 scales of the quantization as parameters"]


def test_rotary_buffers_are_left_out_and_named(tmp_path: Path) -> None:
    """Llama-2-7B's hub figure is 32 x 64 too large because of them."""
    tensors = {**TENSORS, "model.layers.0.self_attn.rotary_emb.inv_freq": ("F32", [2], 8)}
    body = _anatomy(_folder(tmp_path, tensors=tensors))
    assert body.parameters.stored == 52
    assert _said(body) == ["leaves out 2 elements of buffers, such as integer tables or rotary frequencies"]


def test_layers_for_multi_token_prediction_are_named(tmp_path: Path) -> None:
    """DeepSeek-R1's hub figure holds 13,463,426,304 of them in layer 61 of a 61-layer model (0 to 60)."""
    config = {**LLAMA, "num_nextn_predict_layers": 1}
    tensors = {**TENSORS, "model.layers.2.eh_proj.weight": ("BF16", [4, 8], 64)}
    body = _anatomy(_folder(tmp_path, config, tensors))
    assert _said(body) == ["counts 32 elements of layers for multi-token prediction"]


@pytest.mark.parametrize(
    ("tied", "words"),
    [(True, "the config ties the output head"), (None, "a tied model's published figure"), (False, None)],
)
def test_a_head_stored_beside_the_embedding_is_named(tmp_path: Path, tied: bool | None, words: str | None) -> None:
    """Qwen3-0.6B: 751,632,384 on the hub against 596,049,920, which is this trap."""
    tensors = {**TENSORS, "lm_head.weight": ("BF16", [8, 4], 64)}
    body = _anatomy(_folder(tmp_path, {**LLAMA, "tie_word_embeddings": tied}, tensors))
    assert body.parameters.stored == 84
    found = [note for note in _said(body) if "output head" in note]
    assert len(found) == (words is not None)
    assert all(words is not None and words in note and note.endswith(": 52") for note in found)


@pytest.mark.parametrize(
    ("config", "note"),
    [
        ({"torch_dtype": "float32"}, "declares `float32`, but most elements are BF16"),
        ({"vocab_size": 10}, "the embedding has 8 rows, the declared vocabulary 10 tokens"),
        (
            {"quantization_config": {"quant_method": "fp8"}},
            "declares the quantization `fp8`, but no tensor is quantized",
        ),
        ({"seq_length": 64}, "`max_position_embeddings` says 128, `seq_length` says 64"),
    ],
)
def test_a_disagreement_is_named(tmp_path: Path, config: dict[str, Any], note: str) -> None:
    """Two sources that contradict each other are both shown."""
    assert note in _said(_anatomy(_folder(tmp_path, {**LLAMA, **config})))


def test_an_adapter_is_not_a_model(tmp_path: Path) -> None:
    """Its elements are not the size of what will run."""
    _folder(tmp_path, tensors={})
    (tmp_path / "adapter_model.safetensors").write_bytes(safetensors_bytes(TENSORS))
    body = _anatomy(tmp_path)
    assert body.parameters.stored is None
    assert _said(body) == ["the folder holds an adapter, not a model: the weights that it changes are elsewhere"]


def test_the_second_copy_of_the_weights_is_not_counted(tmp_path: Path) -> None:
    """Mistral's repositories hold `consolidated.safetensors` beside the shards."""
    _folder(tmp_path)
    (tmp_path / "consolidated.safetensors").write_bytes(safetensors_bytes(TENSORS))
    assert _anatomy(tmp_path).parameters.stored == 52


def test_a_file_that_vanishes_is_a_note(tmp_path: Path) -> None:
    """Between pinning and reading a file may go."""
    artefact = pin(_folder(tmp_path))
    (tmp_path / "config.json").unlink()
    notes = inspect_anatomy(artefact, TODAY).body["notes"]
    assert notes == ["`config.json` cannot be read: No such file or directory"]


_TINY = {**LLAMA, "intermediate_size": 6, "tie_word_embeddings": False}
_LAYER = {
    "self_attn.q_proj": (4, 4), "self_attn.k_proj": (2, 4), "self_attn.v_proj": (2, 4), "self_attn.o_proj": (4, 4),
    "mlp.gate_proj": (6, 4), "mlp.up_proj": (6, 4), "mlp.down_proj": (4, 6), "input_layernorm": (4,),
    "post_attention_layernorm": (4,),
}  # fmt: skip


def _whole(**more: tuple[int, ...]) -> dict[str, Any]:
    """Return the table of a whole tiny Llama, with further tensors."""
    shapes = {f"model.layers.{n}.{name}.weight": shape for n in range(2) for name, shape in _LAYER.items()}
    shapes |= {"model.embed_tokens.weight": (8, 4), "model.norm.weight": (4,), "lm_head.weight": (8, 4), **more}
    return {name: ("BF16", list(shape), 2 * math.prod(shape)) for name, shape in shapes.items()}


@pytest.mark.parametrize(
    ("config", "more", "total", "names"),
    [
        ({}, {}, 324, []),
        ({"tie_word_embeddings": True}, {}, 292, ["tied-head-stored"]),
        ({}, {"model.layers.0.self_attn.rotary_emb.inv_freq": (1,)}, 324, ["buffers-stored"]),
        ({}, {"model.layers.0.mlp.act_fn.beta": (1,)}, 324, ["stored-beside"]),
        ({}, {"model.layers.1.mlp.up_proj.weight_copy": (6, 4)}, 324, ["stored-beside"]),
        ({"intermediate_size": 7}, {}, 324, ["unexplained-difference"]),
        ({"vocab_size": 9}, {}, 324, ["unexplained-difference", "vocabulary-rows"]),
    ],
)
def test_tables_and_formula_are_compared(
    tmp_path: Path, config: dict[str, Any], more: dict[str, tuple[int, ...]], total: int, names: list[str]
) -> None:
    """2 x (48 + 72 + 8) + 2 x 32 + 4 = 324 by hand; what differs is named; unexplained, the tables count."""
    body = _anatomy(_folder(tmp_path, {**_TINY, **config}, _whole(**more)))
    assert body.parameters.total == total
    assert [one.name for one in body.disagreements] == names
    assert body.parameters.status == ("from checkpoint" if "unexplained-difference" in names else "exact")


@pytest.mark.parametrize("text", ["", "[1]", '{"a": 1, "a": 2}', '{"a":' * 100 + "1" + "}" * 100])
def test_a_damaged_config_alone_is_an_error(tmp_path: Path, text: str) -> None:
    """There is nothing else to inspect, so nothing may look inspected."""
    path = tmp_path / "model.json"
    path.write_text(text)
    with pytest.raises(DamagedFile, match=r"model\.json"):
        look(str(path), on=TODAY)


def test_a_section_in_a_model_that_has_none_is_refused(tmp_path: Path) -> None:
    """Which of the two is meant is not known."""
    path = tmp_path / "model.json"
    path.write_text(json.dumps({**_TINY, "text_config": {"model_type": "qwen3", "hidden_size": 64}}))
    (anatomy,) = [one for one in look(str(path), on=TODAY).evidence if one.kind == "anatomy/v2"]
    assert anatomy.body["parameters"]["total"] is None
    assert "is no wrapper" in anatomy.body["parameters"]["reason"]


def test_a_cache_that_engines_keep_differently_is_an_estimate(tmp_path: Path) -> None:
    """Phi-3-mini declares a window on every layer, which transformers heeds and llama.cpp does not: charged in full."""
    phi3 = {**_TINY, "model_type": "phi3", "sliding_window": 2047}
    statuses = []
    for window in (2047, None):
        path = tmp_path / f"{window}.json"
        path.write_text(json.dumps({**phi3, "sliding_window": window}))
        (anatomy,) = [one for one in look(str(path), on=TODAY).evidence if one.kind == "anatomy/v2"]
        statuses.append((anatomy.body["parameters"]["status"], anatomy.body["kv_cache"]["status"]))
    assert statuses == [("exact", "estimated"), ("exact", "exact")]
