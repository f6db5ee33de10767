"""Judge one item by what the files show: derived, claimed by the publisher, or unknown. Nothing is counted twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.kinds.openness import OpenItemBody
from weighbridge.inspection.openness.facts import Facts, Permit, has_card

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.openness.frameworks import Item

__all__ = ["judge_item"]

_HUMAN = "nothing in the files can show it: a reviewer has to answer"


def judge_item(item: Item, facts: Facts, framework: str) -> OpenItemBody:
    """Return an item as the files show it; what is only claimed stays unknown, with the publisher's link."""
    shown, link = _SHOWN[item.shown_by](facts, item)
    if framework == "osai-index" and shown.state == "open":
        shown = _for_index(item, facts, shown)
    return OpenItemBody(
        id=item.id,
        group=item.group,
        name=item.name,
        required=item.required,
        state=shown.state,
        basis=shown.basis,
        because=shown.because,
        link=link,
        licence=shown.licence,
    )


def _for_index(item: Item, facts: Facts, shown: Permit) -> Permit:
    """Take back what the index would not call open: weights behind a gate, and a licence of the weights alone."""
    if item.shown_by == "weights" and facts.is_gated:
        return Permit("partial", shown.basis, f"{shown.because}; access is gated", shown.licence)
    if item.shown_by == "licence":
        because = f"of the weights {shown.because}; the licences of data and code are not known"
        return Permit("partial", shown.basis, because, shown.licence)
    return shown


_Shown = tuple[Permit, str | None]


def _nothing(_facts: Facts, _item: Item) -> _Shown:
    return Permit("unknown", "unknown", _HUMAN), None


def _licence(facts: Facts, item: Item) -> _Shown:
    return facts.permit(item.licence), None


def _weights(facts: Facts, item: Item) -> _Shown:
    """Weights that are there count as open where their licence does; by an index without a licence where they are."""
    if not facts.weights:
        return Permit("unknown", "unknown", "no weights lie with the files"), None
    there = f"{len(facts.weights)} weight file{'s' if len(facts.weights) > 1 else ''}"
    if not item.licence:
        return Permit("open", "derived", f"{there} lie with the files"), None
    permit = facts.permit(item.licence)
    return Permit(permit.state, permit.basis, f"{there}; {permit.because}", permit.licence), None


def _architecture(facts: Facts, item: Item) -> _Shown:
    """Known to our own reader of structures: then llama.cpp (MIT) or transformers (Apache-2.0) publishes its code."""
    if facts.shipped_code:
        permit = facts.permit(item.licence)
        return Permit(permit.state, permit.basis, f"`{facts.shipped_code[0]}`; {permit.because}", permit.licence), None
    if facts.architecture is None:
        return Permit("unknown", "unknown", "the architecture was not recognised from the files"), None
    runtime, licence = ("llama.cpp", "MIT") if facts.is_gguf else ("transformers", "Apache-2.0")
    said = f"{facts.architecture}: code published in {runtime} ({licence}); nobody asked whether it is all"
    return Permit("open", "derived", said, licence), None


def _card(facts: Facts, item: Item) -> _Shown:
    if not facts.card_words:
        if facts.is_on_hub:
            return Permit("closed", "derived", "the repository holds no model card"), None
        return Permit("unknown", "unknown", "no model card lies with these files"), None
    said = f"a card of {facts.card_words:,} words"
    if not has_card(facts):
        return Permit("partial", "derived", said), None
    if not item.licence:
        return Permit("partial", "derived", f"{said}; whether it is complete a reviewer has to say"), None
    permit = facts.permit(item.licence)
    return Permit(permit.state, permit.basis, f"{said}; {permit.because}", permit.licence), None


def _evaluation(facts: Facts, item: Item) -> _Shown:
    if not facts.has_results:
        return Permit("unknown", "unknown", "no table of results was found in the card"), None
    permit = facts.permit(item.licence)
    return Permit(permit.state, permit.basis, f"results in the card; {permit.because}", permit.licence), None


def _claimed(links: list[str], what: str) -> _Shown:
    """Return what a publisher points to and nobody looked at."""
    if not links:
        return Permit("unknown", "unknown", f"the card names no {what}"), None
    more = f" and {len(links) - 1} more" if len(links) > 1 else ""
    said = f"the card names {links[0]}{more}; whether that is it, whole and under which licence, nobody looked"
    return Permit("unknown", "claimed", said), links[0]


def _base(facts: Facts, _item: Item) -> _Shown:
    return _claimed(facts.bases, "base model")


def _runtime(facts: Facts, _item: Item) -> _Shown:
    if facts.architecture is None:
        return Permit("unknown", "unknown", "the architecture was not recognised from the files"), None
    runtime = "llama.cpp" if facts.is_gguf else "transformers"
    return Permit("unknown", "claimed", f"{facts.architecture} is one that {runtime} runs; nobody tried"), None


_SHOWN: dict[str, Callable[[Facts, Item], _Shown]] = {
    "": _nothing,
    "licence": _licence,
    "weights": _weights,
    "architecture": _architecture,
    "card": _card,
    "evaluation": _evaluation,
    "report": lambda facts, _item: _claimed(facts.papers, "paper or report"),
    "repository": lambda facts, _item: _claimed(facts.repositories, "code repository"),
    "datasets": lambda facts, _item: _claimed(facts.datasets, "data set"),
    "base": _base,
    "runtime": _runtime,
}
