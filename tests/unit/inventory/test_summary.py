"""The summary: each model counts once, and names in long lists are counted apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.core.finding import Confidence
from weighbridge.inventory.resolve import resolve_all
from weighbridge.inventory.summary import summary_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.knowledge.load import Knowledge


def test_counts_by_maker_country_licence_and_decision(known: Knowledge, in_code: Callable[..., Any]) -> None:
    """Two models of Qwen, one of Meta and one that nobody knows: licences as the hub snapshot has them."""
    names = ("hf:Qwen/Qwen3-8B", "hf:CohereLabs/c4ai-command-r-v01", "hf:acme/our-model")
    seen = [*(in_code(name) for name in names), in_code("hf:Qwen/Qwen3-14B", confidence=Confidence.LOW)]
    found = summary_of(resolve_all(seen, known)[0])
    assert (found["models"], found["firm"], found["weak"], found["listed"]) == (4, 3, 1, 0)
    assert found["by_maker"] == {"Qwen": 2, "CohereLabs": 1, "not known": 1}
    assert found["by_country"] == {"CN": 2, "CA": 1, "not known": 1}
    assert found["by_licence_class"] == {"commercial": 2, "non-commercial": 1, "not known": 1}
    assert found["by_decision"] == {"none": 4}
    assert found["lists"] == []


def test_list_of_names_is_counted_apart(known: Knowledge, in_code: Callable[..., Any]) -> None:
    """A table of 61 names in one file is one list, not 61 models; a name that is also used counts as used."""
    seen = [
        in_code(f"hf:Qwen/Qwen9-{n}B", confidence=Confidence.LOW, place=f"/srv/prices.json:{n}") for n in range(1, 62)
    ]
    seen.append(in_code("hf:Qwen/Qwen9-5B", place="/srv/app.py:1"))
    found = summary_of(resolve_all(seen, known)[0])
    assert (found["models"], found["firm"], found["listed"]) == (61, 1, 60)
    assert found["lists"] == [{"place": "/srv/prices.json", "names": 61}]
    assert found["by_maker"] == {"Qwen": 1}
