"""The licence in force along a chain: every step's own, the strictest of them, and who claims a laxer one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.inspection.licence.chain.families import family_named, licences_of_tag
from weighbridge.inspection.licence.chain.force import in_force
from weighbridge.inspection.licence.chain.sources import Given
from weighbridge.inspection.licence.strictest import strictest, strictness
from weighbridge.inspection.licence.terms import licence_of

if TYPE_CHECKING:
    from weighbridge.core.kinds.licence import TermBody
    from weighbridge.inspection.licence.chain.sources import Text
    from weighbridge.inventory.origin.step import Chain, Step

__all__ = ["InForce", "licence_along"]

_COLUMNS = ("commercial_use", "hosting_as_service", "outputs_train_other_models", "aup_incorporated", "osi_approved")
_NO_LICENCE = frozenset({"", "other", "unknown"})


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
    for step in _binding(chain):
        ids = _licences_of(step)
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
    return InForce(
        _strictest_id(ids, terms), tuple(dict.fromkeys(along)), not unknown,
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
    named = licences_of_tag(tag, tag) or ((tag,) if tag not in _NO_LICENCE else ())
    if family is not None and family.licence in named:
        return [family.licence]
    known = family.licence if family else None
    if step.end == "root" and named and (licence_of(named[0]) or known is None):
        return [named[0]]
    if known and named and not licence_of(named[0]):  # a tag of the maker's own making, whose text the table knows
        return [known]
    return list(dict.fromkeys(one for one in ((*named[:1], known) if named else (known,)) if one))


def _strictest_id(ids: list[str], terms: dict[str, dict[str, TermBody]]) -> str | None:
    """Return the id whose terms are the strictest, column by column; one with unknown terms where none is known."""
    left = [one for one in ids if one in terms]
    for column in _COLUMNS:
        ranks = {one: strictness(column, terms[one][column].value) for one in left if column in terms[one]}
        left = [one for one in left if one not in ranks or ranks[one] == min(ranks.values())]
    return left[0] if left else (ids[0] if ids else None)


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
    """Whether a licence is one that OSI approved."""
    known = terms.get(licence) or ({} if (found := licence_of(licence)) is None else dict(found.terms))
    term = known.get("osi_approved")
    return term is not None and term.value == "yes"
