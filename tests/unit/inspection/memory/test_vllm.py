"""vLLM's memory equation, against runs that llm-d-planner publishes."""

from __future__ import annotations

import pytest

from weighbridge.inspection.memory.vllm import cache_room

GIB = 1 << 30
# docs/empirical-vllm-memory-results.md of llm-d-incubation/llm-d-planner at e50305a: an H100 of 79.18 GiB, in GiB
# model, utilization, weights, peak activation, non-torch, cache
RUNS = [
    ("gpt-oss-20b", 0.9, 13.47, 7.38, 0.13, 50.28),
    ("Llama-3.3-70B-FP8 tp 2", 0.9, 33.88, 4.84, 0.55, 32.00),
    ("Llama-3.1-8B", 0.9, 14.99, 4.76, 0.13, 51.38),
    ("Qwen3-0.6B", 0.9, 1.12, 5.56, 0.13, 64.45),
    ("Qwen3-32B", 0.9, 61.03, 5.64, 0.14, 4.45),
    ("Qwen3-32B tp 2", 0.9, 30.59, 5.64, 0.54, 34.49),
    ("Mistral-Small-3.2-24B", 0.95, 44.76, 2.12, 0.14, 28.20),
]


@pytest.mark.parametrize(("model", "utilization", "weights", "activation", "others", "cache"), RUNS)
def test_the_equation_gives_what_vllm_logged(
    model: str, utilization: float, weights: float, activation: float, others: float, cache: float
) -> None:
    """Within the two decimals that are printed; the eighth run, gpt-oss-120b, does not satisfy it."""
    room = cache_room(
        int(79.18 * GIB), utilization, weights=int(weights * GIB), activation=int(activation * GIB),
        others=int(others * GIB),
    )  # fmt: skip
    assert room.n_bytes / GIB == pytest.approx(cache, abs=0.011), model


def test_room_holds_whole_blocks_of_tokens() -> None:
    """1,444 blocks of 128 tokens of 163,840 bytes were allocated for Mistral-Small-3.2: 184,832 tokens."""
    room = cache_room(
        int(79.18 * GIB), 0.95, weights=int(44.76 * GIB), activation=int(2.12 * GIB), others=int(0.14 * GIB)
    )
    assert room.tokens(128 * 163_840, 128) == pytest.approx(184_832, abs=128)
    assert room.sequences(16_000 * 163_840) == 11


def test_weights_that_are_too_large_leave_no_room() -> None:
    """Less than nothing holds no token."""
    room = cache_room(GIB, 0.9, weights=2 * GIB, activation=0, others=0)
    assert room.n_bytes < 0
    assert (room.tokens(16, 16), room.sequences(16)) == (0, 0)
