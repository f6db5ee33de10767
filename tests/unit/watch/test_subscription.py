from __future__ import annotations

import pytest

from weighbridge.errors import BadReference, NotFound
from weighbridge.hub.catalogue.protocol import Entry
from weighbridge.knowledge.load import load_knowledge
from weighbridge.watch.diff.arrivals import arrival
from weighbridge.watch.diff.weights import quantization_of
from weighbridge.watch.subscription import Subscription, scopes_of, targets_of

KNOWN = load_knowledge()


def _scopes(text: str) -> list[tuple[str, str, str]]:
    scopes = scopes_of(Subscription.parse(text, KNOWN), KNOWN)
    return [(scope.hub, scope.publisher, scope.repository) for scope in scopes]


def test_what_can_be_followed() -> None:
    """A publisher, a model, a family at its maker on both hubs."""
    assert _scopes("hf:Qwen") == [("hf", "Qwen", "")]
    assert _scopes("ms:Qwen/Qwen3-8B") == [("ms", "Qwen", "Qwen/Qwen3-8B")]
    assert _scopes("family:deepseek") == [("hf", "deepseek-ai", ""), ("ms", "deepseek-ai", "")]


@pytest.mark.parametrize("text", ["Qwen", "hf:", "hf:a/b/c", "hf:a/..", "hf:Qwen/Qwen3-8B@main", "./x", "hf:a\nb", ""])
def test_what_cannot_be_followed(text: str) -> None:
    """Everything else is refused with what to write instead."""
    with pytest.raises(BadReference) as error:
        Subscription.parse(text, KNOWN)
    assert error.value.hint


def test_a_family_that_nobody_lists_is_not_guessed() -> None:
    """The error names one like it."""
    with pytest.raises(NotFound, match="no family") as error:
        Subscription.parse("family:DeepSek", KNOWN)
    assert "DeepSeek" in str(error.value.hint)


def test_a_publisher_is_asked_once_for_all_that_is_followed_there() -> None:
    """Publisher, model and family of one namespace share a listing."""
    texts = ("hf:Qwen", "hf:Qwen/Qwen3-8B", "family:Qwen", "hf:google/gemma-3-27b-it")
    subscriptions = [Subscription.parse(text, KNOWN) for text in texts]
    targets = targets_of(scope for one in subscriptions for scope in scopes_of(one, KNOWN))
    assert [target.name for target in targets] == ["hf:Qwen", "hf:google/gemma-3-27b-it", "ms:Qwen"]


def test_a_family_of_a_maker_with_several_holds_its_own_models() -> None:
    """Gemma is followed at google without its other models; all of deepseek-ai is DeepSeek's."""
    gemma, _ = scopes_of(Subscription.parse("family:Gemma", KNOWN), KNOWN)
    assert gemma.holds(Entry("hf", "google/gemma-3-27b-it"), KNOWN)
    assert not gemma.holds(Entry("hf", "google/flan-t5-base"), KNOWN)
    deepseek, _ = scopes_of(Subscription.parse("family:DeepSeek", KNOWN), KNOWN)
    assert deepseek.holds(Entry("hf", "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"), KNOWN)


# names of published repositories and files
@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Qwen/Qwen3-8B-FP8", "FP8"), ("Qwen/Qwen3-8B-GGUF", "GGUF"),
        ("Qwen/Qwen2.5-7B-Instruct-GPTQ-Int4", "GPTQ-INT4"),
        ("Qwen3-8B-Q4_K_M.gguf", "Q4_K_M"), ("Qwen3-8B-UD-IQ2_XXS.gguf", "IQ2_XXS"), ("nvidia/Kimi-K3-NVFP4", "NVFP4"),
        ("x-BF16-00001-of-00002.gguf", "BF16"), ("Qwen/Qwen3-8B", ""), ("zai-org/GLM-4.6", ""),
        ("mlx-community/Qwen3-8B-4bit", "4BIT"), ("deepseek-ai/DeepSeek-V3.2-Exp", ""),
    ],
)  # fmt: skip
def test_a_name_says_how_the_weights_are_stored(name: str, label: str) -> None:
    """Precisions as makers and llama.cpp write them; a model's own name says none."""
    assert quantization_of(name) == label


def test_a_quantization_is_told_from_a_release() -> None:
    """By the declared base, or by a name that a listed model has without the precision."""
    base = ("quantized", "Qwen/Qwen3-8B")
    declared = arrival(Entry("hf", "unsloth/Qwen3-8B-GGUF", base_models=(base,)), {"Qwen/Qwen3-8B"})
    assert (declared.kind, declared.before) == ("new-quantization", {"base_models": ["Qwen/Qwen3-8B"]})
    assert arrival(Entry("hf", "Qwen/Qwen3-8B-FP8"), {"Qwen/Qwen3-8B"}).kind == "new-quantization"
    assert arrival(Entry("hf", "Qwen/Qwen3-8B-FP8"), set()).kind == "release"
    assert arrival(Entry("hf", "Qwen/Qwen4-8B"), {"Qwen/Qwen3-8B"}).kind == "release"
    assert "companion" in arrival(Entry("hf", "nvidia/Kimi-K3-Eagle3"), set()).traits
