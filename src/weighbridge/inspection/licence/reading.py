"""What a licence text says: the terms of the licence that it is, or those of its own words where it is another.

A changed clause never keeps the answer of the unchanged one: it is read from the text, or it is not known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from weighbridge.core.kinds.licence import GateBody, TermBody, WhenBody
from weighbridge.inspection.licence.identity import Verdict
from weighbridge.inspection.licence.readout import plain_letters, read_out
from weighbridge.inspection.licence.strictest import strictest
from weighbridge.inspection.licence.terms import COLUMNS, Licence, known, licence_of

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.inspection.licence.identity import Difference, Identity

__all__ = ["Reading", "read_text"]

_SHOWN = 300
_MOST_QUESTIONS = 20
_COMMERCE = r"commerc|\bsell|\bfee\b|paid|revenue|profit|business|permission|licen[sc]e from|authori[sz]|商业|收费"
_WORDS = {
    "commercial_use": _COMMERCE,
    "commercial_conditions": _COMMERCE,
    "mau_threshold": r"users|\bmau\b|\bdau\b|active|用户",
    "revenue_threshold": r"revenue|turnover|income|\busd\b|dollar|\$|€|营收|收入",
    "threshold_test": r"users|revenue|release date|month|用户|收入",
    "territory_limits": r"territor|countr|union|kingdom|europe|\beu\b|korea|china|united states|region|地区|境内",
    "field_of_use_limits": r"militar|weapon|surveil|medical|police|enforce|prohibit|purpose|restrict|军事|用途",
    "display_duty": r"display|credit|attribut|built with|powered|acknowledg|标注|来源",
    "derivative_naming": r"\bname|naming|trade ?mark|endors|名称|商标",
    "outputs_train_other_models": r"output|train|distil|synthetic|improve|输出|训练",
    "redistribution": r"distribut|sublicen|share|\bsell|transfer|分发|传播",
    "hosting_as_service": r"host|\bapi\b|service|cloud|\bsell|服务|云",
    "notice_obligations": r"notice|copy of|attribut|声明|副本",
    "patent": r"patent|专利",
    "litigation_termination": r"litigat|lawsuit|terminat|\bsuit\b|诉讼|终止",
    "indemnity": r"indemn|hold harmless|defend|赔偿",
    "governing_law": r"govern|laws? of|法律",
    "jurisdiction": r"court|arbitrat|jurisdiction|法院|仲裁",
    "aup_incorporated": r"policy|prohibited|restriction|附件",
    "licensor_can_change_or_revoke": r"revoc|terminat|updat|modif|amend|修订|撤销",
    "points_for_a_human": "",  # every change is one
}
_BEARS = {column: re.compile(pattern, re.IGNORECASE) for column, pattern in _WORDS.items()}


@dataclass(frozen=True, slots=True)
class Reading:
    """The terms of one text, the clauses to judge a use by, and what a human must still answer.

    `licence` is the known licence whose terms these are, or were before they were changed; None where none is near.
    """

    terms: dict[str, TermBody]
    gates: list[GateBody] = field(default_factory=list)
    licence: Licence | None = None
    is_whole: bool = False  # the very text of a licence whose terms are known


def read_text(text: str, identity: Identity, source: str, base: Path | None = None) -> Reading:
    """Say what a text says; `source` is where it comes from, `base` a user's own folder of terms.

    Raises UsageError for a file of that folder that cannot be read.
    """
    named = identity.licence_id or identity.nearest
    licence = licence_of(named, base) if named else None
    if identity.verdict is Verdict.SEVERAL:
        return _several(text, identity, source, base)
    is_loose = identity.verdict is Verdict.POINTER and identity.licence_id is None
    if licence is None or is_loose or identity.verdict is Verdict.UNKNOWN:
        return _unknown(text, identity, source, base)
    if identity.licence_id is not None and identity.verdict is not Verdict.ALTERED:
        reason = None
        gates = _sourced(licence, source)
        if identity.verdict in {Verdict.TRUNCATED, Verdict.POINTER}:
            is_cut = identity.verdict is Verdict.TRUNCATED
            reason = "the text is cut off: " if is_cut else "the file only points to it: "
            reason += f"this is what {licence.name} says"
            gates.append(_ask(f"{reason}; get the whole text, for it may say more", source, licence=licence))
        terms = {column: _from(licence, column, source, reason) for column in COLUMNS}
        return Reading(terms, gates, licence, is_whole=reason is None)
    return _altered(text, identity, licence, source)


def _altered(text: str, identity: Identity, licence: Licence, source: str) -> Reading:
    """Keep the terms whose clause still stands and that no change bears on; read or drop the others."""
    letters = plain_letters(text)
    own = read_out(text)
    changes = [change for change in identity.differences if change.is_material]
    terms: dict[str, TermBody] = {}
    for column in COLUMNS:
        reason = _why_not(column, licence.terms.get(column, TermBody()), letters, changes)
        if reason is None:
            terms[column] = _from(licence, column, source, "the clause stands as in the licence that it was made from")
        elif column in own:
            terms[column] = own[column].model_copy(update={"source": source})
        else:
            terms[column] = TermBody(value=None, source=source, reason=reason)
    kept = {column for column in COLUMNS if terms[column].licence is not None}
    gates = [gate for gate in _sourced(licence, source) if gate.term in kept]
    for change in changes[:_MOST_QUESTIONS]:
        says = f"this differs from {licence.name} ({change.kind.value}): what does it mean for the use?"
        gates.append(_ask(says, source, quote=_words(change)))
    if not changes:
        gates.append(_ask(f"the text is {licence.name} with changes: read it", source))
    return Reading(terms, gates + _own_gates(own, source), licence)


def _why_not(column: str, term: TermBody, letters: str, changes: list[Difference]) -> str | None:
    """Say why an answer of the unchanged licence must not stand for a changed text, or None where it may."""
    if column == "osi_approved":
        return "no approval covers a changed text"
    if any(plain_letters(quote) not in letters for quote in term.quotes):
        return "the clause behind it does not stand in this text as it does in the licence"
    for change in changes:
        if _BEARS[column].search(_words(change)):
            return f"a change may bear on it: {_words(change)}"
    return None


def _unknown(text: str, identity: Identity, source: str, base: Path | None) -> Reading:
    """Read what the words of an unknown text state outright; everything else is not known."""
    if (statement := _statement(text, base)) is not None:
        asked = _ask(f"this is a sentence of a card ({statement.name}), not a licence: get the text", source)
        terms = {column: _from(statement, column, source, "stated in a card, not in a licence") for column in COLUMNS}
        return Reading(terms, [asked, *_sourced(statement, source)], statement)
    own = read_out(text) if identity.verdict is not Verdict.POINTER else {}
    named = identity.licence_id or identity.nearest
    reason = "the text is not known, and does not say it in words that can be quoted safely"
    if named and identity.verdict is not Verdict.UNKNOWN:
        reason = f"the terms of `{named}` are not in the base"
    terms = {
        column: own[column].model_copy(update={"source": source}) if column in own
        else TermBody(value=None, source=source, reason=reason)
        for column in COLUMNS
    }  # fmt: skip
    is_named = named and identity.verdict in {Verdict.IS, Verdict.REVISION}
    question = f"the terms of `{named}` are not in the base" if is_named else "this licence text is not known"
    if identity.verdict is Verdict.POINTER:
        question = f"this file only points to a licence{f' (`{named}`)' if named else ''}: get its text"
    return Reading(terms, [_ask(f"{question}: a human must read it", source), *_own_gates(own, source)])


def _statement(text: str, base: Path | None) -> Licence | None:
    """Return the statement of a maker's card that stands in a text, or None: its words on commerce must be there."""
    letters = plain_letters(text)
    for licence_id in known(base):
        licence = licence_of(licence_id, base) if licence_id.startswith("statement:") else None
        quotes = licence.terms["commercial_use"].quotes if licence else []
        if quotes and all(plain_letters(quote) in letters for quote in quotes):
            return licence
    return None


def _several(text: str, identity: Identity, source: str, base: Path | None) -> Reading:
    """Take every part as in force, the strictest answer of each term; which one covers the weights is for a human."""
    lines = text.splitlines()
    gates: list[GateBody] = []
    tables: list[dict[str, TermBody]] = []
    names = []
    for part in identity.parts:
        words = "\n".join(lines[part.first_line - 1 : part.last_line])
        named = part.licence_id or part.nearest
        names.append(named or "an unknown text")
        licence = licence_of(named, base) if named else None
        if licence is not None and part.licence_id is not None and part.verdict is not Verdict.ALTERED:
            gates += _sourced(licence, source)
            tables.append({column: _from(licence, column, source, None) for column in COLUMNS})
        else:
            tables.append({})
            gates += [_ask(f"a part of the file ({names[-1]}) is not known as it stands: read it", source)]
            gates += _own_gates(read_out(words), source)
    reason = f"the file holds several licences: {', '.join(names)}"
    gates.append(_ask(f"{reason}: which one covers the weights?", source))
    if tables and all(tables):
        terms = strictest(tables)
        return Reading({name: term.model_copy(update={"reason": reason}) for name, term in terms.items()}, gates)
    return Reading({column: TermBody(value=None, source=source, reason=reason) for column in COLUMNS}, gates)


def _from(licence: Licence, column: str, source: str, reason: str | None) -> TermBody:
    """Take one term over from the base."""
    term = licence.terms.get(column)
    if term is None:
        return TermBody(value=None, source=source, reason="the base does not say it")
    return term.model_copy(update={"source": source, "reason": reason})


def _sourced(licence: Licence, source: str) -> list[GateBody]:
    return [gate.model_copy(update={"source": source}) for gate in licence.gates]


def _own_gates(own: dict[str, TermBody], source: str) -> list[GateBody]:
    """Turn what was read out into clauses: a ban on commerce bites, a figure or a territory is a question."""
    gates = []
    for column, term in own.items():
        quote = term.quotes[0][:_SHOWN]
        if column == "commercial_use":
            says, when = "the text excludes commercial use", WhenBody(commercial=True)
            gates.append(GateBody(term=column, effect="forbidden", says=says, quote=quote, when=when, source=source))
        elif column != "governing_law":
            gates.append(_ask(f"the text has a clause on {column.replace('_', ' ')}: does it bind you?", source, quote))
    return gates


def _ask(says: str, source: str, quote: str = "", licence: Licence | None = None) -> GateBody:
    """Ask a human, whatever the use."""
    named = licence.id if licence else ""
    return GateBody(term="points_for_a_human", effect="ask", says=says, quote=quote, source=source, licence=named)


def _words(change: Difference) -> str:
    """Quote both sides of a change, without the words that they share at either end."""
    here, there = _without_shared(change.text.split(), change.reference.split())
    if not there:
        return f"added: “{here[:_SHOWN]}”"
    return f"missing: “{there[:_SHOWN]}”" if not here else f"“{here[:_SHOWN]}” in place of “{there[:_SHOWN]}”"


def _without_shared(here: list[str], there: list[str]) -> tuple[str, str]:
    """Take off the words that two sides begin and end with: a difference is quoted with some words around it."""
    first = next((n for n, (a, b) in enumerate(zip(here, there, strict=False)) if a != b), min(len(here), len(there)))
    here, there = here[first:], there[first:]
    backward = zip(reversed(here), reversed(there), strict=False)
    last = next((n for n, (a, b) in enumerate(backward) if a != b), min(len(here), len(there)))
    return " ".join(here[: len(here) - last]), " ".join(there[: len(there) - last])
