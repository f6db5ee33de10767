"""Claims in circulation against primary sources; the truths stand in reports, cards and configs named beside them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.errors import UsageError
from weighbridge.inspection.claims.claim import Claim, Finding, Outcome, Quantity
from weighbridge.inspection.claims.facts import FactBase, shipped_facts
from weighbridge.inspection.claims.judge import judge_claims
from weighbridge.inspection.claims.reading.reader import read_claims
from weighbridge.inspection.claims.reading.structured import read_structured


@pytest.fixture(scope="module")
def base() -> FactBase:
    """Return the facts that ship."""
    return shipped_facts()


def _judge(text: str, base: FactBase) -> list[Finding]:
    return judge_claims(read_claims(text, base), base)


@pytest.mark.parametrize(
    ("text", "quantity", "outcome", "because"),
    [
        # V3 README: 671B total, 37B active; 405B is Llama 3.1
        ("DeepSeek-V3, a 405-billion-parameter model", "total_parameters", "contradicted", "Llama-3.1-405B"),
        ("DeepSeek-V3 has 671B total parameters.", "total_parameters", "supported", "671B"),
        ("DeepSeek V3 counts 685 billion parameters.", "total_parameters", "supported", "MTP"),
        ("DeepSeek-V3 has 671B parameters, of which 37B are activated.", "active_parameters", "supported", "36.6"),
        ("DeepSeek-V3 activates 52 billion parameters.", "active_parameters", "contradicted", "37.55"),
        # V2 report 3.2.3: the KV cache at generation, with 6-bit KV; 82.2% from the architecture
        ("MLA reduces memory usage during training by 93 percent.", "kv_cache_saving", "contradicted", "generation"),
        ("MLA reduces the KV cache at generation by 93.3%.", "kv_cache_saving", "supported", "6 bits"),
        ("MLA reduces the KV cache by 82.2%.", "kv_cache_saving", "supported", "architecture"),
        ("MLA cuts the KV cache by 70%.", "kv_cache_saving", "contradicted", "93.34%"),
        # V3 report, table 1
        ("DeepSeek-V3 cost around $5.6 million to train.", "training_cost_usd", "supported", "final run"),
        ("DeepSeek-V3 needed 2.788M H800 GPU hours.", "training_gpu_hours", "supported", "H800"),
        ("DeepSeek-V3 was trained on 14.8 trillion tokens.", "training_tokens", "supported", "14.8T"),
        ("DeepSeek-V3 was released in late 2025.", "released", "contradicted", "2024-12-26"),
        ("DeepSeek-V3 was released in December 2024.", "released", "supported", "2024-12-26"),
        ("DeepSeek-V3 is released under a permissive license.", "licence", "contradicted", "restricts"),
        ("DeepSeek-R1 comes under the MIT license.", "licence", "supported", "mit"),
        # DeepSeek-LLM README: 7B and 67B are dense
        ("DeepSeek LLM 67B is a Mixture-of-Experts model.", "architecture", "contradicted", "dense"),
        # Qwen2.5-Max announcement
        ("Qwen 2.5-Max was launched in early 2026.", "released", "contradicted", "2025-01-29"),
        ("Qwen2.5-Max was trained on 32 trillion tokens.", "training_tokens", "contradicted", "20T"),
        # Qwen3 report; gpt-oss model card
        ("Qwen3-235B-A22B supports 119 languages.", "languages", "supported", "119"),
        ("gpt-oss-120b activates 5.1B parameters.", "active_parameters", "supported", "without the input embedding"),
        # hub total 751,632,384: the tied head is stored as well
        ("Qwen3-0.6B has 751 million parameters.", "total_parameters", "supported", "second time"),
        ("Kimi K2 has 1 trillion total parameters.", "total_parameters", "supported", "1.026T"),
        ("Mixtral-8x7B has over 40 billion parameters.", "total_parameters", "supported", "46.7"),
        ("Mixtral-8x7B has 56 billion parameters.", "total_parameters", "contradicted", "46.7"),
    ],
)
def test_a_statement_is_held_against_its_source(
    base: FactBase, text: str, quantity: str, outcome: str, because: str
) -> None:
    """Supported, or contradicted with the figure that is true and what it counts."""
    found = next(finding for finding in _judge(text, base) if finding.claim.quantity == quantity)
    assert (found.outcome, because in found.because) == (outcome, True), found.because


@pytest.mark.parametrize(
    "text",
    [
        "DeepSeek-V3.9 has 405 billion parameters.",  # another model, of which nothing is known
        "Unlike Llama 3.1 405B, it is small.",  # the figure is part of the name
        "The weather has 671 billion parameters.",
        "DeepSeek-V3 is popular with 300 million people.",
        "",
    ],
)
def test_what_says_nothing_of_a_known_model_is_no_claim(base: FactBase, text: str) -> None:
    """A name's own figures, other models and other counts are left alone."""
    assert read_claims(text, base) == []


def test_a_figure_belongs_to_the_name_before_it(base: FactBase) -> None:
    """Two models in one sentence keep their own figures; a sentence that begins with "it" goes on about the last."""
    text = "DeepSeek-V3 has 671B parameters while Qwen3-8B has 8.2B parameters. DeepSeek-R1 is new. It has 61 layers."
    said = [(claim.model, claim.value) for claim in read_claims(text, base)]
    assert said == [("deepseek-ai/DeepSeek-V3", 671e9), ("Qwen/Qwen3-8B", 8.2e9), ("deepseek-ai/DeepSeek-R1", 61.0)]


def test_without_a_fact_nothing_is_decided(base: FactBase) -> None:
    """A known model without a sourced figure, and an unknown model, are "cannot tell"."""
    claims = [Claim("Qwen/Qwen3-8B", Quantity.TRAINING_COST_USD, 1e6), Claim("nobody/nothing", Quantity.LAYERS, 3.0)]
    assert [finding.outcome for finding in judge_claims(claims, base)] == [Outcome.CANNOT_TELL] * 2


def test_structured_claims_need_no_prose(base: FactBase) -> None:
    """Numbers, figures with letters, percentages and dates; names in any spelling."""
    rows = [
        {"model": "deepseek v3", "quantity": "total_parameters", "value": "671B"},
        {"model": "DeepSeek-V3", "quantity": "total_parameters", "value": 405_000_000_000},
        {"model": "MLA", "quantity": "kv_cache_saving", "value": "93.3%"},
        {"model": "DeepSeek-V3", "quantity": "kv_bytes_per_token", "value": 70_272},
        {"model": "DeepSeek-V3", "quantity": "released", "value": "2024-12"},
        {"model": "Llama-9", "quantity": "layers", "value": 9},
    ]
    findings = judge_claims(read_structured(json.dumps(rows), "claims.json", base), base)
    assert [finding.outcome.value for finding in findings] == [
        "supported", "contradicted", "supported", "supported", "supported", "cannot tell",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("{", "c.json", "cannot be read"),
        ("x = 1", "c.toml", "holds no list"),
        ('[[claim]]\nmodel = "a"', "c.toml", "claim 1 needs"),
        ('[{"model": "a", "quantity": "layers", "value": true}]', "c.json", "neither a number nor a text"),
        ('[{"model": "a", "quantity": "layers", "value": 1, "vlaue": 2}]', "c.json", "`vlaue` is not known"),
    ],
)
def test_a_wrong_file_says_which_row_and_what(base: FactBase, text: str, place: str, words: str) -> None:
    """The error names the row and the key."""
    with pytest.raises(UsageError, match=words):
        read_structured(text, place, base)


def test_v2_is_the_sum_of_its_report(base: FactBase) -> None:
    """DeepSeek-V2 report: 236B total, which is 235,741,434,880 to the unit; 389,120 bytes of KV a token for the 67B."""
    total = base.facts_of("deepseek-ai/DeepSeek-V2", Quantity.TOTAL_PARAMETERS)[0]
    assert total.value == 235_741_434_880
    old = base.facts_of("deepseek-ai/DeepSeek-LLM-67B", Quantity.KV_BYTES_PER_TOKEN)[0]
    assert old.value == 2 * 95 * 2 * 8 * 128


@given(st.text(alphabet="DeepSeek-V3 671Bparameters.,$%\n\x00 trillion tokens", max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    """Whatever stands in it."""
    for finding in _judge(text, _BASE):
        assert finding.claim.model in _BASE.models()


_BASE = shipped_facts()
