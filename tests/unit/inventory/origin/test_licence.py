"""Licences along a chain: the strictest counts, a laxer claim is laundering, and what is not known stays so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from weighbridge.inspection.licence.chain.sources import Text
from weighbridge.inventory.origin.chain import Origins, Subject
from weighbridge.inventory.origin.licence import InForce, licence_along

if TYPE_CHECKING:
    from weighbridge.knowledge.load import Knowledge


def along(
    known: Knowledge, name: str, tag: str = "", bases: tuple[str, ...] = (), texts: tuple[Text, ...] = ()
) -> InForce:
    """Return what is in force for a name, its tag and its declared bases."""
    return licence_along(Origins(known).chain_of(Subject(name, bases, licence_tag=tag)), texts)


@pytest.mark.parametrize(
    ("name", "expected"),
    [  # as the hub snapshot of 2026-10-05 and the makers' licence files have them
        ("Qwen/Qwen3-8B", "apache-2.0"),
        ("meta-llama/Llama-3.1-8B-Instruct", "llama-3.1"),
        ("google/gemma-3-27b-it", "gemma-2025-03-24"),
        ("Qwen/Qwen2.5-3B-Instruct", "qwen-research-2024"),
        ("CohereLabs/c4ai-command-r-v01", "cc-by-nc-4.0"),
        ("zai-org/GLM-5.3", "glm-5.3"),
        ("zai-org/GLM-5.2", "mit"),
        ("moonshotai/Kimi-K3", "kimi-k3"),
        ("MiniMaxAI/MiniMax-M2.7", "minimax-non-commercial-2026"),
        ("openai/gpt-oss-20b", "apache-2.0"),
        ("deepseek-ai/DeepSeek-R1", "mit"),
        ("zai-org/glm-4-9b-chat", "glm-4"),  # the tag of THUDM/glm-4-9b-chat, as it was called
        ("meta.llama3-1-70b-instruct-v1:0", "llama-3.1"),  # at Amazon Bedrock
    ],
)
def test_licence_of_a_makers_own_repository(name: str, expected: str, known: Knowledge) -> None:
    """A maker's own repository carries what its tag and its text say, per repository and not per family."""
    assert expected in [licence for _, licence in along(known, name).along]


@pytest.mark.parametrize("tag", ["mit", "apache-2.0"])
@pytest.mark.parametrize(
    ("name", "base", "licence"),
    [
        ("someone/Kimi-K3-NVFP4", "moonshotai/Kimi-K3", "kimi-k3"),
        ("dealignai/GLM-5.3-CYBERSECURITY-FP8", "zai-org/GLM-5.3", "glm-5.3"),
        ("someone/MiniMax-M2.7-GGUF", "MiniMaxAI/MiniMax-M2.7", "minimax-non-commercial-2026"),
        ("acme/chat", "meta-llama/Llama-3.1-8B", "llama-3.1"),
        ("ATH-MaaS/Ovis1.6-Gemma2-9B", "google/gemma-2-9b-it", "gemma-2024-04-01"),
        ("acme/translate", "CohereLabs/c4ai-command-r-v01", "cc-by-nc-4.0"),
    ],
)
def test_laundering(name: str, base: str, licence: str, tag: str, known: Knowledge) -> None:
    """A re-upload tagged free of a base that is not: the base's licence is in force, and the conflict is named."""
    found = along(known, name, tag, (base,))
    assert found.licence == licence
    assert any(which == "licence-laundering" for which, _ in found.conflicts)


def test_maker_relicenses_its_own_base(known: Knowledge) -> None:
    """DeepSeek-R1 is MIT though DeepSeek-V3-Base carries a licence of its own: one maker holds the rights in both."""
    found = along(known, "deepseek-ai/DeepSeek-R1", "mit")
    assert found.licence == "mit"
    assert not found.conflicts


def test_tag_over_another_makers_base_is_a_conflict(known: Knowledge) -> None:
    """DeepSeek-R1-Distill-Llama-70B is tagged MIT, and its base is under the Llama 3.3 licence, said once."""
    found = along(known, "deepseek-ai/DeepSeek-R1-Distill-Llama-70B", "mit")
    assert found.licence == "llama-3.3"
    assert len(found.conflicts) == 1


def test_tag_of_another_version_loses_against_the_base(known: Knowledge) -> None:
    """Hermes 3 is tagged llama3 over Llama 3.1: only Meta could change the version, and the difference is said."""
    found = along(known, "NousResearch/Hermes-3-Llama-3.1-8B")
    assert found.licence == "llama-3.1"
    assert {licence for _, licence in found.along} == {"llama-3", "llama-3.1"}
    assert [which for which, _ in found.conflicts] == ["licence-mismatch"]
    named = along(known, "nvidia/Llama-3_3-Nemotron-Super-49B-v1")
    assert named.licence == "llama-3.3"
    assert "llama-3" not in {licence for _, licence in named.along}  # which its name holds by chance


@pytest.mark.parametrize(
    ("name", "tag", "expected"),
    [  # licence tags of the hub snapshot of 2026-10-05 and the base Qwen3-VL, which is Apache-2.0
        ("nvidia/Cosmos-Reason2-8B", "nvidia-open-model-license", "nvidia-open-model-2025-04-28"),
        ("acme/chat", "other", "other"),
        ("acme/chat", "acme-house-licence", "acme-house-licence"),
        ("acme/chat", "mit", "mit"),
        ("acme/chat", "cc-by-4.0", "cc-by-4.0"),
    ],
)
def test_permissive_base_never_hides_a_tag(name: str, tag: str, expected: str, known: Knowledge) -> None:
    """A licence with more terms, or with terms that are not known, is shown before its free base."""
    found = along(known, name, tag, ("Qwen/Qwen3-VL-8B-Instruct",))
    assert found.licence in {expected, "apache-2.0"} if expected in {"mit", "cc-by-4.0"} else found.licence == expected
    assert expected in {licence for _, licence in found.along}


def test_modified_mit_is_each_makers_own(known: Knowledge) -> None:
    """`modified-mit` is Moonshot's text at Moonshot, MiniMax's at MiniMax, and nobody knows which elsewhere."""
    assert along(known, "moonshotai/Kimi-K2-Instruct").licence == "moonshot-modified-mit"
    assert along(known, "MiniMaxAI/MiniMax-M2").licence == "minimax-m2-modified-mit"
    strange = along(known, "acme/chat", "modified-mit")
    assert (strange.licence, strange.is_complete) == ("modified-mit", False)


def test_free_base_under_another_free_licence_is_no_conflict(known: Knowledge) -> None:
    """Apache-2.0 weights under MIT are no laundering: both are licences that OSI approved."""
    assert not along(known, "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "mit").conflicts


def test_stricter_claim_than_the_base_counts(known: Knowledge) -> None:
    """A fine-tune under a non-commercial licence of a free base is non-commercial."""
    found = along(known, "acme/chat", "cc-by-nc-4.0", ("Qwen/Qwen3-8B",))
    assert found.licence == "cc-by-nc-4.0"
    assert found.commercial_use.startswith("no")


def test_unknown_stays_unknown(known: Knowledge) -> None:
    """Nothing said is no licence, and an open chain leaves the licence incomplete."""
    nothing = along(known, "acme/our-model")
    assert nothing.licence is None
    assert not nothing.is_complete
    assert nothing.unknown
    claimed = along(known, "acme/our-model", "apache-2.0")
    assert claimed.licence == "apache-2.0"
    assert not claimed.is_complete  # a base that nobody names may add terms


def test_text_that_lies_there_is_read(known: Knowledge) -> None:
    """A licence file beside the weights counts before the tag, and a tag that differs is a conflict."""
    text = Text("LICENSE", "Permission is hereby granted, free of charge, to any person")
    found = along(known, "Qwen/Qwen3-8B", "apache-2.0", texts=(text,))
    assert found.licence is not None
