"""Put the traces of one model together: in code, in a cache and behind an endpoint it is one row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from weighbridge.core.finding import Confidence
from weighbridge.inventory.origin.names import is_repository
from weighbridge.inventory.origin.services import is_service_id, is_service_name
from weighbridge.inventory.origin.tables import repository_at

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.inventory.found import Found
    from weighbridge.inventory.origin.parents import Parent

__all__ = ["Group", "Seen", "grouped"]

_ORDER = ("weights", "cache", "endpoint", "bill", "configuration", "code", "list")
_ANY_NAME = "a service may call any model so, and no tokenizer or chat template confirms it"
_SERVICE = "service"
_LABELS = frozenset({"weights", "endpoint"})


@dataclass(frozen=True, slots=True)
class Seen:
    """A trace, and what else than names it shows of its origin.

    `signs` are bases that template, tokenizer or what was loaded show; `contradictions` say where they speak against
    the name, `agrees` that one of them speaks for it.
    """

    found: Found
    signs: tuple[Parent, ...] = ()
    contradictions: tuple[str, ...] = ()
    agrees: bool = False


@dataclass(slots=True)
class Group:
    """All traces of one model. `repository` is `maker/model`, "" where nobody says which; `hub` may be `service`."""

    repository: str
    hub: str
    name: str
    seen: list[Seen] = field(default_factory=list)

    @property
    def is_label(self) -> bool:
        """Whether nothing but a file's name or a service's word names it."""
        labels = all(one.found.way in _LABELS and not one.agrees for one in self.seen)
        return labels and (not self.repository or all(one.found.way == "endpoint" for one in self.seen))

    @property
    def reference(self) -> str:
        """Return `hub:maker/model`, `service:name` for what is asked of a service, else the folder or the name."""
        if self.repository:
            return f"{self.hub}:{self.repository}"
        if folder := next((one.found.folder for one in self.seen if one.found.folder), ""):
            return folder
        is_asked = not any(one.found.way in _LABELS or one.found.way == "cache" for one in self.seen)
        if is_asked and (self.hub == _SERVICE or is_service_name(self.name)):
            return f"{_SERVICE}:{self.name}"
        return self.name or self.seen[0].found.place

    @property
    def doubt(self) -> str:
        """Return why the origin is not proven though a name is known: a service answers to any name, "" where none."""
        unproven = next((one.found for one in self.seen if one.found.way == "endpoint" and not one.agrees), None)
        return f"{unproven.place}: {_ANY_NAME}" if unproven else ""

    @property
    def confidence(self) -> Confidence:
        """Return how sure it is that the model is there: the surest of its traces."""
        return max((one.found.confidence for one in self.seen), key=list(Confidence).index)


def grouped(seen: Iterable[Seen]) -> list[Group]:
    """Return the groups in the order they were first met; traces inside by kind, then place."""
    groups: dict[str, Group] = {}
    by_digest: dict[str, str] = {}
    named = [(one, *_repository_of(one.found)) for one in seen]
    first_met = {id(one): at for at, (one, _, _) in enumerate(named)}
    for one, hub, repository in sorted(
        named, key=lambda row: not row[2]
    ):  # those with a reference give it to the others
        key = repository.lower() or by_digest.get(one.found.digest) or _key_of_files(one.found)
        if one.found.digest:
            by_digest.setdefault(one.found.digest, key)
        groups.setdefault(key, Group(repository, hub, repository or one.found.name)).seen.append(one)
    ordered = sorted(groups.values(), key=lambda group: min(first_met[id(one)] for one in group.seen))
    for group in ordered:
        group.seen.sort(key=lambda one: (_ORDER.index(one.found.way), one.found.place))
    return ordered


def _repository_of(found: Found) -> tuple[str, str]:
    """Return hub and `maker/model` of a trace; a served name that is a known repository's counts."""
    text = found.reference.partition("@")[0]
    hub, _, repository = text.partition(":")
    if hub == "hf" and "@" not in found.reference and is_service_id(repository) and found.way != "list":
        return _SERVICE, ""
    if hub in {"hf", "ms"} and is_repository(repository.partition(":")[0]):
        name = repository.partition(":")[0]
    elif is_repository(found.name) and repository_at(found.name):  # else `azure/gpt-4o` would be a repository
        hub, name = "hf", found.name
    else:
        return "hf", ""
    listed = repository_at(name)
    return hub, listed.name if listed else name


def _key_of_files(found: Found) -> str:
    """Return what tells two models without a reference apart: where the files lie, else the name."""
    return f"at {found.folder or found.place}" if found.way == "weights" else f"named {found.name.lower()}"
