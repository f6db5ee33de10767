"""Sentences as articles write them, with what is true beside them; half are traps, in which a figure is another's.

Every claim that is read stands in the row: one more is as wrong as one less.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.inspection.claims.facts import FactBase, shipped_facts
from weighbridge.inspection.claims.judge import judge_claims
from weighbridge.inspection.claims.reading.reader import read_claims

_YES, _NO, _OPEN = "supported", "contradicted", "cannot tell"


@pytest.fixture(scope="module")
def base() -> FactBase:
    """Return the facts that ship."""
    return shipped_facts()


def _read(text: str, base: FactBase) -> list[tuple[str, str, str]]:
    findings = judge_claims(read_claims(text, base), base)
    return [(f.claim.model.rpartition("/")[2], str(f.claim.quantity), f.outcome.value) for f in findings]


_V3, _K2, _L405 = "DeepSeek-V3", "Kimi-K2-Instruct", "Llama-3.1-405B"

_SAID: list[tuple[str, list[tuple[str, str, str]]]] = [
    # V3 README: 671B total, 37B activated, 14.8T tokens, 2.788M H800 hours, 128K; config: 61 layers, 256 + 1 experts, 8
    ("DeepSeek-V3 is a 671B-parameter MoE.", [(_V3, "total_parameters", _YES), (_V3, "architecture", _YES)]),
    (
        "DeepSeek-V3 activates only 37B of its 671B parameters per token.",
        [(_V3, "active_parameters", _YES), (_V3, "total_parameters", _YES)],
    ),
    (
        "It all began in 2024. DeepSeek-V3 has 61 layers and 256 routed experts, 8 of which are active.",
        [(_V3, "layers", _YES), (_V3, "experts", _YES), (_V3, "experts_used", _YES)],
    ),
    ("DeepSeek-V3 offers a context of 128K.", [(_V3, "context_length", _YES)]),
    ("The context window of DeepSeek-V3 is 163,840 tokens.", [(_V3, "context_length", _YES)]),  # its config
    (
        "DeepSeek-V3 (671B) was trained on 14.8T tokens.",
        [(_V3, "total_parameters", _YES), (_V3, "training_tokens", _YES)],
    ),
    ("DeepSeek-V3 was trained for $5.6M.", [(_V3, "training_cost_usd", _YES)]),
    ("DeepSeek V3 was released on 26 December 2024.", [(_V3, "released", _YES)]),  # repository history
    ("DeepSeek released V3 in December 2024.", [(_V3, "released", _YES)]),
    ("With 671 billion parameters, DeepSeek-V3 is large.", [(_V3, "total_parameters", _YES)]),
    (
        "The 671B-parameter open-weight model DeepSeek-V3 leads.",
        [(_V3, "total_parameters", _YES), (_V3, "open_weights", _YES)],
    ),
    (
        "DeepSeek-V3 needed 2.788M GPU hours, compared to 30.84M GPU hours for Llama 3.1 405B.",  # Llama 3.1 model card
        [(_V3, "training_gpu_hours", _YES), (_L405, "training_gpu_hours", _YES)],
    ),
    ("DeepSeek-V3 took one-tenth the compute of Llama 3.1 405B.", [(_V3, "training_compute_ratio", _YES)]),  # 11.1x
    # Kimi K2 README: 1T, 32B, 384 experts, 128K, 15.5T tokens; LICENSE: modified MIT
    (
        "Kimi K2 has one trillion parameters, 32 billion of them active, under a modified MIT license.",
        [(_K2, "total_parameters", _YES), (_K2, "active_parameters", _YES), (_K2, "licence", _YES)],
    ),
    ("Kimi K2 was released under an Apache 2.0 license.", [(_K2, "licence", _NO)]),
    # Mixtral of Experts: 47B, 13B used; not 8 x 7
    (
        "Mixtral 8x7B has 47B parameters but uses only 13B per token.",
        [("Mixtral-8x7B-v0.1", "total_parameters", _YES), ("Mixtral-8x7B-v0.1", "active_parameters", _YES)],
    ),
    ("Mixtral 8x7B is not dense.", [("Mixtral-8x7B-v0.1", "architecture", _YES)]),
    # gpt-oss model card: 117B and 5.1B, 21B and 3.6B, Apache 2.0
    (
        "gpt-oss-20b has 21B parameters (3.6B active) and gpt-oss-120b has 117B (5.1B active).",
        [
            ("gpt-oss-20b", "total_parameters", _YES), ("gpt-oss-20b", "active_parameters", _YES),
            ("gpt-oss-120b", "total_parameters", _YES), ("gpt-oss-120b", "active_parameters", _YES),
        ],
    ),
    ("gpt-oss-120b is a dense model.", [("gpt-oss-120b", "architecture", _NO)]),
    # Qwen3 report: 36T tokens, 119 languages, Apache 2.0
    (
        "Qwen3-235B-A22B is Apache 2.0-licensed. It supports 119 languages and was trained on 36T tokens.",
        [("Qwen3-235B-A22B", name, _YES) for name in ("licence", "languages", "training_tokens")],
    ),
    ("Qwen3 was trained on 18 trillion tokens.", [("Qwen3 (family)", "training_tokens", _NO)]),  # that is Qwen2.5
    # Qwen2.5-Max announcement of 2025-01-29: over 20T tokens, API only
    (
        "Qwen 2.5-Max launched in early 2026 and was trained on 32 trillion tokens.",
        [("Qwen2.5-Max", "released", _NO), ("Qwen2.5-Max", "training_tokens", _NO)],
    ),
    ("Yi-Large is an open-weight model.", [("Yi-Large", "open_weights", _NO)]),  # API only
    ("Yi-Large is not open-weight.", [("Yi-Large", "open_weights", _YES)]),
    # GLM-5 README: 355B/32B; 744B/40B, 28.5T tokens
    (
        "GLM-5 has 744B parameters (40B active) and was pre-trained on 28.5T tokens.",
        [("GLM-5", name, _YES) for name in ("total_parameters", "active_parameters", "training_tokens")],
    ),
    # Llama 4 model card: Scout 109B, 17B active, 16 experts, 10M
    (
        "Llama 4 Scout has 17B active parameters, 16 experts, 109B total parameters and a 10M token context window.",
        [
            ("Llama-4-Scout-17B-16E-Instruct", name, _YES)
            for name in ("active_parameters", "experts", "total_parameters", "context_length")
        ],
    ),
    # Gemma 2: Gemma Terms of Use; Gemma 4: Apache 2.0 (hub, licence moved)
    ("Gemma 2 is Apache 2.0-licensed.", [("Gemma 2 (family)", "licence", _NO)]),
    ("Gemma 4 is released under the Apache 2.0 license.", [("Gemma 4 (family)", "licence", _YES)]),
    # "Insights into DeepSeek-V3", table 1
    ("The KV cache of Llama 3.1 405B takes 516 KB per token.", [(_L405, "kv_bytes_per_token", _YES)]),
    # V2 report: 42.5% of training cost, 93.3% of the KV cache, 5.76 times the throughput
    (
        "DeepSeek-V2 saves 42.5% of training costs, cuts the KV cache by 93.3%, and raises throughput to 5.76 times.",
        [("DeepSeek-V2", name, _YES) for name in ("training_cost_saving", "kv_cache_saving", "throughput_ratio")],
    ),
    ("DeepSeek V3 is about 1.6 times the size of Llama 3.1 405B.", [(_V3, "size_ratio", _YES)]),  # 671 / 405
    (
        "Both DeepSeek-R1 and DeepSeek-V3 have 671B parameters.",
        [("DeepSeek-R1", "total_parameters", _YES), (_V3, "total_parameters", _YES)],
    ),
]  # fmt: skip

_TRAPS: list[tuple[str, list[tuple[str, str, str]]]] = [
    # a figure of somebody else
    ("Unlike GPT-4, which reportedly has 1.8 trillion parameters, DeepSeek-V3 is open.", []),
    ("DeepSeek-V3 is larger than Llama 3.1 405B, with 671B parameters.", []),  # whose is not sure
    ("The predecessor of DeepSeek-V3 had 236B parameters.", []),
    ("DeepSeek-V3's predecessor had 236B parameters.", []),
    ("The 235B model outperforms DeepSeek-R1 with only 22B active parameters.", []),
    ("GLM-5 scales from 355B parameters in GLM-4.5 to 744B parameters.", []),
    ("Llama 4 Behemoth has 2T parameters and 288B active.", []),  # never released
    ("Qwen3-32B-style models have 405B parameters.", []),
    ("DeepSeek-R1's distilled models range from 1.5B to 70B parameters.", []),
    ("We fine-tuned DeepSeek-V3 on 10B tokens of data. Our 7B model beats DeepSeek-V3.", []),
    ("Falcon 180B saw less than DeepSeek-V2's 8.1 trillion tokens.", []),
    ("Each expert of Mixtral 8x7B has 7B parameters.", []),
    ("DeepSeek-V3's MTP module has 14B parameters.", []),
    (
        "Compared with the 405B parameters of Llama 3.1, Mixtral 8x22B has just 141B parameters.",  # announcement: 141B
        [("Llama 3.1 (family)", "total_parameters", _YES), ("Mixtral-8x22B-v0.1", "total_parameters", _YES)],
    ),
    (
        "DeepSeek-R1 builds on DeepSeek-V3-Base and has 671B parameters.",
        [],
    ),
    # a right figure of the wrong thing
    ("MLA reduces memory during training by 93 percent.", [("DeepSeek-V2", "kv_cache_saving", _NO)]),
    ("DeepSeek-V3 has 37B parameters.", [(_V3, "total_parameters", _NO)]),
    ("DeepSeek-V3 activates 671B parameters.", [(_V3, "active_parameters", _NO)]),
    ("Kimi supports up to two million tokens of context.", [("Kimi (family)", "context_length", _NO)]),
    ("Kimi supports up to two million Chinese characters.", [("Kimi (family)", "context_characters", _YES)]),
    (
        "DeepSeek spent just $5.6 million training V3, including all research and ablation experiments.",
        [(_V3, "training_cost_usd", _NO)],
    ),
    ("DeepSeek-V3 used one-tenth the compute of comparable models.", [(_V3, "training_compute_ratio", _OPEN)]),
    ("The weights of DeepSeek-V3 are MIT-licensed.", [(_V3, "licence", _NO)]),
    ("The code of DeepSeek-V3 is released under the MIT license.", [(_V3, "code_licence", _YES)]),
    ("DeepSeek's V2 and V3 are both under permissive licenses.",
     [("DeepSeek-V2", "licence", _NO), (_V3, "licence", _NO)]),
    ("DeepSeek V4, with its multimodality, is new.", [("DeepSeek-V4 (family)", "modality", _NO)]),
    ("MiniMax-M2 is MIT-licensed.", [("MiniMax-M2", "licence", _OPEN)]),  # headed MIT, with a display duty
    ("Qwen3 is a MoE model.", [("Qwen3 (family)", "architecture", _OPEN)]),  # some sizes are
    ("DeepSeek-R1 is not open source.", [("DeepSeek-R1", "open_weights", _OPEN)]),  # weights are, training data is not
    ("Ollama's deepseek-r1:7b has 7B parameters.", []),  # a distilled Qwen
    ("DeepSeek-V3 uses 8 experts.", [(_V3, "experts", _OPEN)]),  # at a time, of 256
    (
        "gpt-oss-120b uses 128 experts with 4 active per token.",  # model card
        [("gpt-oss-120b", "experts", _YES), ("gpt-oss-120b", "experts_used", _YES)],
    ),
    ("Open models such as Yi-Large and Qwen2.5-72B lead.",
     [("Yi-Large", "open_weights", _NO), ("Qwen2.5-72B", "open_weights", _YES)]),
    (
        "Hunyuan-A13B has 80B parameters of which 13B are active.",  # its report
        [("Hunyuan-A13B-Instruct", "total_parameters", _YES), ("Hunyuan-A13B-Instruct", "active_parameters", _YES)],
    ),
    (
        "Nemotron 3 Ultra packs 550B parameters, activating 55B.",  # its name and announcement
        [
            ("NVIDIA-Nemotron-3-Ultra-550B-A55B-BF16", "total_parameters", _YES),
            ("NVIDIA-Nemotron-3-Ultra-550B-A55B-BF16", "active_parameters", _YES),
        ],
    ),
    (
        "DeepSeek-V3 has 37 billion activated parameters and 671 billion total parameters.",
        [(_V3, "active_parameters", _YES), (_V3, "total_parameters", _YES)],
    ),
    ("The active parameter count of DeepSeek-V3 is 37B.", [(_V3, "active_parameters", _YES)]),
    ("Kimi K2 has a context window of 1 million tokens.", [(_K2, "context_length", _NO)]),  # its card: 128K
    ("Qwen3-0.6B has a context of 128K.", [("Qwen3-0.6B", "context_length", _NO)]),  # report, table 1: 32K
    # DeepSeek-R1's card: the dense models are others
    ("We also release six dense models distilled from DeepSeek-R1 based on Llama and Qwen.", []),
    ("- **Model Type**: qwen2\n- **Number of Layers**: 48\n", []),  # a card of a model built on it
    # no claim at all
    ("Could DeepSeek-V3 have 405B parameters?", []),
    ("It is a myth that DeepSeek-V3 has 405B parameters.", []),
    ("If DeepSeek-V3 had 405B parameters, it would fit. DeepSeek-V3 will have 1T parameters.", []),
    ("DeepSeek-V3 was not trained on 20 trillion tokens.", []),
    ("DeepSeek-V3 scored 75.9 on MMLU-Pro, costs $0.27 per million input tokens and has 30 million users.", []),
    ("DeepSeek was founded in 2023 and introduced V3 to 61 countries.", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "claims"), _SAID, ids=[text[:50] for text, _ in _SAID])
def test_a_sentence_is_read_and_judged(base: FactBase, text: str, claims: list[tuple[str, str, str]]) -> None:
    """Each figure goes to its model, and its outcome is what the source beside it says."""
    assert _read(text, base) == claims


@pytest.mark.parametrize(("text", "claims"), _TRAPS, ids=[text[:50] for text, _ in _TRAPS])
def test_a_trap_is_left_alone_or_seen_through(base: FactBase, text: str, claims: list[tuple[str, str, str]]) -> None:
    """No figure is taken for another model's, and a right figure of the wrong thing is no support."""
    assert _read(text, base) == claims


def test_a_table_is_read_by_its_head(base: FactBase) -> None:
    """Cells under names of quantities are claims; a row of an unknown model is left out."""
    text = """\
| Model | Params | Activated params | Context | License |
|---|---|---|---|---|
| **DeepSeek-V3** | 671B | 37B | 128K | MIT |
| [Mixtral 8x7B](https://example.org/Kimi-K2) | 56B | 13B | 32K | Apache 2.0 |
| GPT-4 | 1.8T | 280B | 128K | - |
"""
    outcomes = {(model, quantity): outcome for model, quantity, outcome in _read(text, base)}
    assert len(outcomes) == 8
    assert outcomes[_V3, "active_parameters"] == outcomes["Mixtral-8x7B-v0.1", "context_length"] == _YES
    assert outcomes[_V3, "licence"] == outcomes["Mixtral-8x7B-v0.1", "total_parameters"] == _NO


def test_a_table_may_lie_on_its_side(base: FactBase) -> None:
    """Models in the head and quantities down the first column."""
    text = "| | DeepSeek-V3 | Llama 3.1 405B |\n|---|---|---|\n| Total params | 671B | 405B |\n| Layers | 61 | 126 |\n"
    assert _read(text, base) == [
        (_V3, "total_parameters", _YES), (_L405, "total_parameters", _YES),
        (_V3, "layers", _YES), (_L405, "layers", _YES),
    ]  # fmt: skip


def test_lists_belong_to_the_heading_above(base: FactBase) -> None:
    """Labels and values under a heading are said of its model, until another heading comes."""
    text = """\
## DeepSeek-V3

- **Parameters**: 671B (37B active)
- Context length: 128K

## Claude 4

- Context length: 200K
"""
    assert _read(text, base) == [
        (_V3, "total_parameters", _YES), (_V3, "active_parameters", _YES), (_V3, "context_length", _YES),
    ]  # fmt: skip


def test_a_pronoun_goes_on_about_one_model_only(base: FactBase) -> None:
    """What follows a sentence on two models is nobody's, unless it compares one with the other."""
    assert _read("DeepSeek-V3 and Qwen3-8B are out. The model has 9T parameters.", base) == []
    assert _read("DeepSeek-V3 beats GPT-4o. The model has 671B parameters.", base) == [(_V3, "total_parameters", _YES)]


def test_code_and_addresses_are_not_read(base: FactBase) -> None:
    """A fenced block and the address of a link say nothing."""
    assert _read("```\nDeepSeek-V3 has 405B parameters.\n```\n", base) == []
    text = "[DeepSeek-V3](https://example.org/Qwen3-8B) has 671B parameters."
    assert _read(text, base) == [(_V3, "total_parameters", _YES)]


_NAMES = ["DeepSeek-V3", "Qwen3-8B", "GPT-4", "Llama 3.1 405B", "Kimi K2", "R1"]
_WORDS = [
    "has 671B parameters", "with 37B active", "and", "while", "than", ", a 405-billion-parameter model,", "trained on",
    "14.8T tokens", "the predecessor of", "it", "128K context", "61 layers", "released in May 2024", "MIT license",
    "(671B)",
    "\n- Parameters: 671B\n", "\n## ", "\n| a | b |\n", "not", "respectively", ".", "for $5.6M", "256 experts", "'s",
]  # fmt: skip
_BASE = shipped_facts()


@settings(deadline=None)
@given(st.lists(st.sampled_from([*_NAMES, *_WORDS]), max_size=25).map(" ".join))
def test_a_claim_is_of_a_model_that_is_named(text: str) -> None:
    """However names and figures are mixed, no figure goes to a model that the text does not name."""
    named = {_BASE.find(name) for name in _NAMES if name in text} | {_BASE.find("DeepSeek-R1")}
    assert {claim.model for claim in read_claims(text, _BASE)} <= named


@given(st.lists(st.sampled_from(_WORDS), max_size=25).map(" ".join))
def test_without_a_name_there_is_no_claim(text: str) -> None:
    """Figures alone are nobody's."""
    assert read_claims(text, _BASE) == []
