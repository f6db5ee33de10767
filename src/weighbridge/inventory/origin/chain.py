"""From a name to its chain: what is declared, what the hub says, what is known by table, what the name says."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from weighbridge.core.finding import Confidence
from weighbridge.errors import HubUnreachable, NotFound, WeighbridgeError
from weighbridge.inventory.origin.names import is_repository, plain_of
from weighbridge.inventory.origin.parents import Offline, Parent
from weighbridge.inventory.origin.step import Chain, Step
from weighbridge.inventory.origin.tables import canonical_maker, namesake_of, repository_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.hub.catalogue.protocol import Entry
    from weighbridge.inventory.origin.step import Known as How
    from weighbridge.inventory.origin.step import Relation
    from weighbridge.knowledge.protocol import Known

__all__ = ["HubLookup", "Origins", "Subject"]

_DEEPEST, _MOST_STEPS, _MOST_BASES = 16, 64, 16
_MORE = Parent("", end="open", how=f"more than {_MOST_BASES} bases are stated, the others were not followed")
_SILENT = 5  # answers in a row that a hub may fail to give before it is asked no more
_PACKAGES = ("quantized", "same")
_BY = {
    "reference": "by its own name", "declared": "by a statement", "hub": "by its hub", "table": "by its name",
    "repackaged": "by its name", "name": "by its name", "publisher": "by its publisher",
    "template": "by a chat template", "tokenizer": "by a tokenizer", "architecture": "by its architecture",
}  # fmt: skip
_RELATIONS: dict[str, Relation] = {
    "quantized": "quantized", "finetune": "finetune", "adapter": "adapter", "merge": "merge", "same": "same",
}  # fmt: skip


class HubLookup(Protocol):
    """What a hub says of one repository; a catalogue is one."""

    def entry(self, repository: str) -> Entry:
        """Return the repository; raises WeighbridgeError where it cannot."""
        ...


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked about: a name, `maker/model` or bare, and the bases that its own files state.

    `is_label` where the name is only what somebody called files or a service: then it proves little. `signs` are
    parents that something else than a name shows, a tokenizer for example.
    """

    name: str
    declared: tuple[str, ...] = ()
    is_label: bool = False
    licence_tag: str = ""
    signs: tuple[Parent, ...] = ()


@dataclass(frozen=True, slots=True)
class _Open:
    """A step whose parents are still to be found."""

    at: int
    ancestors: frozenset[str]
    declared: tuple[str, ...] = ()


class Origins:
    """Builds chains. `hubs` are catalogues by hub (`hf`, `ms`); without one nothing leaves this machine."""

    def __init__(self, known: Known, hubs: dict[str, HubLookup] | None = None) -> None:
        self._known = known
        self._offline = Offline(known)
        self._hubs = hubs or {}
        self._entries: dict[tuple[str, str], Entry | None] = {}
        self._unanswered: set[str] = set()
        self._silence: Counter[str] = Counter()
        self.troubles: dict[str, str] = {}

    def chain_of(self, subject: Subject, hub: str = "hf") -> Chain:
        """Return the chain of one model; a circle, depth 16 or 64 steps end it, with a note."""
        entry = self._entry(hub, subject.name)
        first = self._step(entry.repository if entry else subject.name, "itself", None, "reference", "")
        first = replace(first, licence_tag=subject.licence_tag or first.licence_tag)
        steps, notes = [first], self._offline.doubts(first)
        queue = [_Open(0, frozenset({first.key}), subject.declared)]
        while queue:
            here = queue.pop(0)
            step = steps[here.at]
            parents = self._parents(step, here.declared, hub, subject)
            if len(here.ancestors) > _DEEPEST or len(steps) >= _MOST_STEPS:
                notes.append(f"the chain was followed to {step.name} and no further")
                parents = [Parent("", end="open", how="the chain is too long to follow")]
            ends = [parent for parent in parents if parent.end]
            real = [parent for parent in parents if not parent.end]
            steps[here.at] = self._settled(step, real, ends)
            for parent in real:
                new = self._step(
                    parent.name, parent.relation, here.at, parent.known, parent.how, parent.confidence, parent.family
                )
                if new.key in here.ancestors:
                    notes.append(f"the chain goes in a circle at {new.name}")
                    steps[here.at] = replace(steps[here.at], end="open")
                elif all(new.key != other.key for other in steps):
                    steps.append(new)
                    if not new.end:
                        queue.append(_Open(len(steps) - 1, here.ancestors | {new.key}))
        return self._finished(steps, notes, subject)

    def _parents(self, step: Step, declared: tuple[str, ...], hub: str, subject: Subject) -> list[Parent]:
        """Return what a step is made of, or how it ends, from the best source that says."""
        stated = [one for one in declared if plain_of(one) and one.lower() != step.repository.lower()]
        if stated:
            how = "its files state this base"
            found = [Parent(_tidy(one), "base", "declared", how) for one in stated[:_MOST_BASES]]
            found += [_MORE] if len(stated) > _MOST_BASES else []
        elif (entry := self._entry(hub, step.repository)) is not None and entry.base_models:
            found = [
                Parent(name, _RELATIONS.get(relation, "base"), "hub", f"the hub's entry of {step.repository} states it")
                for relation, name in entry.base_models[:_MOST_BASES]
            ]
            found += [_MORE] if len(entry.base_models) > _MOST_BASES else []
        else:
            is_first = step.relation == "itself"
            found = self._offline.parents_of(step, is_label=subject.is_label and is_first)
        return [*found, *subject.signs] if step.relation == "itself" and subject.signs else found

    def _settled(self, step: Step, real: list[Parent], ends: list[Parent]) -> Step:
        """Say who made a step once it is known what it was made from."""
        if ends and not real:
            end = ends[0]
            maker = canonical_maker(step.publisher) if end.end == "root" else step.maker
            confidence = min(step.confidence, end.confidence, key=list(Confidence).index)
            return replace(step, maker=end.maker or maker, end=end.end or "", how=_joined(step.how, end.how),
                           confidence=confidence)  # fmt: skip
        is_package = real and all(parent.relation in _PACKAGES for parent in real)
        named = next((parent.child_maker for parent in real if parent.child_maker), "")
        own = "" if is_package or self._is_packer(step.publisher) else canonical_maker(step.publisher)
        more = next((end for end in ends if end.end == "open"), None)
        return replace(
            step, maker=named or own, end="open" if more else "", how=_joined(step.how, more.how if more else "")
        )

    def _is_packer(self, publisher: str) -> bool:
        """Whether a publisher hands on what others made."""
        organisation = self._known.organisation(publisher) if publisher else None
        return organisation is not None and organisation.kind in {"quantizer", "platform", "inference"}

    def _step(
        self, name: str, relation: Relation, child: int | None, known: How, how: str,
        confidence: Confidence = Confidence.MEDIUM, family: str = "",
    ) -> Step:  # fmt: skip
        """Return one step; `maker/*` stands for something of that maker, a family for itself."""
        publisher, _, last = name.partition("/") if is_repository(name) or name.endswith("/*") else ("", "", name)
        if last == "*" or family:
            maker = canonical_maker(publisher)
            what = f"a model of {maker}" if last == "*" else family
            return Step(what, "", publisher, maker, family, relation, child, known, how, confidence, end="root")
        listed = repository_at(name)
        found = self._known.family_of(name)
        tagged = listed or (namesake_of(name) if publisher else None)
        return Step(
            listed.name if listed else name, (listed.name if listed else name) if publisher else "",
            publisher, "", found.name if found else "", relation, child, known, how, confidence,
            tagged.licence if tagged else "",
        )  # fmt: skip

    def _entry(self, hub: str, repository: str) -> Entry | None:
        """Ask the hub once for a repository; what it does not answer is remembered as trouble."""
        lookup = self._hubs.get(hub)
        if lookup is None or not is_repository(repository):
            return None
        key = (hub, repository.lower())
        if key not in self._entries and self._silence[hub] >= _SILENT:
            self._unanswered.add(repository.lower())
            return None
        if key not in self._entries:
            try:
                self._entries[key] = lookup.entry(repository)
                self._silence[hub] = 0
            except WeighbridgeError as error:
                self._entries[key] = None
                self.troubles[f"{hub}:{repository}"] = error.message
                self._doubt(hub, repository, error)
        return self._entries[key]

    def _doubt(self, hub: str, repository: str, error: WeighbridgeError) -> None:
        """Remember what was asked for in vain; that there is no such repository is an answer."""
        if isinstance(error, NotFound) and not isinstance(error, HubUnreachable):
            self._silence[hub] = 0
        else:
            self._unanswered.add(repository.lower())
            self._silence[hub] += isinstance(error, HubUnreachable)

    def _finished(self, steps: Sequence[Step], notes: Sequence[str], subject: Subject) -> Chain:
        """Judge whether the chain can exclude anything."""
        tagged = [
            replace(step, licence_tag=entry.licence)
            if not step.licence_tag and (entry := self._known_entry(step.repository)) and entry.licence else step
            for step in steps
        ]  # fmt: skip
        open_ends = [f"{step.name}: {step.how or 'nothing says what it is made from'}" for step in steps
                     if step.end == "open"]  # fmt: skip
        open_ends += [f"{step.name}: its hub was asked for its base and did not answer" for step in steps
                      if step.repository.lower() in self._unanswered and step.end != "open"]  # fmt: skip
        weak = [step for step in steps if step.confidence is Confidence.LOW and step.end != "open"]
        open_ends += [f"{step.name} is known {_BY[step.known]} alone, which proves little" for step in weak[:3]]
        makers = {step.maker for step in steps}
        names = dict.fromkeys([subject.name, *(step.name for step in steps)])
        mentions = dict.fromkeys(maker for name in names for maker in self._offline.named_makers(name))
        return Chain(
            tuple(tagged), not open_ends, tuple(open_ends),
            tuple(maker for maker in mentions if maker not in makers), tuple(dict.fromkeys(notes)),
        )  # fmt: skip

    def _known_entry(self, repository: str) -> Entry | None:
        """Return an entry that was asked for already."""
        return next((entry for (_, name), entry in self._entries.items() if name == repository.lower()), None)


def _joined(first: str, second: str) -> str:
    return "; ".join(part for part in (first, second) if part)


def _tidy(name: str) -> str:
    """Return a declared base as `maker/model` where an address or a reference was given."""
    text = name.strip().removeprefix("hf:").removeprefix("ms:").rstrip("/")
    for host in ("huggingface.co/", "hf.co/", "modelscope.cn/models/"):
        text = text.rpartition(host)[2]
    return text.partition("@")[0]
