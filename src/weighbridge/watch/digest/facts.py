"""Facts: what rules look at, found from one event, one stake and what is known of makers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from weighbridge.watch.digest.terms import answer_for, is_laxer_than_base, licence_tag

if TYPE_CHECKING:
    from weighbridge.core.event import ReleaseEvent
    from weighbridge.knowledge.protocol import Known
    from weighbridge.watch.digest.stake import Stake
    from weighbridge.watch.digest.terms import LicenceTag

__all__ = ["Relation", "bases_in", "facts_of", "is_touched", "relation_of", "repository_of"]

Relation = Literal["self", "base", "family", "none"]

_MAKERS = frozenset({"company", "institute", "university", "nonprofit", "government"})
# Drafts of speculative decoding, adapters and toys: never what a product would run alone.
_COMPANION = re.compile(
    r"[-_.](dspark|dflash|eagle-?\d?|medusa|mtp|speculator|draft|assistant|lora|adapter|tiny-random)([-_.]|$)",
    re.IGNORECASE,
)
_OTHER_TASK = re.compile(r"embed|rerank|guard|reward|[-_.](tts|asr|prm|rm)([-_.]|\d|$)", re.IGNORECASE)
_GENERATIVE = frozenset({
    "text-generation", "image-text-to-text", "any-to-any", "text2text-generation", "conversational",
    "video-text-to-text", "audio-text-to-text",
})  # fmt: skip
_ASKS_LICENCE = frozenset({"release", "new-quantization", "licence-tag"})
_FROM_FAMILY = frozenset({"release", "new-quantization"})
_MOST_BASES = 50


def repository_of(subject: str) -> str:
    """Return `maker/model` of a reference such as `hf:maker/model@commit`."""
    return subject.partition(":")[2].partition("@")[0]


def is_touched(event: ReleaseEvent, stake: Stake) -> bool:
    """Tell whether an event came after what a stake rests on: what was weighed at the new commit is not overtaken."""
    if (event.id, event.seen_at.isoformat()) in stake.answered:
        return False
    if stake.commit and stake.commit == event.commit:
        return event.kind in {"deletion", "visibility", "gating", "rename"}  # these need no new commit
    return stake.decided_on is None or stake.decided_on <= event.seen_at.date()


def relation_of(event: ReleaseEvent, stake: Stake, known: Known) -> Relation:
    """Return how an event's repository stands to a model of ours; hubs lead on from names in other cases."""
    names = {name.casefold() for name in (event.subject, *_renamed(event))}
    if stake.repository.casefold() in names:
        return "self" if is_touched(event, stake) else "none"
    theirs = repository_of(event.subject)
    if theirs.casefold() in {_bare(base) for base in stake.bases}:
        return "base" if is_touched(event, stake) else "none"
    if event.kind not in _FROM_FAMILY:
        return "none"
    family = known.family_of(theirs)
    return "family" if family is not None and family == known.family_of(repository_of(stake.repository)) else "none"


def facts_of(event: ReleaseEvent, stake: Stake | None, known: Known) -> dict[str, str | bool]:
    """Return the facts that a rule's `when` may name; what does not apply is "" or False."""
    repository = repository_of(event.subject)
    relation = "none" if stake is None else relation_of(event, stake, known)
    close = stake if relation != "none" else None
    tag = licence_tag(event.after)
    bases = bases_in(event.after)
    asked = close is not None and event.kind in _ASKS_LICENCE
    return {
        "kind": _kind(event, close),
        "relation": relation,
        "standing": close.standing if close else "",
        "pin": ("commit" if close.commit else "main") if close else "",
        "copy": close.copy if close else "",
        "licence": answer_for(tag, repository, close.use) if asked and close else "",
        "accepted": _accepted(tag.shown, close) if asked and close else "",
        "publisher": "maker" if _is_maker(repository, known) else "other",
        "look_alike": event.kind in _FROM_FAMILY and _is_look_alike(event, known),
        "role": _role(repository, event.after, close),
        "lax_tag": event.kind in _ASKS_LICENCE and _is_lax(tag, repository, bases, known),
        "swapped": event.kind == "weights" and _is_swapped(event),
        "closes": event.kind == "gating" and _word(event.after, "gated") not in {"", "open"},
    }  # fmt: skip


def _kind(event: ReleaseEvent, stake: Stake | None) -> str:
    """Return the kind of an event for the rules, which tell apart what events of one kind can mean.

    `visibility-back`: shown again. `weights-beside`: weights changed or came, none of them those that were weighed.
    """
    if event.kind == "visibility" and isinstance(event.after, dict):
        hidden = any(event.after.get(name) for name in ("private", "disabled"))
        return "visibility" if hidden else "visibility-back"
    if event.kind == "weights" and stake is not None and _are_beside(event, stake):
        return "weights-beside"
    return event.kind


def _role(repository: str, after: Any, stake: Stake | None) -> str:
    """Return whether a repository holds a `model` that could take the place of ours, a `companion`, or `other task`.

    The hub's word on the task counts, else the name; what neither tells is a model that generates text.
    """
    pairs = after.get("base_models") if isinstance(after, dict) else None
    relations = (
        [pair[0] for pair in pairs if isinstance(pair, list | tuple) and pair] if isinstance(pairs, list) else []
    )
    if _COMPANION.search(repository) or "adapter" in relations:
        return "companion"
    theirs, ours = _word(after, "task") if isinstance(after, dict) else "", stake.task if stake else ""
    if ours and ours not in _GENERATIVE:
        return "model" if theirs == ours or not theirs else "other task"
    if theirs and theirs not in _GENERATIVE and theirs != "unknown":
        return "other task"
    return "other task" if _OTHER_TASK.search(repository.rpartition("/")[2]) else "model"


def _are_beside(event: ReleaseEvent, stake: Stake) -> bool:
    """Tell whether it is certain that no weighed file is among those that changed: all old digests are known."""
    if not stake.digests:
        return False
    if event.before is None:  # files only came
        return True
    digests = event.before.get("digests") if isinstance(event.before, dict) else None
    if not isinstance(digests, dict) or event.before.get("differing") != len(digests):
        return False
    old = [str(one) for one in digests.values()]
    return all(one.startswith("sha256:") for one in old) and not {one[7:] for one in old} & stake.digests


def _is_lax(tag: LicenceTag, repository: str, bases: tuple[str, ...], known: Known) -> bool:
    """Tell whether a re-upload claims a free licence over a base that carries another; its name tells the base, too."""
    if _is_maker(repository, known):
        return False
    return any(
        is_laxer_than_base(tag, base)
        for base in bases or (repository,)
        if _maker(base) != _maker(repository) or base == repository
    )


def _is_swapped(event: ReleaseEvent) -> bool:
    """Tell whether as many files of as many bytes now hold something else: the sign of a refresh that nobody names."""
    before, after = event.before, event.after
    if not isinstance(before, dict) or not isinstance(after, dict):
        return False
    return bool(before.get("bytes")) and all(before.get(name) == after.get(name) for name in ("bytes", "files"))


def _is_maker(repository: str, known: Known) -> bool:
    """Tell whether the publisher trains this family itself, under whichever of its names."""
    organisation, family = known.organisation(repository), known.family_of(repository)
    if organisation is None or organisation.kind not in _MAKERS:
        return False
    maker = known.organisation(family.maker) if family else organisation
    return maker is not None and organisation.display_name == maker.display_name


def _is_look_alike(event: ReleaseEvent, known: Known) -> bool:
    """Tell whether a new repository's publisher could be taken for a listed one, and its hub has not verified it.

    The watch asked the hub; of what it found there the event tells by its own severity alone (`severity.toml`).
    """
    repository = repository_of(event.subject)
    is_warned = event.severity in {"high", "critical"}
    return is_warned and known.organisation(repository) is None and known.look_alike(_maker(repository)) is not None


def bases_in(value: Any) -> tuple[str, ...]:
    """Return the declared bases in what an event holds: (relation, repository) pairs, bare or under `base_models`."""
    pairs = value.get("base_models") if isinstance(value, dict) else value
    if not isinstance(pairs, list | tuple):
        return ()
    found = [pair[-1] if isinstance(pair, list | tuple) and pair else pair for pair in pairs[:_MOST_BASES]]
    return tuple(one for one in found if isinstance(one, str) and "/" in one)


def _bare(base: str) -> str:
    """Return a declared base as `maker/model` in lower case: cards name it by its address, too."""
    return base.removeprefix("https://huggingface.co/").removeprefix("hf:").rstrip("/").casefold()


def _renamed(event: ReleaseEvent) -> set[str]:
    """Return the old and the new reference of a rename: our stake may be written with either."""
    if event.kind != "rename":
        return set()
    hub = event.subject.partition(":")[0]
    texts = [_word(side, "repository") for side in (event.before, event.after)]
    return {one if one.startswith(f"{hub}:") else f"{hub}:{one}" for one in texts if one}


def _accepted(shown: str, stake: Stake) -> str:
    """Return whether the policy's list of licence tags holds this one: `yes`, `no`, or "" where none is asked for."""
    asks = [one for one in stake.demands if (one.kind, one.measure) == ("card/v1", "licence")]
    lists = [one.threshold if isinstance(one.threshold, list) else [one.threshold] for one in asks]
    if not lists:
        return ""
    return "yes" if all(shown in one for one in lists) else "no"


def _maker(repository: str) -> str:
    return repository.partition("/")[0]


def _word(value: Any, name: str) -> str:
    """Return a text that stands bare or in a table under a name."""
    value = value.get(name) if isinstance(value, dict) else value
    return value if isinstance(value, str) else ""
