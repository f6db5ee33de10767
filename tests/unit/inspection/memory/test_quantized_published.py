"""Bytes and scales against published checkpoints: hub totals, indexes, file sizes, model cards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from weighbridge.inspection.anatomy.build import structure_of
from weighbridge.inspection.anatomy.structure import Structure
from weighbridge.inspection.memory.quantized import Sized, weight_bytes
from weighbridge.inspection.memory.scheme import Scheme, plain_scheme, scheme_of

_CASES = json.loads((Path(__file__).parent / "published.json").read_text(encoding="utf-8"))["cases"]


def _with(key: str) -> list[Any]:
    return [pytest.param(case, id=case["case"]) for case in _CASES if key in case]


def _sized(case: dict[str, Any]) -> tuple[Structure, Sized]:
    structure, scheme = structure_of(case["config"]), scheme_of(case["config"]) or plain_scheme(case["config"])
    assert isinstance(structure, Structure), structure
    assert isinstance(scheme, Scheme), scheme
    return structure, weight_bytes(structure, scheme, mtp=case.get("mtp", False))


@pytest.mark.parametrize("case", _with("scales"))
def test_the_scales_of_fp8_blocks_are_as_many_as_the_hub_counts(case: dict[str, Any]) -> None:
    """One scale for each 128x128 block, the last ones partial; routers, heads and `eh_proj` have none."""
    assert _sized(case)[1].scales == case["scales"]


@pytest.mark.parametrize("case", _with("n_bytes"))
def test_an_index_states_the_bytes_that_are_computed(case: dict[str, Any]) -> None:
    """To the byte: MLX has a scale and a bias for each group, embedding and head too; some routers are fp32."""
    assert _sized(case)[1].n_bytes == case["n_bytes"]


@pytest.mark.parametrize("case", _with("gib"))
def test_mxfp4_checkpoints_are_as_large_as_their_cards_say(case: dict[str, Any]) -> None:
    """4.25 bits on expert matrices, 16 bits on the rest."""
    assert _sized(case)[1].n_bytes / 2**30 == pytest.approx(case["gib"], abs=0.005)


@pytest.mark.parametrize("case", _with("gb"))
def test_compressed_experts_are_as_large_as_the_card_says(case: dict[str, Any]) -> None:
    """INT4 in groups of 32 on the experts; attention, shared experts and the dense layer stay in 16 bits."""
    assert _sized(case)[1].n_bytes / 1e9 == pytest.approx(case["gb"], abs=1)


@pytest.mark.parametrize("case", _with("file_bytes"))
def test_a_gptq_file_holds_the_computed_tensors_zero_biases_and_a_header(case: dict[str, Any]) -> None:
    """What is left of the file is a header of some 130 bytes for each of its 5 tensors a matrix."""
    structure, sized = _sized(case)
    matrices = [weight for name, weight in structure.named() if len(weight.shape) == 2 and ".layers." in name]
    biases = sum(2 * weight.shape[0] for weight in matrices)
    header = case["file_bytes"] - sized.n_bytes - biases
    assert 100 < header / (5 * len(matrices)) < 160
    assert sized.status == "estimated"
    assert any("zero bias" in note for note in sized.notes)
