"""Structures of GGUF files, by hand and against what cannot be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.formats.gguf import Omitted
from weighbridge.formats.tensor import Tensor
from weighbridge.inspection.anatomy.build import Refusal
from weighbridge.inspection.anatomy.from_gguf import structure_of_gguf
from weighbridge.inspection.anatomy.structure import Part, Structure

META: dict[str, Any] = {
    "general.architecture": "llama", "llama.block_count": 2, "llama.embedding_length": 64,
    "llama.attention.head_count": 4, "llama.attention.head_count_kv": 2, "llama.feed_forward_length": 128,
}  # fmt: skip
SHAPES = {
    "attn_norm.weight": (64,), "attn_q.weight": (64, 64), "attn_k.weight": (64, 32), "attn_v.weight": (64, 32),
    "attn_output.weight": (64, 64), "ffn_norm.weight": (64,), "ffn_gate.weight": (64, 128),
    "ffn_up.weight": (64, 128), "ffn_down.weight": (128, 64),
}  # fmt: skip


def _tensor(name: str, shape: tuple[int, ...]) -> Tensor:
    elements = 1
    for size in shape:
        elements *= size
    return Tensor(name, "F32", shape, elements, 4 * elements, 0)


def _tensors(more: dict[str, tuple[int, ...]] | None = None, blocks: int = 2) -> list[Tensor]:
    shapes = {name: shape for name, shape in {**SHAPES, **(more or {})}.items() if shape}
    found = [_tensor("token_embd.weight", (64, 512)), _tensor("output_norm.weight", (64,))]
    return found + [_tensor(f"blk.{i}.{name}", shape) for i in range(blocks) for name, shape in shapes.items()]


def _refused(metadata: dict[str, Any], tensors: list[Tensor]) -> str:
    found = structure_of_gguf(metadata, tensors)
    assert isinstance(found, Refusal)
    return found.reason


def test_a_file_is_counted_by_hand() -> None:
    """Two layers of 12,288 attention and 24,576 feed-forward weights; keys and values of 2 heads of 16."""
    found = structure_of_gguf(META, _tensors())
    assert isinstance(found, Structure)
    assert found.parts() == {
        Part.EMBEDDING: 64 * 512, Part.NORMS: 5 * 64, Part.ATTENTION: 2 * 12288, Part.DENSE_FFN: 2 * 24576,
    }  # fmt: skip
    assert (found.is_tied, found.vocabulary, found.cache_elements(10)) == (True, 512, 10 * 2 * 2 * 32)
    assert found.layers[0].attend[0].heads == 4


def test_stacked_experts_become_copies() -> None:
    """8 experts in one tensor, of which a token visits 2."""
    experts = {"llama.expert_count": 8, "llama.expert_used_count": 2}
    stacked = {"ffn_gate_exps.weight": (64, 32, 8), "ffn_down_exps.weight": (32, 64, 8), "ffn_gate_inp.weight": (64, 8)}
    found = structure_of_gguf({**META, **experts}, _tensors(stacked))
    assert isinstance(found, Structure)
    routed = [weight for weight in found.layers[0].weights if weight.part is Part.ROUTED_EXPERTS]
    assert [(weight.shape, weight.copies, weight.visited) for weight in routed] == [((32, 64), 8, 2), ((64, 32), 8, 2)]


def test_modules_that_predict_more_tokens_stand_apart() -> None:
    """GGUF counts them among its blocks; their cache is not the model's."""
    found = structure_of_gguf({**META, "llama.nextn_predict_layers": 1}, _tensors())
    assert isinstance(found, Structure)
    assert (len(found.layers), len(found.mtp)) == (1, 1)
    assert found.cache_elements(10) == 10 * 64


def test_heads_may_be_listed_by_layer() -> None:
    """As DeciLM does: each layer has its own key-value heads, which its tensors must show."""
    tensors = [t if t.name not in {"blk.1.attn_k.weight", "blk.1.attn_v.weight"} else _tensor(t.name, (64, 64))
               for t in _tensors()]  # fmt: skip
    found = structure_of_gguf({**META, "llama.attention.head_count_kv": (2, 4)}, tensors)
    assert isinstance(found, Structure)
    assert [layer.caches[0].elements for layer in found.layers] == [64, 128]


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"general.architecture": None}, "`general.architecture` is missing"),
        ({"general.architecture": "llama9"}, "the GGUF architecture `llama9` is unknown"),
        ({"llama.block_count": 3}, "hold 2 blocks of tensors, `block_count` says 3"),
        ({"llama.block_count": 2**40}, "is out of range"),
        ({"llama.attention.head_count": "4"}, "is not a whole number"),
        ({"llama.attention.head_count": None}, "`attention.head_count` is missing"),
        ({"llama.attention.head_count_kv": 3}, "4 query heads of block 0 cannot share 3"),
        ({"llama.attention.head_count_kv": 4}, "does not hold 4 heads of 16"),
        ({"llama.attention.head_count_kv": (2,)}, "does not name every layer"),
        ({"llama.attention.head_count_kv": Omitted(9999)}, "does not hold 4 heads"),
        ({"llama.attention.value_length": 8}, "attn_v.weight` does not hold 2 heads of 8"),
        ({"llama.embedding_length": 32}, "does not hold one row"),
    ],
)
def test_metadata_that_contradict_the_tables_are_refused(metadata: dict[str, Any], reason: str) -> None:
    """The cache is never guessed: each figure must agree with a tensor's shape."""
    assert reason in _refused({**META, **metadata}, _tensors())


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"mystery.weight": (4, 4)}, "the tensor `blk.0.mystery.weight` is unknown"),
        ({"ssm_conv1d.weight": (4, 64)}, "has no `ssm_` tensors"),
        ({"ffn_up_exps.weight": (64, 32, 8)}, "`expert_count` is missing"),
    ],
)
def test_tensors_that_are_not_known_are_refused(more: dict[str, tuple[int, ...]], reason: str) -> None:
    """A part that no name tells of could hold anything."""
    assert reason in _refused(META, _tensors(more))


def test_gemma_2_alternates_from_its_own_default() -> None:
    """Without keys of its own a Gemma 2 file slides every other layer over 4,096 tokens, the first one first."""
    renamed = {key.replace("llama.", "gemma2."): value for key, value in META.items()}
    found = structure_of_gguf({**renamed, "general.architecture": "gemma2"}, _tensors())
    assert isinstance(found, Structure)
    assert [layer.caches[0].window for layer in found.layers] == [4096, None]


VALUES = st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=5),
                   st.lists(st.integers(-5, 5), max_size=3).map(tuple))  # fmt: skip


@given(
    st.dictionaries(st.sampled_from(sorted(META)), VALUES), st.sampled_from(["llama", "gemma3", "deepseek2", "mamba"])
)
def test_hostile_metadata_never_raise(metadata: dict[str, Any], architecture: str) -> None:
    """Whatever stands there: a structure or a refusal."""
    hostile = {key.replace("llama.", f"{architecture}."): value for key, value in {**META, **metadata}.items()}
    found = structure_of_gguf({**hostile, "general.architecture": architecture}, _tensors())
    assert isinstance(found, Structure | Refusal)
