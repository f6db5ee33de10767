"""Rows of model, quantity and value: every form of file, every way of writing a value."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.errors import UsageError
from weighbridge.inspection.claims.claim import Quantity
from weighbridge.inspection.claims.facts import FactBase, shipped_facts
from weighbridge.inspection.claims.judge import judge_claims
from weighbridge.inspection.claims.reading.structured import read_structured


@pytest.fixture(scope="module")
def base() -> FactBase:
    """Return the facts that ship."""
    return shipped_facts()


def _outcome(base: FactBase, model: str, quantity: str, value: object, **more: object) -> str:
    row = {"model": model, "quantity": quantity, "value": value, **more}
    return judge_claims(read_structured(json.dumps([row]), "c.json", base), base)[0].outcome.value


@pytest.mark.parametrize(
    ("model", "quantity", "value", "outcome"),
    [
        # DeepSeek-V3 README; hub total 684,531,386,000
        ("DeepSeek-V3", "total_parameters", "671 billion", "supported"),
        ("DeepSeek-V3", "parameters", "~685B", "supported"),
        ("DeepSeek-V3", "total_parameters", "671B (37B active)", "supported"),
        ("DeepSeek-V3", "total_parameters", "37B", "contradicted"),
        ("DeepSeek-V3", "active_parameters", "671B", "contradicted"),
        ("DeepSeek-V3", "total_parameters", "1T", "contradicted"),  # one digit leaves no room for 671
        ("DeepSeek-V3", "total_parameters", 671, "cannot tell"),  # billions, perhaps: not said
        ("DeepSeek-V3", "training_cost", "$100 million", "contradicted"),
        ("DeepSeek-V3", "training_cost_usd", 5_576_000, "supported"),
        ("DeepSeek-V3", "attention", "Multi-head Latent Attention", "supported"),
        ("DeepSeek-V3", "code_license", "MIT", "supported"),  # LICENSE-CODE; the weights are another matter
        ("DeepSeek-V3", "license", "MIT License", "contradicted"),
        ("DeepSeek-R1", "license", "MIT", "supported"),
        # README: Kimi-K2 was released on 2025-07-11
        ("Kimi K2", "released", "July 11, 2025", "supported"),
        ("Kimi K2", "release date", "2025-08", "contradicted"),
        # GLM-4.5-Air card: 106B; hub 110,468,824,832 with the MTP module
        ("GLM-4.5-Air", "total_parameters", "106B", "supported"),
        ("GLM-4.5-Air", "total_parameters", "110B", "supported"),
        # Qwen3 card: 32,768 native, 131,072 with YaRN; config 40,960
        ("Qwen/Qwen3-8B", "context_length", "32K tokens", "supported"),
        ("Qwen/Qwen3-8B", "context_length", 131_072, "supported"),
        ("Qwen/Qwen3-8B", "context_length", 40_960, "supported"),
        ("Qwen/Qwen3-8B", "context_length", "256K", "contradicted"),
        ("Qwen/Qwen3-0.6B", "total_parameters", "0.6B", "supported"),
        ("Qwen/Qwen3-0.6B", "total_parameters", 751_632_384, "supported"),
        # 32 layers x 2 x 8 heads x 128 x 2 bytes
        ("Llama-3.1-8B", "kv_bytes_per_token", "128 KiB", "supported"),
        ("Llama 4 Scout", "experts", 16, "supported"),
        ("gpt-oss-20b", "layers", 36, "contradicted"),  # that is the 120b; its config: 24
        ("Mixtral 8x7B", "total_parameters", "56B", "contradicted"),
        ("DeepSeek-V2", "kv_cache_reduction", 93.3, "supported"),
        ("Qwen2.5-Max", "open_weights", True, "contradicted"),
        ("Qwen2.5-Max", "open_weights", False, "supported"),
        ("ERNIE-5.1", "open_weights", "open-weight", "contradicted"),
        ("GPT-4", "total_parameters", "1.8T", "cannot tell"),
        ("Kimi K2", "colour", "blue", "cannot tell"),
        ("DeepSeek-V3", "layers", "many", "cannot tell"),
    ],
)
def test_a_row_is_judged(base: FactBase, model: str, quantity: str, value: object, outcome: str) -> None:
    """Supported by any convention in use, contradicted by none; what is not understood is not judged."""
    assert _outcome(base, model, quantity, value) == outcome


def test_a_unit_may_stand_beside_its_value(base: FactBase) -> None:
    """`value = 671, unit = "B"` is 671 billion."""
    assert _outcome(base, "DeepSeek-V3", "total_parameters", 671, unit="B") == "supported"
    assert _outcome(base, "DeepSeek-V3", "total_parameters", 405, unit="billion") == "contradicted"


def test_a_ratio_names_what_it_refers_to(base: FactBase) -> None:
    """2.788M H800 hours against 30.84M H100 hours; against nobody nothing can be told."""
    assert _outcome(base, "DeepSeek-V3", "training_compute_ratio", 0.1, against="Llama 3.1 405B") == "supported"
    assert _outcome(base, "DeepSeek-V3", "training_compute_ratio", 0.5, against="Llama 3.1 405B") == "contradicted"
    assert _outcome(base, "DeepSeek-V3", "training_compute_ratio", 0.1) == "cannot tell"
    assert _outcome(base, "DeepSeek-V3", "size_ratio", 1.66, against="Llama 3.1 405B") == "supported"


_TOML = '[[claim]]\nmodel = "DeepSeek-V3"\nquantity = "layers"\nvalue = {}\n'
_JSON = '{{"model": "DeepSeek-V3", "quantity": "layers", "value": {}}}'


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("c.csv", "model,quantity,value\nDeepSeek-V3,layers,61\nDeepSeek-V3,layers,62\n"),
        ("c.jsonl", f"{_JSON.format(61)}\n\n{_JSON.format(62)}\n"),
        ("c.toml", _TOML.format(61) + _TOML.format(62)),
        ("c.json", f'{{"claims": [{_JSON.format(61)}, {_JSON.format(62)}]}}'),
    ],
)
def test_four_forms_say_the_same(base: FactBase, place: str, text: str) -> None:
    """61 layers, or 62 with the MTP module."""
    findings = judge_claims(read_structured(text, place, base), base)
    assert [(finding.outcome.value, "MTP" in finding.because) for finding in findings] == [
        ("supported", False), ("supported", True),
    ]  # fmt: skip


def test_a_date_is_taken_from_the_config_language(base: FactBase) -> None:
    """TOML has dates of its own."""
    text = '[[claim]]\nmodel = "DeepSeek-V3"\nquantity = "released"\nvalue = 2024-12-26\n'
    assert judge_claims(read_structured(text, "c.toml", base), base)[0].outcome.value == "supported"


_BASE = shipped_facts()
_VALUES = st.one_of(st.text(max_size=40), st.integers(), st.floats(), st.text("0123456789.,$~BMTK%x -()", max_size=20))


@settings(deadline=None)  # the first asks the formulas
@given(
    st.sampled_from(["DeepSeek-V3", "Qwen3", "MLA", "Mixtral", "nobody/nothing", ""]),
    st.one_of(st.sampled_from([quantity.value for quantity in Quantity]), st.text(max_size=20)),
    _VALUES,
)
def test_no_row_breaks_the_judge(model: str, quantity: str, value: object) -> None:
    """Whatever stands in it, there is an outcome, and a contradiction names facts."""
    row = {"model": model, "quantity": quantity, "value": value}
    try:
        claims = read_structured(json.dumps([row]), "c.json", _BASE)
    except UsageError:
        return
    for finding in judge_claims(claims, _BASE):
        assert finding.facts or finding.outcome.value == "cannot tell"
