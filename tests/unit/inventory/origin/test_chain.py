"""Chains: labelled cases with their sources, circles, depth, declared bases, hubs, and what stays unknown."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from weighbridge.errors import HubUnreachable, NotFound, WeighbridgeError
from weighbridge.hub.catalogue.protocol import Entry
from weighbridge.inventory.origin.chain import Origins, Subject

if TYPE_CHECKING:
    from weighbridge.knowledge.load import Knowledge

ROWS = list(csv.DictReader(Path(__file__).with_name("chains.csv").read_text(encoding="utf-8").splitlines()))


class Hub:
    """A catalogue of a few entries; `asked` are the repositories in order."""

    def __init__(self, bases: dict[str, tuple[str, ...]], licences: dict[str, str] | None = None) -> None:
        self._bases = bases
        self._licences = licences or {}
        self.asked: list[str] = []
        self.refusal: WeighbridgeError = HubUnreachable("no answer")

    def entry(self, repository: str) -> Entry:
        """Return an entry, or fail as an unreachable hub does."""
        self.asked.append(repository)
        if repository not in self._bases:
            raise self.refusal
        models = tuple(("finetune", base) for base in self._bases[repository])
        return Entry("hf", repository, base_models=models, licence=self._licences.get(repository, ""))


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_labelled_chain(row: dict[str, str], known: Knowledge) -> None:
    """The maker at the root, every maker along the chain and the base in between are those of the source named."""
    chain = Origins(known).chain_of(Subject(row["name"]))
    assert chain.maker == row["maker"]
    assert chain.makers == tuple(row["makers"].split())
    assert chain.is_closed == bool(row["maker"])
    if row["through"]:
        assert row["through"] in [step.repository for step in chain.steps]


def test_declared_base_counts_before_the_name(known: Knowledge) -> None:
    """A card that states another base than the name suggests is followed, and the name's maker is still mentioned."""
    chain = Origins(known).chain_of(Subject("acme/Llama-chat", ("https://huggingface.co/moonshotai/Kimi-K2.5",)))
    assert chain.makers == ("acme", "moonshotai")
    assert "meta-llama" in chain.mentions


def test_own_name_as_declared_base_is_no_base(known: Knowledge) -> None:
    """A card that names itself as its base says nothing."""
    chain = Origins(known).chain_of(Subject("Qwen/Qwen3-8B", ("Qwen/Qwen3-8B",)))
    assert [step.repository for step in chain.steps] == ["Qwen/Qwen3-8B"]


def test_name_of_a_stranger_closes_nothing(known: Knowledge) -> None:
    """A stranger's upload under a maker's name is known by that name alone: no proof, and the likeness is said."""
    chain = Origins(known).chain_of(Subject("Qwen-AI/Qwen3-8B"))
    assert not chain.is_closed
    assert chain.maker == "Qwen"
    assert any("`Qwen`" in note for note in chain.notes)


def test_fine_tune_by_name_mentions_both_makers(known: Knowledge) -> None:
    """A name with two families gives the base as a guess, and the other as a mention."""
    chain = Origins(known).chain_of(Subject("someone/Qwen2.5-7B-deepseek-distill"))
    assert not chain.is_closed
    assert "deepseek-ai" in {*chain.mentions, *chain.makers}


def test_hub_is_followed_to_the_root(known: Knowledge) -> None:
    """With a hub, the declared bases of each step are followed, and licences taken along."""
    hub = Hub(
        {"acme/our-model": ("acme/middle",), "acme/middle": ("Qwen/Qwen3-8B",), "Qwen/Qwen3-8B": ()},
        {"acme/middle": "cc-by-nc-4.0"},
    )
    chain = Origins(known, {"hf": hub}).chain_of(Subject("acme/our-model"))
    assert [step.repository for step in chain.steps] == ["acme/our-model", "acme/middle", "Qwen/Qwen3-8B"]
    assert chain.is_closed
    assert chain.steps[1].licence_tag == "cc-by-nc-4.0"
    assert len(hub.asked) == len(set(hub.asked)) == 3


def test_circle_ends_and_is_said(known: Knowledge) -> None:
    """Bases that lead back to the model end the chain with a note, and nothing is excluded by it."""
    hub = Hub({"a/x": ("b/y",), "b/y": ("c/z",), "c/z": ("a/x",)})
    chain = Origins(known, {"hf": hub}).chain_of(Subject("a/x"))
    assert [step.repository for step in chain.steps] == ["a/x", "b/y", "c/z"]
    assert not chain.is_closed
    assert any("circle" in note for note in chain.notes)


def test_endless_chain_is_cut(known: Knowledge) -> None:
    """A chain without end stops at the depth, and a model with too many bases at the number of steps."""
    deep = Hub({f"a/m{n}": (f"a/m{n + 1}",) for n in range(100)})
    chain = Origins(known, {"hf": deep}).chain_of(Subject("a/m0"))
    assert len(chain.steps) < 20
    assert not chain.is_closed
    wide = Hub({"a/m": tuple(f"b/{n}" for n in range(5000))})
    many = Origins(known, {"hf": wide}).chain_of(Subject("a/m"))
    assert len(many.steps) <= 64
    assert not many.is_closed
    stated = Origins(known).chain_of(Subject("a/m", tuple(f"Qwen/Qwen{n}" for n in range(99))))
    assert not stated.is_closed  # a base that was left out could be anybody's


def test_two_ways_to_one_base_are_one_step(known: Knowledge) -> None:
    """A merge of two children of one base has that base once, and is closed."""
    hub = Hub({"a/m": ("b/x", "c/y"), "b/x": ("Qwen/Qwen3-8B",), "c/y": ("Qwen/Qwen3-8B",), "Qwen/Qwen3-8B": ()})
    chain = Origins(known, {"hf": hub}).chain_of(Subject("a/m"))
    assert [step.repository for step in chain.steps].count("Qwen/Qwen3-8B") == 1
    assert chain.maker == "Qwen"
    assert chain.is_closed


def test_merge_of_two_makers_has_no_one_maker(known: Knowledge) -> None:
    """Where the roots have different makers nobody is named as the maker, and both are listed."""
    chain = Origins(known).chain_of(Subject("acme/merge", ("Qwen/Qwen3-8B", "mistralai/Mistral-7B-v0.1")))
    assert chain.maker == ""
    assert set(chain.makers) == {"acme", "Qwen", "mistralai"}


def test_hub_that_does_not_answer_leaves_the_tables(known: Knowledge) -> None:
    """What the hub does not answer is remembered as trouble, and the tables still speak."""
    origins = Origins(known, {"hf": Hub({})})
    assert origins.chain_of(Subject("bartowski/Qwen_Qwen3-8B-GGUF")).maker == "Qwen"
    assert origins.troubles["hf:bartowski/Qwen_Qwen3-8B-GGUF"] == "no answer"


def test_chain_stays_open_where_the_hub_was_asked_in_vain(known: Knowledge) -> None:
    """A hub that does not answer proves nothing, and is asked no more after five times; "not found" is an answer."""
    hub = Hub({})
    origins = Origins(known, {"hf": hub})
    chains = [origins.chain_of(Subject(f"Qwen/Qwen2.5-{size}B")) for size in ("0.5", "1.5", "3", "7", "14", "32", "72")]
    assert not any(chain.is_closed for chain in chains)
    assert [chain.maker for chain in chains] == ["Qwen"] * 7
    assert len(hub.asked) == 5
    gone = Hub({})
    gone.refusal = NotFound("no such repository")
    assert Origins(known, {"hf": gone}).chain_of(Subject("Qwen/Qwen2.5-7B")).is_closed


def test_label_of_files_proves_nothing(known: Knowledge) -> None:
    """The name of a folder is what somebody wrote on it: the maker is a guess, and the chain stays open."""
    chain = Origins(known).chain_of(Subject("Qwen3-8B", is_label=True))
    assert chain.maker == "Qwen"
    assert not chain.is_closed


@pytest.mark.parametrize("name", ["", "/", "a/b/c", "x" * 5000, "../../etc", "a\x00b/c", "名前/モデル", "-" * 300])
def test_odd_names_end_open(name: str, known: Knowledge) -> None:
    """Any text is taken for a name without an error, and nothing is claimed of it."""
    chain = Origins(known).chain_of(Subject(name))
    assert chain.maker == ""
    assert not chain.is_closed
