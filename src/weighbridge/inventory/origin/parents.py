"""What a name alone says of a model's base: a table of derived models, the same name at its maker, a family."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from weighbridge.core.finding import Confidence
from weighbridge.inventory.origin.names import is_repository, key_of, plain_of, unpacked
from weighbridge.inventory.origin.tables import (
    SNAPSHOT,
    canonical_maker,
    derived_of,
    repositories_named,
    repository_at,
)
from weighbridge.knowledge.words import expression_of, plain_name

if TYPE_CHECKING:
    from weighbridge.inventory.origin.step import Known as How
    from weighbridge.inventory.origin.step import Relation, Step
    from weighbridge.inventory.origin.tables import Derived, Repository
    from weighbridge.knowledge.protocol import Known
    from weighbridge.knowledge.tables import Family, Organisation

__all__ = ["Offline", "Parent", "is_maker"]

_MAKERS = frozenset({"company", "institute", "university", "nonprofit", "government"})
_HANDS_ON = frozenset({"quantizer", "platform", "inference"})
_MOST_WORDS = 16
_TAG = re.compile(r"([a-z][a-z0-9.-]{1,60}):(\d{1,4}(?:\.\d{1,2})?b)")
_ARCHIVE = re.compile(r"([A-Za-z0-9-]{2,40})[_.](.{2,150})")


@dataclass(frozen=True, slots=True)
class Parent:
    """A base of a step, or with `end` the reason why there is none.

    `child_maker` is who trained the step itself, where the source says; `maker` goes with an end.
    """

    name: str
    relation: Relation = "base"
    known: How = "name"
    how: str = ""
    confidence: Confidence = Confidence.MEDIUM
    family: str = ""
    child_maker: str = ""
    end: Literal["", "root", "open"] = ""
    maker: str = ""


def is_maker(organisation: Organisation | None) -> bool:
    """Whether a listed organisation is of a kind that trains models of its own."""
    return organisation is not None and organisation.kind in _MAKERS


class Offline:
    """What the tables say; asks nobody."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self.named_makers = lru_cache(20_000)(self._named_makers)

    def parents_of(self, step: Step, *, is_label: bool) -> list[Parent]:
        """Return the bases of a step as its name shows them, or one end; `is_label`: its name proves little."""
        organisation = self._known.organisation(step.publisher) if step.publisher else None
        family = self._known.family_of(step.name)
        is_listed = organisation is not None or not step.publisher
        sure = Confidence.MEDIUM if is_listed and not is_label else Confidence.LOW
        if step.repository and (found := self._of_maker(step, organisation, family)):
            return found
        if (like := self._original(step, family)) is not None:
            relation: Relation = "quantized" if key_of(like.name) != key_of(step.name) else "same"
            how = f"{like.name} has this name ({SNAPSHOT})"
            return [Parent(like.name, relation, "repackaged", how, sure)]
        if (made := derived_of(plain_of(step.name))) is not None:
            return self._of_table(step, made, organisation, sure)
        if family is not None:
            weak = is_label or bool(step.publisher)  # who hands on a model of that name may hand on anybody's fine-tune
            return [self._of_family(step, family, Confidence.LOW if weak else Confidence.MEDIUM)]
        return [Parent("", end="open", how="nothing says what it was trained from")]

    def _of_table(self, step: Step, made: Derived, organisation: Organisation | None, sure: Confidence) -> list[Parent]:
        """Return the bases that the table of derived models gives a name, wherever it is published."""
        own = canonical_maker(step.publisher)
        if not made.maker or not step.publisher or own == canonical_maker(made.maker) or made.relation == "served":
            said = made.maker if not step.publisher else ""
            is_anybodys = bool(step.publisher) and not made.maker and made.relation != "served"
            hands_on = organisation is None or organisation.kind in _HANDS_ON
            how_sure = Confidence.LOW if is_anybodys and hands_on else sure
            return [Parent(base, made.relation, "table", made.source, how_sure, child_maker=said)
                    for base in made.bases or (f"{made.maker}/*",)]  # fmt: skip
        listed = repository_at(f"{made.maker}/{unpacked(step.name)}")
        if listed is None:  # a repository that nobody knows is not named
            return [Parent(f"{made.maker}/*", "base", "table", made.source, sure)]
        return [Parent(listed.name, "quantized", "repackaged", f"{made.maker} published it", sure)]

    def _of_maker(self, step: Step, organisation: Organisation | None, family: Family | None) -> list[Parent]:
        """Return what a maker's own repository is made of: another's family, what a table says, or nothing else."""
        own = canonical_maker(step.publisher)
        is_family = family is not None and canonical_maker(family.maker) == own
        made = derived_of(plain_of(step.name))
        is_whose = made is not None and (canonical_maker(made.maker) == own if made.maker else is_maker(organisation))
        if made is not None and is_whose and made.relation != "same":
            root = Parent("", end="root", how=made.source, maker=own)
            return [Parent(base, made.relation, "table", made.source) for base in made.bases] or [root]
        if not is_family and not is_maker(organisation):
            return []
        if family is not None and not is_family:
            packed = self._original(step, family)
            if packed is not None:
                return [Parent(packed.name, "quantized", "repackaged", f"{packed.name} has this name ({SNAPSHOT})")]
            return [self._of_family(step, family, Confidence.MEDIUM)]
        base = self._original(step, family) if key_of(unpacked(step.name)) != key_of(step.name) else None
        if base is not None and canonical_maker(base.name.partition("/")[0]) == own:
            return [Parent(base.name, "quantized", "repackaged", f"{base.name} is the same without its packing")]
        who = organisation.display_name if organisation else own
        if is_family:
            end = Parent("", end="root", how=f"{who} published it, and no base is stated", maker=own)
        else:  # makers publish fine-tunes of others too, under names that do not say so
            how = f"{who} published it, its name is of no family of theirs, and no base is stated"
            end = Parent("", end="open", how=how, maker=own)
        return [end]

    def _of_family(self, step: Step, family: Family, confidence: Confidence) -> Parent:
        """Return the repository of the family's maker whose name stands inside this one, else the family."""
        if not step.publisher and (tagged := _tagged(step.name, family)):
            how = f"{tagged.name} is what this tag of Ollama stands for by its name"
            return Parent(tagged.name, "same", "name", how, confidence)
        if base := self._inside(step, family):
            return Parent(base.name, "base", "name", f"its name holds that of {base.name}", confidence)
        how = f"its name names the family {family.name}"
        return Parent(f"{family.maker}/*", "base", "name", how, confidence, family.name)

    def _inside(self, step: Step, family: Family) -> Repository | None:
        """Return the repository with the longest name that stands inside a name, word by word."""
        words = plain_of(step.name).split("-")[:_MOST_WORDS]
        spans = [(start, end) for start in range(len(words)) for end in range(start + 2, len(words) + 1)]
        for start, end in sorted(spans, key=lambda span: span[0] - span[1]):
            for one in repositories_named("-".join(words[start:end])):
                is_own = canonical_maker(one.name.partition("/")[0]) == canonical_maker(family.maker)
                if (is_own or _is_distilled(one)) and one.name.lower() != step.repository.lower():
                    return one
        return None

    def _original(self, step: Step, family: Family | None) -> Repository | None:
        """Return the one repository of a maker that a re-upload is named after; None where several makers have it."""
        last = unpacked(step.name)
        if (found := _ARCHIVE.fullmatch(last)) and (named := repository_at(f"{found[1]}/{found[2]}")):
            return named
        others = [one for one in repositories_named(last) if one.name.lower() != step.repository.lower()]
        if step.publisher and key_of(last) == key_of(step.name):  # the same name: only a maker's own is the original
            others = [one for one in others if self._is_original(one, step, family)]
        if family is not None:
            own = [
                one for one in others if canonical_maker(one.name.partition("/")[0]) == canonical_maker(family.maker)
            ]
            others = own or others
        trained = [one for one in others if is_maker(self._known.organisation(one.name))] or others
        return trained[0] if len({canonical_maker(one.name.partition("/")[0]) for one in trained}) == 1 else None

    def _is_original(self, one: Repository, step: Step, family: Family | None) -> bool:
        """Whether a repository of the same name is the source: the family's maker, or any where none is named."""
        maker = canonical_maker(one.name.partition("/")[0])
        if family is not None:
            return maker == canonical_maker(family.maker)
        return maker != canonical_maker(step.publisher) and is_maker(self._known.organisation(one.name))

    def _named_makers(self, name: str) -> tuple[str, ...]:
        """Return the makers of all families whose words stand in a name: signs, for where something is excluded."""
        plain = plain_name(name)
        found: dict[str, None] = {}
        for family in self._known.families:
            is_not = family.not_pattern and re.search(expression_of(family.not_pattern), plain)
            if not is_not and re.search(expression_of(family.pattern), plain):
                found[canonical_maker(family.maker)] = None
        return tuple(found)

    def doubts(self, step: Step) -> list[str]:
        """Return what is odd about who publishes a model."""
        if not step.publisher or not is_repository(step.repository) or self._known.organisation(step.publisher):
            return []
        like = self._known.look_alike(step.publisher)
        return [f"the publisher `{step.publisher}` is spelt like `{like.name}` and is not it"] if like else []


def _is_distilled(one: Repository) -> bool:
    """Whether a repository is a maker's own model on another's base: its name holds both (R1-Distill-Qwen)."""
    made = derived_of(plain_of(one.name))
    return made is not None and bool(made.maker) and canonical_maker(made.maker) == canonical_maker(
        one.name.partition("/")[0]
    )  # fmt: skip


def _tagged(name: str, family: Family) -> Repository | None:
    """Return the repository of the family's maker that `qwen3:14b` or `llama3.1:8b` stands for, None where unclear."""
    found = _TAG.fullmatch(name.lower().rpartition("/")[2])
    if found is None:
        return None
    spelt = [found[1], re.sub(r"(?<=[a-z])(?=\d)", "-", found[1])]
    ends = ("-instruct", "-it", "")  # a plain tag of Ollama is the tuned model where there is one
    names = [f"{stem}-{found[2]}{end}" for end in ends for stem in spelt]
    for one in (one for spelling in names for one in repositories_named(spelling)):
        if canonical_maker(one.name.partition("/")[0]) == canonical_maker(family.maker):
            return one
    return None
