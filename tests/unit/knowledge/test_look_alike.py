from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from weighbridge.knowledge.load import load_knowledge
from weighbridge.knowledge.look_alike import LookAlikes

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("qwen", "Qwen"),  # capitals
        ("Deepseek_AI", "deepseek-ai"),  # marks
        ("deepseekai", "deepseek-ai"),
        ("0penai", "openai"),  # digits
        ("goog1e", "google"),
        ("mistraIai", "mistralai"),  # a capital i
        ("оpenai", "openai"),  # noqa: RUF001 - a Cyrillic o is the test
        ("ｇoogle", "google"),  # noqa: RUF001 - a letter of full width is the test
        ("ope\u200bnai", "openai"),  # no width
        ("Qwen-official", "Qwen"),  # added words
        ("TheQwen-Team", "Qwen"),
        ("deepseek", "deepseek-ai"),
        ("intel-ai", "Intel"),  # named in the sources as a name that was taken
        ("moonshot", "moonshotai"),
        ("meta-lama", "meta-llama"),  # one slip of a finger
        ("metalllama", "meta-llama"),
        ("microsfot", "microsoft"),
        ("microosft", "microsoft"),
        ("opneai", "openai"),
        ("deepsek", "deepseek-ai"),  # a slip and a word less
        ("QwenLM", "Qwen"),
    ],
)
def test_a_name_that_is_spelt_like_a_makers(name: str, meant: str) -> None:
    """What would be taken for a listed publisher is told."""
    found = load_knowledge().look_alike(f"{name}/Model-7B")
    assert found is not None
    assert found.name == meant


@pytest.mark.parametrize("name", ["someone", "Inter", "sai", "myopenai-fan", "x", "", "hf", "ai", "-", "\u0300"])
def test_other_names_are_other_names(name: str) -> None:
    """Short names one letter apart are common, and no warning."""
    assert load_knowledge().look_alike(name) is None


def test_a_judged_name_is_not_judged_by_its_spelling(tmp_path: Path) -> None:
    """By hand comes first, in both ways; a listed name stays listed."""
    (tmp_path / "look_alikes.csv").write_text(
        "name,meant,source\nmeta-lama,,a zoo\nQw3n-Cloud,Qwen,our mail\nGhost,Nobody,us\nQwen,openai,us\n"
    )
    known = load_knowledge(tmp_path)
    assert known.look_alike("meta-lama") is None
    assert known.look_alike("Qw3n-Cloud/Qwen4") == known.organisations["Qwen"]
    assert known.look_alike("Ghost") is None
    assert known.look_alike("Qwen") is None
    assert load_knowledge().look_alike("meta-lama") is not None
    assert load_knowledge().look_alike("TIGER-Lab") is None


def test_a_listed_name_is_never_a_look_alike() -> None:
    """Renamed and legacy namespaces are listed: THUDM is not like zai-org, CohereForAI is not like CohereLabs."""
    known = load_knowledge()
    assert {"THUDM", "zai-org", "CohereForAI", "CohereLabs", "facebook", "FacebookAI"} <= known.organisations.keys()
    assert [name for name in known.organisations if known.look_alike(name)] == []


def test_slips_are_those_of_brute_force() -> None:
    """The index by deletions finds what comparing with every name finds: distance one, by Damerau's four slips."""
    listed = ["meta-llama", "microsoft", "huggingface"]
    letters = "abcdefghijklmnopqrstuvwxyz"
    for name in listed:
        plain = name.replace("-", "")
        slips = {plain[:n] + plain[n + 1 :] for n in range(len(plain))}
        slips |= {plain[:n] + letter + plain[n + 1 :] for n in range(len(plain)) for letter in letters}
        slips |= {plain[:n] + letter + plain[n:] for n in range(len(plain) + 1) for letter in letters}
        slips |= {plain[:n] + plain[n + 1] + plain[n] + plain[n + 2 :] for n in range(len(plain) - 1)}
        index = LookAlikes(listed)
        assert {slip for slip in slips - set(listed) if index.find(slip) != name} == set()
        two = plain[1] + plain[0] + plain[2:-1] + "q"
        assert index.find(two) is None
