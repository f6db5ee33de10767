"""The licence in force along a chain: every step's own, the strictest of them, and who claims a laxer one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.inspection.licence.chain.families import family_named, licences_of_tag
from weighbridge.inspection.licence.chain.force import in_force
from weighbridge.inspection.licence.chain.sources import Given
from weighbridge.inspection.licence.strictest import strictest, strictness
from weighbridge.inspection.licence.terms import licence_of
from weighbridge.inventory.origin.tables import canonical_maker

if TYPE_CHECKING:
    from weighbridge.core.kinds.licence import TermBody
    from weighbridge.inspection.licence.chain.sources import Text
    from weighbridge.inventory.origin.step import Chain, Step

__all__ = ["InForce", "licence_along"]

_COLUMNS = ("commercial_use", "hosting_as_service", "outputs_train_other_models", "aup_incorporated", "osi_approved")
_NO_LICENCE = frozenset({"", "unknown"})
_AS_FREE = frozenset({"cc0-1.0", "cc-by-4.0"})  # of the Open Definition, and not for software
_MODIFIED = "modified-mit"


@dataclass(frozen=True, slots=True)
class InForce:
    """What binds a model. `licence` is the id (or tag) of the strictest known, None where none is known.

    `along` holds (step, licence) where known. It `is_complete` where every step's licence is known and its terms are:
    otherwise a stricter one may bind. `commercial_use` is the strictest answer (`yes`, `no`, `conditional ...`, "" not
    known), `conflicts` say where one claims laxer terms than its base has, by (name, message).
    """

    licence: str | None
    along: tuple[tuple[str, str], ...]
    is_complete: bool
    commercial_use: str = ""
    conflicts: tuple[tuple[str, str], ...] = ()
    unknown: tuple[str, ...] = ()


def licence_along(chain: Chain, texts: tuple[Text, ...] = ()) -> InForce:
    """Return what is in force for the first step of a chain; `texts` are licence files that lie with it."""
    along: list[tuple[str, str]] = []
    unknown = []
    first = chain.steps[0]
    force = in_force(Given(first.name, texts, first.licence_tag or None)) if texts else None
    read = [one.licence for one in force.in_force if one.role == "weights" and one.licence] if force else []
    along += [(first.name, licence) for licence in read]
    below = {one for step in _binding(chain)[1:] for one in _licences_of(step)}
    for step in _binding(chain):
        ids = _licences_of(step) if step is not first else _of_first(step, below)
        if step is first and read:
            ids = [one for one in ids if one not in read]
        along += [(step.name, one) for one in ids]
        if not ids and not (step is first and (read or len(chain.steps) > 1)):
            unknown.append(f"the licence of {step.name} is not known")
    ids = list(dict.fromkeys(licence for _, licence in along))
    terms = {one: dict(licence.terms) for one in ids if (licence := licence_of(one))}
    unknown += [f"the terms of `{one}` are not known" for one in ids if one not in terms]
    unknown += [] if chain.is_closed else ["the chain is open: a base that is not known may add terms"]
    merged = strictest(list(terms.values()))
    use = merged.get("commercial_use")
    conflicts = [(one.name, one.message) for one in force.conflicts] if force else []
    conflicts += _laundering(first, along, terms)
    misnamed = _misnamed(first, ids, below)
    conflicts += [("licence-mismatch", f"{first.name} is tagged `{first.licence_tag}`, and its base is under `{base}`")
                  for base in misnamed.values()]  # fmt: skip
    return InForce(
        _strictest_id([one for one in ids if one not in misnamed], terms), tuple(dict.fromkeys(along)), not unknown,
        (use.value or "") if use else "", tuple(dict.fromkeys(conflicts)), tuple(dict.fromkeys(unknown)),
    )  # fmt: skip


def _binding(chain: Chain) -> list[Step]:
    """Return the steps whose licence binds: a maker may put its own model under other terms than its own base."""
    left_out: set[int] = set()
    for at, step in enumerate(chain.steps):
        child = chain.steps[step.child] if step.child is not None else None
        if child is None:
            continue
        is_own = bool(step.maker) and step.maker == child.maker and bool(child.licence_tag)
        if is_own or (step.child in left_out and step.maker == child.maker):
            left_out.add(at)
    return [step for at, step in enumerate(chain.steps) if at not in left_out]


def _licences_of(step: Step) -> list[str]:
    """Return what binds one step: its tag where that names a licence, and what its family is known to carry.

    A root's own tag counts before the table of families; a re-upload's tag is a claim, so both stand.
    """
    tag = step.licence_tag.lower()
    family = family_named(step.repository or step.name) if step.end != "root" or step.repository else None
    named = _named(tag, step)
    if family is not None and family.licence in named:
        return [family.licence]
    known = family.licence if family else None
    if step.end == "root" and named and (licence_of(named[0]) or known is None):
        return [named[0]]
    if known and named and not licence_of(named[0]):  # a tag of the maker's own making, whose text the table knows
        return [known]
    return list(dict.fromkeys(one for one in ((*named[:1], known) if named else (known,)) if one))


def _named(tag: str, step: Step) -> tuple[str, ...]:
    """Return the licences that a tag can stand for; `other` says that there is one, and not which."""
    if tag == _MODIFIED and canonical_maker(step.publisher) != "moonshotai":  # each maker modifies it its own way
        return (tag,)
    return licences_of_tag(tag, tag) or (() if tag in _NO_LICENCE else (tag,))


def _of_first(first: Step, below: set[str]) -> list[str]:
    """Return what binds the first step; where its tag or its name can stand for its base's licence, it does."""
    stated = _named(first.licence_tag.lower(), first)
    plain = _licences_of(first)
    ids = [one for one in stated if one in below][:1] or [one for one in plain if one in stated]
    return ids + [one for one in plain if one not in stated and not _version_of(one, below)]


def _misnamed(first: Step, ids: list[str], below: set[str]) -> dict[str, str]:
    """Return licences that the tag states, with the other version by the same licensor that the base is under.

    Who trains on Llama 3.1 cannot put it under the licence of Llama 3: only the licensor can.
    """
    stated = _named(first.licence_tag.lower(), first)
    found = {one: _version_of(one, below) for one in ids if one in stated and one not in below}
    return {one: base for one, base in found.items() if base and not first.end}


def _version_of(licence: str, others: set[str]) -> str:
    """Return the licence of the same licensor that is among others, "" where none is."""
    known = licence_of(licence)
    if known is None or known.licensor.startswith("the ") or licence in others:
        return ""
    same = [one for one in sorted(others) if (other := licence_of(one)) and other.licensor == known.licensor]
    return same[0] if same else ""


def _strictest_id(ids: list[str], terms: dict[str, dict[str, TermBody]]) -> str | None:
    """Return the id whose terms are the strictest, column by column.

    One with unknown terms may bind more than a free licence, and is shown before it.
    """
    bound = [one for one in ids if one in terms and not _is_free(one, terms)]
    left = bound or [one for one in ids if one not in terms] or ids
    for column in _COLUMNS:
        ranks = {one: strictness(column, terms[one][column].value) for one in left if column in terms.get(one, {})}
        left = [one for one in left if one not in ranks or ranks[one] == min(ranks.values())]
    return left[0] if left else None


def _laundering(
    first: Step, along: list[tuple[str, str]], terms: dict[str, dict[str, TermBody]]
) -> list[tuple[str, str]]:
    """Return where the model claims a licence that is free, and a base of it has one that is not."""
    claimed = [one for one in licences_of_tag(first.licence_tag, first.licence_tag) if _is_free(one, terms)]
    if not claimed:
        return []
    strict = {one: name for name, one in along if one != claimed[0] and not _is_free(one, terms)}
    return [
        ("licence-laundering", f"{first.name} is tagged `{first.licence_tag}`, and {name} is under `{one}`")
        for one, name in list(strict.items())[:3]
    ]


def _is_free(licence: str, terms: dict[str, dict[str, TermBody]]) -> bool:
    """Whether a licence is one that OSI approved, or gives as much away."""
    if licence in _AS_FREE:
        return True
    known = terms.get(licence) or ({} if (found := licence_of(licence)) is None else dict(found.terms))
    term = known.get("osi_approved")
    return term is not None and term.value == "yes"
