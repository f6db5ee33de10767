"""Whom downloads belong to: declared bases through their chain, then names, then publishers, else unknown."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.adoption.definition import Definition
from weighbridge.adoption.owner.chain import MAX_DEPTH
from weighbridge.adoption.owner.families import name_families, with_cores
from weighbridge.knowledge.load import load_knowledge

if TYPE_CHECKING:
    from tests.unit.adoption.conftest import Rows

LONG = [{"id": "me/m0", "base_model": "Qwen/Qwen3-8B"}] + [
    {"id": f"me/m{n}", "base_model": f"me/m{n - 1}"} for n in range(1, MAX_DEPTH + 1)
]


def by_base(rows: Rows, listing: list[dict[str, Any]], **asked: Any) -> dict[str, int]:
    """Return the downloads of each country by base."""
    bases = asked.pop("bases", ())
    (found,) = rows.measure(Definition(attribution="base", **asked), rows.write(listing), bases=bases)
    return {key: group.value for key, group in found.base.groups.items()}


@pytest.mark.parametrize(
    ("listing", "owned"),
    [
        # a name decides for those who hand on, and for the unlisted; a maker's own name is its own
        ([{"id": "unsloth/Llama-3-8B-GGUF"}, {"id": "unsloth/other"}], {"US": 20}),
        ([{"id": "unsloth/Qwen3-8B-GGUF"}], {"CN": 10}),
        ([{"id": "vendor/mistral-7b-fp8"}], {"FR": 10}),
        ([{"id": "stranger/my-qwen"}], {"CN": 10}),
        ([{"id": "stranger/my-model"}], {"unlisted": 10}),
        ([{"id": "meta-llama/Llama-for-Qwen"}], {"US": 10}),
        ([{"id": "stranger/qwen-llama-merge"}], {"unlisted": 10}),
        ([{"id": "gpt-without-owner"}], {"unlisted": 10}),
        # a declared base goes before names, whoever publishes
        ([{"id": "unsloth/Qwen-like", "base_model": "meta-llama/Llama-3"}], {"US": 10}),
        ([{"id": "meta-llama/x", "base_model": ["Qwen/Qwen3-8B"]}], {"CN": 10}),
        ([{"id": "a/b", "baseModels": {"relation": "merge", "models": [{"id": "Qwen/x"}, {"id": "deepseek-ai/y"}]}}],
         {"CN": 10}),
        ([{"id": "a/b", "tags": ["base_model:adapter:mistralai/M"]}], {"FR": 10}),
        # bases of several countries, circles, and what stands on itself
        ([{"id": "a/b", "base_model": ["Qwen/x", "meta-llama/y"]}], {"unlisted": 10}),
        ([{"id": "a/qwen", "base_model": "b/qwen"}, {"id": "b/qwen", "base_model": "a/qwen"}], {"unlisted": 20}),
        ([{"id": "a/qwen", "base_model": "a/qwen"}], {"CN": 10}),
        ([{"id": "a/qwen", "base_model": "./my folder/of models"}], {"CN": 10}),
        # drafts name whom they serve; a whole model that brings one along does not
        ([{"id": "vendor/Qwen3-32B-DFlash", "base_model": "Qwen/Qwen3-32B"}], {"US": 10}),
        ([{"id": "vendor/Qwen3-32B-DFlash", "safetensors": {"total": 32 * 10**9}}], {"CN": 10}),
    ],
)  # fmt: skip
def test_the_rule(rows: Rows, listing: list[dict[str, Any]], owned: dict[str, int]) -> None:
    """Each line of the documented rule."""
    assert by_base(rows, listing) == owned


def test_a_chain_is_followed_to_its_bound(rows: Rows) -> None:
    """Eight steps are followed, the ninth is unknown; the count of either is exact."""
    assert by_base(rows, LONG) == {"CN": 10 * MAX_DEPTH, "unlisted": 10}
    (found,) = rows.measure(Definition(attribution="base"), rows.write(LONG))
    assert found.coverage.base_found_by == {
        "relation": pytest.approx(MAX_DEPTH / (MAX_DEPTH + 1)),
        "unresolved": pytest.approx(1 / (MAX_DEPTH + 1)),
    }


def test_a_chain_leads_through_what_is_not_counted(rows: Rows) -> None:
    """A base outside the population, or outside the snapshot, still carries the chain."""
    middle = {"id": "me/middle", "base_model": "Qwen/gone", "pipeline_tag": "feature-extraction"}
    assert by_base(rows, [{"id": "me/end", "base_model": "me/middle"}, middle]) == {"CN": 10}


def test_bases_from_a_file_beside_the_snapshot(rows: Rows) -> None:
    """`--bases` says more where the snapshot says nothing, and does not contradict it."""
    path = rows.folder / "sources.csv"
    path.write_text("base_model,gguf_repo\nQwen/Q,a/one\nQwen/Q,a/two\nnot an id at all,a/three\n")
    listing: list[dict[str, Any]] = [{"id": "a/one"}, {"id": "a/two", "base_model": "mistralai/M"}, {"id": "a/three"}]
    assert by_base(rows, listing, bases=[path]) == {"CN": 10, "FR": 10, "unlisted": 10}


def test_a_wide_and_circular_graph_ends(rows: Rows) -> None:
    """Two thousand repositories that all declare four of each other: unknown, at once."""
    chance = random.Random(7)  # noqa: S311 - a graph, not a key
    listing = [{"id": f"a/m{n}", "base_model": [f"a/m{chance.randrange(2000)}" for _ in range(4)]} for n in range(2000)]
    assert by_base(rows, listing) == {"unlisted": 20_000}


@pytest.mark.parametrize(
    ("by", "keys"),
    [("maker", {"Qwen": 20, "unlisted": 10}), ("family", {"Qwen": 20, "unknown": 10}),
     ("kind", {"company": 20, "unlisted": 10}), ("publisher", {"Qwen": 20, "me": 10}),
     ("size", {"1-9B": 10, "unknown": 20}), ("licence", {"mit": 10, "unknown": 20})],
)  # fmt: skip
def test_every_grouping(rows: Rows, by: str, keys: dict[str, int]) -> None:
    """One listing by each key: a maker's model, a copy of it, and a stranger."""
    listing: list[dict[str, Any]] = [
        {"id": "Qwen/Qwen3-8B", "params_total": 8_200_000_000, "license": "MIT"},
        {"id": "unsloth/Qwen3-8B-GGUF"},
        {"id": "me/thing"},
    ]
    assert by_base(rows, listing, by=by) == keys


def test_names_in_bulk_are_named_as_one_by_one(rows: Rows) -> None:
    """The short cut of the database and `Known.family_of` agree, on words run together, too (6,000 made-up names)."""
    known, chance = load_knowledge(), random.Random(5)  # noqa: S311 - names, not keys
    words = sorted({word.strip("^$#") for one in known.families for word in f"{one.pattern} {one.not_pattern}".split()})
    names = {"qwenemotron", "ollama-llama", "héqwen", "deepseek-r1-distill-qwen-7b", "qwen_qwen", "k-exaone"}
    while len(names) < 6_000:
        text = ""
        for _ in range(chance.randint(1, 3)):
            word, shared = chance.choice(words), chance.randint(1, 3)
            joined = text.endswith(word[:shared])
            text = text + word[shared:] if joined else text + chance.choice(["", "-", "_", "x", "7", "."]) + word
        names.add(
            chance.choice(["", "my-", "x"]) + text + chance.choice(["", "-7b", "-v2", "b", "8x7b-it", "-llm-1.5b2m"])
        )
    with rows.database() as database:
        database.keep("names", ("name VARCHAR",), [(name,) for name in names])
        source = "SELECT name AS whole, name FROM names"
        database.rows(f"CREATE TEMP TABLE nodes AS {with_cores(source, known)}")
        name_families(database, known)
        found: dict[str, str] = dict(database.rows("SELECT whole, family FROM nodes JOIN named USING (core)"))
    assert found == {name: family.name for name in names if (family := known.family_of(name))}
