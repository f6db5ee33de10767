"""Denials: what is met, what is excluded, and what a chain could hide."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.finding import Confidence
from weighbridge.errors import UsageError
from weighbridge.inventory.absence import Root, judge_absence
from weighbridge.inventory.denial import judge_model, parse_denial
from weighbridge.inventory.found import Unsearched

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inventory.row import Model
    from weighbridge.knowledge.load import Knowledge


def outcome(known: Knowledge, denial: str, model: Model) -> str:
    """Return what one denial comes to."""
    return judge_model(parse_denial(denial, known), model).outcome


@pytest.mark.parametrize(
    ("denial", "reference", "expected"),
    [
        ("maker:deepseek-ai", "hf:deepseek-ai/DeepSeek-V3", "denied"),
        ("maker:deepseek-ai", "hf:deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "denied"),  # its fine-tuner
        ("maker:Qwen", "hf:deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "denied"),  # its base
        ("maker:deepseek-ai", "hf:unsloth/DeepSeek-R1-Distill-Llama-8B-GGUF", "denied"),
        ("maker:deepseek-ai", "hf:perplexity-ai/r1-1776", "denied"),
        ("maker:deepseek-ai", "hf:meta-llama/Llama-3.1-8B-Instruct", "excluded"),
        ("maker:deepseek-ai", "hf:TheBloke/Mistral-7B-Instruct-v0.2-GGUF", "excluded"),
        ("maker:deepseek-ai", "hf:acme/our-model", "possible"),
        ("maker:deepseek-ai", "hf:someone/Qwen2.5-7B-deepseek-distill", "possible"),
        ("maker:DeepSeek", "hf:deepseek-ai/DeepSeek-V3", "denied"),  # the brand
        ("maker:kimi", "hf:moonshotai/Kimi-K2.5", "denied"),
        ("maker:THUDM", "hf:zai-org/GLM-4.5", "denied"),  # the namespace before it was renamed
        ("maker:moonshotai", "composer-2", "denied"),
        ("country:CN", "hf:Qwen/Qwen3-8B", "denied"),
        ("country:cn", "hf:microsoft/MAI-DS-R1", "denied"),
        ("country:CN", "hf:meta-llama/Llama-3.1-8B-Instruct", "excluded"),
        ("country:CN", "hf:acme/our-model", "possible"),
        ("country:FR", "hf:TheBloke/Mistral-7B-Instruct-v0.2-GGUF", "denied"),
        ("family:Qwen", "hf:deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "denied"),
        ("family:qwen", "hf:meta-llama/Llama-3.1-8B-Instruct", "excluded"),
        ("family:qwen2.5", "hf:Qwen/Qwen2.5-7B-Instruct", "denied"),
        ("family:qwen2.5", "hf:Qwen/Qwen3-8B", "excluded"),
        ("licence:non-commercial", "hf:CohereLabs/c4ai-command-r-v01", "denied"),
        ("licence:non-commercial", "hf:Qwen/Qwen3-8B", "excluded"),
        ("license:non-commercial", "hf:acme/our-model", "possible"),
        ("licence:llama-3.1", "hf:meta-llama/Llama-3.1-8B-Instruct", "denied"),
        ("licence:llama3.1", "hf:meta-llama/Llama-3.1-8B-Instruct", "denied"),  # the hub's tag
        ("licence:llama", "hf:meta-llama/Llama-3.3-70B-Instruct", "denied"),  # any version
        ("licence:gemma", "hf:google/gemma-2-9b-it", "denied"),
        ("licence:gemma", "hf:google/gemma-3-27b-it", "denied"),
        ("licence:llama", "hf:Qwen/Qwen3-8B", "excluded"),
        ("licence:nvidia-open-model-license", "hf:nvidia/Cosmos-Reason2-8B", "denied"),
        ("licence:cc-by-nc", "hf:CohereLabs/c4ai-command-r-v01", "denied"),
        ("licence:cc-by", "hf:Qwen/Qwen3-8B", "excluded"),
        ("licence:mpl-2.0", "hf:Qwen/Qwen3-8B", "excluded"),  # of SPDX alone
        ("licence:llama3", "hf:NousResearch/Hermes-3-Llama-3.1-8B", "denied"),  # what it is tagged
        ("licence:llama3.1", "hf:NousResearch/Hermes-3-Llama-3.1-8B", "denied"),  # what its base is under
        ("model:hf:Qwen/Qwen3-8B@b968826d", "hf:Qwen/Qwen3-8B@b968826d9c46dd6066d109eabc6255188de91218", "denied"),
        ("model:hf:Qwen/Qwen3-8B@b968826d", "hf:Qwen/Qwen3-8B@b9688", "possible"),
        ("model:hf:Qwen/Qwen3-8B@b968826d", "hf:Qwen/Qwen3-8B@main", "possible"),
        ("model:hf:Qwen/Qwen3-8B@b968826d", "hf:Qwen/Qwen3-8B@c1d9826d9c46dd6066d109eabc6255188de91218", "excluded"),
        ("model:hf:Qwen/Qwen3-8B", "hf:bartowski/Qwen_Qwen3-8B-GGUF", "denied"),
        ("model:hf:qwen/qwen3-8b", "hf:Qwen/Qwen3-8B", "denied"),
        ("model:hf:Qwen/Qwen3-8B", "hf:Qwen/Qwen3-14B", "excluded"),
    ],
)
def test_outcome(
    denial: str,
    reference: str,
    expected: str,
    known: Knowledge,
    in_code: Callable[..., Any],
    row_of: Callable[..., Any],
) -> None:
    """A denial matches any maker, country, family or licence along the chain; an open chain is never excluded."""
    assert outcome(known, denial, row_of(in_code(reference))) == expected


def test_weak_trace_is_possible_and_not_denied(
    known: Knowledge, in_code: Callable[..., Any], row_of: Callable[..., Any]
) -> None:
    """What may be no use of a model at all is no finding, and no proof of absence."""
    row = row_of(in_code("hf:deepseek-ai/DeepSeek-V3", confidence=Confidence.LOW))
    assert outcome(known, "maker:deepseek-ai", row) == "possible"


def test_contradiction_excludes_nothing(
    known: Knowledge, in_code: Callable[..., Any], row_of: Callable[..., Any]
) -> None:
    """A service whose name is contradicted by what it shows excludes nothing, whatever its name says."""
    row = row_of(replace(in_code("hf:meta-llama/Llama-3.1-8B-Instruct"), contradictions=("another tokenizer",)))
    assert outcome(known, "maker:moonshotai", row) == "possible"


@pytest.mark.parametrize(
    "text",
    ["", "maker:", "deepseek", "country:China", "planet:mars", "model:Qwen3", "maker",
     "maker:deepsek-ai", "maker:deepseek_ai", "maker:Qwenn", "family:gema",
     "licence:gemmma", "licence:lama-3.1", "licence:qqq", "licence:other"],
)  # fmt: skip
def test_denial_that_is_not_understood(text: str, known: Knowledge) -> None:
    """A denial that would match nothing, or is a slip of the pen, is refused: it must not show an absence."""
    with pytest.raises(UsageError):
        parse_denial(text, known)


def test_unlisted_maker_is_taken_and_said(known: Knowledge) -> None:
    """A maker that no table lists is looked for by its namespace alone, and the limit is said."""
    denial = parse_denial("maker:zzyzx-research", known)
    assert denial.value == "zzyzx-research"
    assert "not listed" in denial.note


def test_absence_needs_everything_searched_and_closed(
    known: Knowledge, in_code: Callable[..., Any], row_of: Callable[..., Any]
) -> None:
    """Absence is shown only where each model excludes it and no place was left out; else it says which does not."""
    denials = [parse_denial("maker:deepseek-ai", known)]
    roots = [Root("/srv", "folder", files=12)]
    clean, unclear = row_of(in_code("hf:openai/gpt-oss-20b")), row_of(in_code("hf:acme/our-model"))
    there = row_of(in_code("hf:deepseek-ai/DeepSeek-V3"))
    shown = judge_absence(denials, [clean], [], roots)
    assert (shown.outcome, shown.exit_code) == ("shown", 0)
    assert "12 files" in shown.claim
    assert len(shown.limits) >= 5
    unsearched = judge_absence(denials, [clean], [Unsearched("/srv/x.zip", "encrypted")], roots)
    assert (unsearched.outcome, unsearched.exit_code) == ("not shown", 11)
    not_excluded = judge_absence(denials, [clean, unclear], [], roots)
    assert (not_excluded.outcome, not_excluded.exit_code) == ("not shown", 11)
    assert [row["reference"] for row in not_excluded.possible_json()] == ["hf:acme/our-model"]
    present = judge_absence(denials, [there, unclear], [], roots)
    assert (present.outcome, present.exit_code) == ("present", 12)
    assert present.denied_json()[0]["places"] == ["app.py:1"]
    assert judge_absence([], [there], [], roots).exit_code == 0
