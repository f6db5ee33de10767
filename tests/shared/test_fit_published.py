"""What engines were seen to load and keep, for real configs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from weighbridge.inspection.anatomy.build import structure_of
from weighbridge.inspection.anatomy.structure import Structure
from weighbridge.inspection.fit.load import Candidate, Demand, load
from weighbridge.inspection.fit.parallel import Plan
from weighbridge.inspection.memory.cache import Held, cache_bytes
from weighbridge.inspection.memory.engines import engine_named
from weighbridge.inspection.memory.scheme import Scheme, plain_scheme, scheme_of

SHARED = Path(os.environ.get("WEIGHBRIDGE_SHARED", Path(__file__).resolve().parents[3] / "shared"))
CONFIGS = SHARED / "data" / "configs"
GIB, MIB = 1 << 30, 1 << 20

pytestmark = [pytest.mark.shared, pytest.mark.skipif(not CONFIGS.is_dir(), reason=f"{CONFIGS} is absent")]


def _read(name: str) -> tuple[dict[str, Any], Structure]:
    config: dict[str, Any] = json.loads((CONFIGS / f"{name}.json").read_text("utf-8"))
    structure = structure_of(config)
    assert isinstance(structure, Structure), structure
    return config, structure


@pytest.mark.parametrize(
    ("name", "tp", "loaded"),
    [
        ("openai__gpt-oss-20b", 1, 13.47),  # llm-d-planner, vLLM 0.11
        ("openai__gpt-oss-20b", 1, 13.72),  # myoceane.fr, vLLM 0.19 on an A100
        ("google__gemma-4-26B-A4B", 1, 48.5),  # the same
        ("meta-llama__Llama-3.1-8B-Instruct", 1, 14.99),  # llm-d-planner, as the rest
        ("Qwen__Qwen3-32B", 1, 61.03),
        ("Qwen__Qwen3-32B", 2, 30.59),
    ],
)
def test_vllm_loads_within_the_bounds(name: str, tp: int, loaded: float) -> None:
    """GiB on each device, as vLLM's log prints them."""
    config, structure = _read(name)
    scheme = scheme_of(config) or plain_scheme(config)
    assert isinstance(scheme, Scheme)
    weights = load(Candidate(structure, scheme), Plan(tp=tp), Demand(engine_named("vllm"), 16000)).weights
    assert weights.low / GIB <= loaded + 0.005
    assert weights.high / GIB >= loaded - 0.005
    assert weights.high <= 1.09 * weights.low


def test_llama_cpp_keeps_what_it_logged_for_qwen3_6() -> None:
    """lmstudio-bug-tracker issue 1862: 4 sequences, 598.5 MiB of state; 16,384 MiB of cache at 262,144 tokens."""
    _, structure = _read("nvidia__Qwen3.6-27B-NVFP4")
    llamacpp = engine_named("llama.cpp")
    assert cache_bytes(structure, llamacpp, Held(1, 4)).state == int(598.5 * MIB)
    whole = cache_bytes(structure, llamacpp, Held(262_144))
    assert whole.n_bytes - whole.state == 16_384 * MIB
