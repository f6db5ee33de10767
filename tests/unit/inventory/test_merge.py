"""Merging: one model in code, in a cache and behind an endpoint is one row; two models are two."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.finding import Confidence
from weighbridge.inventory.denial import judge_model, parse_denial
from weighbridge.inventory.found import Found, Way
from weighbridge.inventory.merge import Seen, grouped

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.knowledge.load import Knowledge


def seen(way: Way, place: str, name: str, **more: Any) -> Seen:
    """Return a trace."""
    return Seen(Found(way, place, name, more.pop("confidence", Confidence.MEDIUM), **more))


def test_one_model_in_three_places_is_one_row() -> None:
    """Code, cache and endpoint of one repository come together, whatever the case and revision."""
    groups = grouped(
        [
            seen("code", "a.py:1", "qwen/qwen3-8b", reference="hf:qwen/qwen3-8b"),
            seen("cache", "/cache", "Qwen/Qwen3-8B", reference="hf:Qwen/Qwen3-8B@abc", confidence=Confidence.HIGH),
            seen("endpoint", "http://h/v1#Qwen/Qwen3-8B", "Qwen/Qwen3-8B"),
        ]
    )
    (group,) = groups
    assert group.repository == "Qwen/Qwen3-8B"
    assert [one.found.way for one in group.seen] == ["cache", "endpoint", "code"]
    assert group.confidence is Confidence.HIGH
    assert not group.is_label


def test_same_weights_under_two_names_are_one_row() -> None:
    """A blob's digest tells that a file without a reference is a model of the cache, whichever comes first."""
    digest = f"sha256:{'a' * 64}"
    cached = seen("cache", "/cache", "Qwen/Qwen3-8B", reference="hf:Qwen/Qwen3-8B", digest=digest)
    file = seen("weights", "/srv/model.gguf", "model", folder="/srv/model.gguf", digest=digest)
    assert len(grouped([cached, file])) == len(grouped([file, cached])) == 1


def test_two_folders_of_one_name_are_two_rows() -> None:
    """What folders are called does not make them one model."""
    rows = [seen("weights", place, "model", folder=place) for place in ("/a/model", "/b/model")]
    assert len(grouped(rows)) == 2


def test_one_service_name_in_two_files_is_one_row() -> None:
    """`deepseek-chat` in two files is one model."""
    assert len(grouped([seen("code", place, "deepseek-chat") for place in ("a.py:1", "b.py:9")])) == 1


@pytest.mark.parametrize(
    ("name", "maker"),
    [("azure/gpt-4o", "openai"), ("groq/llama-3.3-70b-versatile", "meta-llama"),
     ("@cf/meta/llama-3.1-8b-instruct", "meta-llama"),
     ("accounts/fireworks/models/deepseek-v3", "deepseek-ai"), ("bedrock/us.deepseek.r1-v1:0", "deepseek-ai"),
     ("vertex_ai/gemini-2.5-pro", "google"), ("dashscope/qwen-plus", "Qwen"), ("x-ai/grok-4", "xai-org"),
     ("deepseek/deepseek-chat", "deepseek-ai"), ("amazon.nova-pro-v1:0", "amazon")],
)  # fmt: skip
def test_name_at_a_service_has_a_maker_and_no_repository(name: str, maker: str, row_of: Callable[..., Any]) -> None:
    """What routers and clouds call a model tells its maker; their prefix is no publisher on a hub."""
    row = row_of(seen("code", "a.py:1", name))
    assert row.maker == maker
    assert row.publisher == ""
    assert row.reference == f"service:{name}"


@pytest.mark.parametrize(
    ("name", "expected"),
    [  # ids of openrouter.ai/models against spellings of the hub
        ("moonshotai/kimi-k2", "service:moonshotai/kimi-k2"),
        ("deepseek/deepseek-chat", "service:deepseek/deepseek-chat"),
        ("google/gemini-2.5-pro", "service:google/gemini-2.5-pro"),
        ("mistralai/mistral-large", "service:mistralai/mistral-large"),
        ("google/gemma-3-27b-it", "hf:google/gemma-3-27b-it"),  # the hub spells it so too
        ("qwen/qwen3-8b", "hf:Qwen/Qwen3-8B"),
        ("acme/our-model", "hf:acme/our-model"),
        ("moonshotai/Kimi-K9", "hf:moonshotai/Kimi-K9"),
        ("moonshotai/kimi-k2@b968826d9c46dd6066d109eabc6255188de91218", "hf:moonshotai/kimi-k2"),
    ],
)
def test_routers_spelling_is_a_service(name: str, expected: str, row_of: Callable[..., Any]) -> None:
    """What only a router spells so is asked of a service; what the hub has, or is pinned there, is a reference."""
    row = row_of(seen("code", "a.py:1", name.partition("@")[0], reference=f"hf:{name}"))
    assert row.reference == expected
    assert (row.publisher == "") == expected.startswith("service:")


@pytest.mark.parametrize("name", ["claude-sonnet-4", "anthropic/claude-3.5-sonnet", "gpt-4o", "x-ai/grok-4"])
def test_closed_services_answer_where_their_maker_sits(name: str, row_of: Callable[..., Any], known: Knowledge) -> None:
    """A tree with closed services of the US alone shows that no model is of China."""
    row = row_of(seen("code", "a.py:1", name))
    assert row.maker_country == "US"
    assert judge_model(parse_denial("country:CN", known), row).outcome == "excluded"


def test_files_and_endpoints_are_labels_unless_a_sign_agrees() -> None:
    """A folder's and a service's name is only a label; a tokenizer that agrees makes it more."""
    weights = seen("weights", "/a", "Qwen3-8B", folder="/a")
    served = seen("endpoint", "http://h/v1#x", "Qwen/Qwen3-8B", reference="hf:Qwen/Qwen3-8B")
    assert grouped([weights])[0].is_label
    assert grouped([served])[0].is_label
    assert not grouped([replace(served, agrees=True)])[0].is_label


def test_service_closes_a_chain_only_with_a_sign_that_agrees(row_of: Callable[..., Any], known: Knowledge) -> None:
    """A service's name closes nothing; a tokenizer or template that agrees does, and only for that service."""
    served = seen("endpoint", "http://h/v1#x", "Qwen/Qwen3-8B", reference="hf:Qwen/Qwen3-8B")
    deny = parse_denial("maker:mistralai", known)
    assert judge_model(deny, row_of(served)).outcome == "possible"
    assert judge_model(deny, row_of(replace(served, agrees=True))).outcome == "excluded"
    assert judge_model(deny, row_of(replace(served, agrees=True), served)).outcome == "possible"


def test_architecture_is_a_sign_for_files_without_a_name(row_of: Callable[..., Any], known: Knowledge) -> None:
    """Renamed weights with Qwen's architecture are possibly Qwen's: not denied by it alone, and never excluded."""
    row = row_of(seen("weights", "/srv/helper.gguf", "helper.gguf", folder="/srv/helper.gguf", architecture="qwen3moe"))
    assert row.chain.makers == ("Qwen",)
    assert not row.is_resolved
    assert judge_model(parse_denial("maker:Qwen", known), row).outcome == "possible"
    assert judge_model(parse_denial("maker:mistralai", known), row).outcome == "possible"


def test_label_against_architecture_is_a_contradiction(row_of: Callable[..., Any]) -> None:
    """A folder that is called Mistral and holds Gemma's architecture is said, under any spelling of it."""
    for spelling in ("gemma3", "Gemma3ForCausalLM"):
        row = row_of(seen("weights", "/srv/mistral-7b", "mistral-7b", folder="/srv/mistral-7b", architecture=spelling))
        assert "google" in row.contradictions[0]
        assert set(row.chain.makers) == {"mistralai", "google"}


def test_shared_architecture_says_nothing(row_of: Callable[..., Any]) -> None:
    """`llama` and `deepseek_v3` are used by many makers."""
    for name in ("llama", "deepseek_v3", "LlamaForCausalLM", ""):
        assert row_of(seen("weights", "/srv/x", "x", folder="/srv/x", architecture=name)).chain.makers == ()


def test_another_makers_architecture_leaves_a_reference_open(row_of: Callable[..., Any], known: Knowledge) -> None:
    """A repository whose config has Qwen's architecture may be made from Qwen, whoever published it."""
    for name in ("hf:upstage/SOLAR-10.7B-v1.0", "hf:microsoft/NoSuchCoder-7B", "hf:moonshotai/Kimi-K9"):
        row = row_of(seen("cache", "/c", "y", reference=name, architecture="qwen3"))
        assert "Qwen" in row.chain.makers
        assert row.maker == ""
        assert judge_model(parse_denial("country:CN", known), row).outcome != "excluded"
        assert not row.contradictions


def test_row_has_every_place_and_revision(in_code: Callable[..., Any], row_of: Callable[..., Any]) -> None:
    """The row of a model lists its places and revisions, and says what is not known as null."""
    first = in_code("hf:Qwen/Qwen3-8B@abc", place="a.py:1")
    row = row_of(first, in_code("hf:Qwen/Qwen3-8B@def", place="b.py:2")).to_json()
    assert row["reference"] == "hf:Qwen/Qwen3-8B"
    assert row["revisions"] == ["abc", "def"]
    assert [one["place"] for one in row["places"]] == ["a.py:1", "b.py:2"]
    assert (row["maker"], row["maker_country"], row["publisher"]) == ("Qwen", "CN", "Qwen")
    distilled = row_of(in_code("hf:deepseek-ai/DeepSeek-R1-Distill-Qwen-7B")).to_json()
    assert distilled["makers"] == ["Qwen", "deepseek-ai"]  # the root first
    unknown = row_of(in_code("hf:acme/our-model")).to_json()
    assert unknown["maker"] is unknown["licence"] is unknown["maker_country"] is None
