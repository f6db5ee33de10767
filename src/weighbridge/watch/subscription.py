"""What a team follows: a publisher, one repository, or a family on both hubs; and whom to ask for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from weighbridge.errors import BadReference, NotFound, did_you_mean
from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.hub.catalogue.protocol import Entry
    from weighbridge.knowledge.protocol import Known

__all__ = ["HUBS", "Scope", "Subscription", "Target", "scopes_of", "targets_of"]

HubName = Literal["hf", "ms"]
HUBS: tuple[HubName, ...] = ("hf", "ms")
_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,95}"
_ON_A_HUB = re.compile(rf"(hf|ms):({_NAME})(?:/({_NAME}))?", re.ASCII)
_FAMILY = "family:"
_FORMS = "write `hf:Qwen`, `hf:Qwen/Qwen3-8B`, `ms:...` or `family:DeepSeek`"


@dataclass(frozen=True, slots=True)
class Subscription:
    """One thing that is followed: `reference` as a person wrote it, `follows` as it is called now."""

    reference: str
    follows: str

    @classmethod
    def parse(cls, text: str, known: Known) -> Subscription:
        """Read a reference; raises BadReference, or NotFound for a family that the knowledge does not list."""
        if text.startswith(_FAMILY):
            name = _family(text.removeprefix(_FAMILY), known)
            return cls(_FAMILY + name, _FAMILY + name)
        found = _ON_A_HUB.fullmatch(text)
        if not found or ".." in text:
            hint = "the watch follows the default branch: leave `@revision` out" if "@" in text else _FORMS
            raise BadReference(f"{quote(text)} is nothing that can be watched", hint=hint)
        return cls(text, text)


@dataclass(frozen=True, slots=True)
class Scope:
    """A part of one publisher's shelf: all of it, one repository, or what belongs to a family.

    `name` is kept: what was in a scope when it was first looked at is no release.
    """

    name: str
    hub: HubName
    publisher: str
    repository: str = ""
    family: str = ""

    def holds(self, entry: Entry, known: Known) -> bool:
        """Whether a repository on the shelf is in this scope."""
        if self.repository:
            return entry.repository == self.repository
        if self.family:
            family = known.family_of(entry.repository)
            if family is not None and family.name == self.family:
                return True
            # of a maker with one family all is of it, what it distilled into other bases too
            return all(one.name == self.family for one in known.families if one.maker == self.publisher)
        return True


@dataclass(frozen=True, slots=True)
class Target:
    """One publisher on one hub, and the scopes that one listing serves."""

    hub: HubName
    publisher: str
    scopes: tuple[Scope, ...]

    @property
    def name(self) -> str:
        """Return what is asked for, as a reference."""
        return f"{self.hub}:{self.only or self.publisher}"

    @property
    def only(self) -> str:
        """Return the one repository that is wanted here, or nothing: it is asked for by itself."""
        return self.scopes[0].repository if len(self.scopes) == 1 else ""


def scopes_of(subscription: Subscription, known: Known) -> tuple[Scope, ...]:
    """Return whom to ask for a subscription; a family is asked for at its maker's namespaces on both hubs."""
    if subscription.follows.startswith(_FAMILY):
        name = subscription.follows.removeprefix(_FAMILY)
        publishers = sorted({family.maker for family in known.families if family.name == name})
        return tuple(
            Scope(f"{_FAMILY}{name} {hub}:{publisher}", hub, publisher, family=name)
            for publisher in publishers
            for hub in HUBS
        )
    found = _ON_A_HUB.fullmatch(subscription.follows)
    if found is None:  # a file that somebody edited
        raise BadReference(f"{quote(subscription.follows)} is nothing that can be watched", hint=_FORMS)
    hub: HubName = "hf" if found[1] == "hf" else "ms"
    repository = f"{found[2]}/{found[3]}" if found[3] else ""
    return (Scope(subscription.follows, hub, found[2], repository),)


def targets_of(scopes: Iterable[Scope]) -> tuple[Target, ...]:
    """Group scopes by publisher, one listing each; in the order of their names."""
    groups: dict[tuple[HubName, str], set[Scope]] = {}
    for scope in scopes:
        groups.setdefault((scope.hub, scope.publisher), set()).add(scope)
    return tuple(
        Target(hub, publisher, tuple(sorted(found, key=lambda scope: scope.name)))
        for (hub, publisher), found in sorted(groups.items())
    )


def _family(name: str, known: Known) -> str:
    """Return a family's name as the knowledge writes it."""
    names = {family.name.casefold(): family.name for family in known.families}
    if name.casefold() in names:
        return names[name.casefold()]
    hint = did_you_mean(name, names.values()) or f"known: {', '.join(sorted(names.values())[:20])}"
    raise NotFound(f"no family {quote(name)} is known", hint=hint)
