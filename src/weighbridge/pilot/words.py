"""What monitors tell, in words: a code and its facts become a sentence in the language of whoever reads it.

A monitor raises a code (`drift.alarmed`) and facts, JSON values. The words are in the tables `told` of the dossier's
locale. What is kept (evidence, audit log, documents) has the English sentence beside them, as `why`: so equal notices
are equal statements on all nodes, and what another version raised can still be read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.dossier.locale import load_locale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from weighbridge.dossier.locale import Locale

__all__ = ["told"]

_HUNDRED = 100
_CLUSTER = "cluster"
_OF_OTHER_VERSIONS = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)


def told(code: str, facts: Mapping[str, Any], why: str = "", language: str = "en") -> str:
    """Return the sentence of a code, and `why` where there is none, or where the facts are not those of this version.

    What an operator wrote (`because`) stays as it is. Raises UsageError for a language that there are no words for.
    """
    t = load_locale(language)
    try:
        return _SENTENCES.get(code, _plain)(code, facts, t)
    except _OF_OTHER_VERSIONS:
        return why


def _plain(code: str, facts: Mapping[str, Any], t: Locale) -> str:
    return t(f"told.{code}", **facts)


def _ordered(code: str, facts: Mapping[str, Any], t: Locale) -> str:
    """Say what an operator did: in the operator's words, if there are any."""
    return str(facts["because"]) or t(f"told.{code}")


def _set_apart(code: str, facts: Mapping[str, Any], t: Locale) -> str:
    key = facts["key"]
    return t(f"told.{code}", whose=t("told_part.key", id=key) if key else t("told_part.other_keys"))


def _rolled_back(code: str, facts: Mapping[str, Any], t: Locale) -> str:
    """Say by which sign: from the last answers of both, or from the judged pairs."""
    alpha = f"{facts['alpha']:g}"
    if facts["judged"] is not None:
        return t(f"told.{code}_by_judge", judged=_judged(facts["judged"], t), alpha=alpha)
    (theirs, of_theirs), (ours, of_ours) = facts["recent"]["canary"], facts["recent"]["primary"]
    counts = {"candidate": theirs, "of_candidate": of_theirs, "primary": ours, "of_primary": of_ours}
    return t(f"told.{code}", sign=t.label("pilot_sign", facts["sign"]), alpha=alpha, **counts)


def _passed(_code: str, facts: Mapping[str, Any], t: Locale) -> str:
    """Say after how much a step was passed."""
    judged = "" if facts["judged"] is None else t("told_part.also", what=_judged(facts["judged"], t))
    return t(
        "told.canary.passed",
        step=facts["step"] + 1,
        steps=facts["steps"],
        answers=f"{facts['answers']:,}",
        share=f"{facts['share'] * _HUNDRED:.3g}%",
        points=f"{facts['margin'] * _HUNDRED:g}",
        judged=judged,
    )


def _judged(share: Mapping[str, Any], t: Locale) -> str:
    """Say which share of the candidate's answers is the worse one, in the judge's eyes."""
    return t("told_part.judged", share=_percent(share["value"], share), n=f"{share['n']:,}")


def _budget(code: str, facts: Mapping[str, Any], t: Locale) -> str:
    return t(f"told.{code}", route=facts["route"], whose=t.label("told_whose", facts["of"]), day=facts["day"])


def _concluded(code: str, facts: Mapping[str, Any], t: Locale) -> str:
    """Say a verdict, and which signs of harm it is about."""
    low, high = (f"{facts['preference'][end]:.3f}" for end in ("low", "high"))
    names = {name: facts[name] for name in ("candidate", "primary", "route")}
    verdict = t.label("pilot_shadow", facts["verdict"])
    harm = _harm(facts["excess"], t)
    return t(
        f"told.{code}", verdict=verdict, margin=f"{facts['margin']:g}", low=low, high=high, harm=harm and f"; {harm}",
        **names,
    )  # fmt: skip


def _withdrawn(code: str, facts: Mapping[str, Any], t: Locale) -> str:
    """Say whose verdict no longer holds, and how one-sided the judge is."""
    names = {name: facts[name] for name in ("candidate", "primary", "route")}
    return t(f"told.{code}", first=_percent(facts["first"]["value"], facts["first"]), **names)


def _compared(code: str, facts: Mapping[str, Any], t: Locale) -> str:
    """Say what a comparison rests on so far, or waits for."""
    harm, margin, one = _harm(facts["excess"], t), facts["margin"], facts["preference"]
    values = {"harm": harm and t("told_part.than_primary", harm=harm), "margin": f"{margin * _HUNDRED:g}"}
    if one is not None:
        low, high = f"{one['low']:.3f}", f"{one['high']:.3f}"
        values["preference"] = t("told_part.preference", value=f"{one['value']:.3f}", low=low, high=high, n=one["n"])
    if facts["first"] is not None:
        values["first"] = _percent(facts["first"]["value"], facts["first"])
    unclear = (
        t("told_part.up_to", sign=t.label("told_harm", name), high=f"{high * _HUNDRED:.1f}")
        for name, high in facts["unclear"].items()
    )
    return t(f"told.{code}", against=f"{0.5 - margin:.3f}", unclear=_listed(unclear, t), **values)


def _harm(excess: Mapping[str, Mapping[str, float]], t: Locale) -> str:
    """Say which signs of harm are more frequent than the margin allows, "" where none is."""
    found = (
        t("told_part.more", sign=t.label("told_harm", name), **{end: f"{one[end] * _HUNDRED:.1f}" for end in _ENDS})
        for name, one in excess.items()
    )
    return _listed(found, t)


def _drifted(code: str, facts: Mapping[str, Any], t: Locale) -> str:
    """Say what is seen more often, or less, than in the reference; and why the decision stands, where it does."""
    since, reference = facts["since"], facts["reference"]
    doubt = facts["doubt"]
    return t(
        f"told.{code}",
        route=facts["route"],
        says=_says(facts["stream"], t),
        since=_percent(since["share"], since),
        n=since["n"],
        reference=_percent(reference["share"], reference),
        of=reference["n"],
        doubt=t(f"told_part.{doubt}", id=facts["key"]) if doubt else "",
    )


def _stream(_code: str, facts: Mapping[str, Any], t: Locale) -> str:
    return _says(facts["name"], t)


def _says(stream: str, t: Locale) -> str:
    """Say what a stream of drift counts."""
    kind, _, number = stream.partition("-")
    if kind == _CLUSTER and number.isdigit():
        return t("told_part.kind", says=t("told_stream.cluster"), number=number)
    return t(f"told_stream.{stream}")


def _likeness(code: str, facts: Mapping[str, Any], t: Locale) -> str:
    """Say how far an endpoint's answers are from those that were weighed."""
    usual = facts["usual"]
    apart = _listed(
        (
            t("told_part.apart", what=t(f"told_answers.{name}"), distance=f"{far:.1%}", usual=f"{usual[name]:.0%}")
            for name, far in facts["distances"].items()
        ),
        t,
    )
    if not apart:
        raise ValueError("no distance is known")
    return t(f"told.{code}", apart=apart)


def _listed(parts: Iterable[str], t: Locale) -> str:
    return t("told_part.between").join(parts)


def _percent(share: float, ends: Mapping[str, float]) -> str:
    """Write a share with its interval: `4.1% [3.0, 5.4]`."""
    return f"{_HUNDRED * share:.1f}% [{_HUNDRED * ends['low']:.1f}, {_HUNDRED * ends['high']:.1f}]"


_ENDS = ("value", "low", "high")
_SENTENCES: dict[str, Callable[[str, Mapping[str, Any], Locale], str]] = {
    "canary.started": _ordered,
    "canary.stopped": _ordered,
    "canary.key_set_apart": _set_apart,
    "canary.rolled_back": _rolled_back,
    "canary.advanced": _passed,
    "canary.done": _passed,
    "shadow.budget_spent": _budget,
    "shadow.concluded": _concluded,
    "shadow.withdrawn": _withdrawn,
    "shadow.no_judge": _compared,
    "shadow.no_pair": _compared,
    "shadow.no_word": _compared,
    "shadow.by_place": _compared,
    "shadow.reached": _compared,
    "shadow.close": _compared,
    "shadow.harm_open": _compared,
    "shadow.place_open": _compared,
    "drift.alarmed": _drifted,
    "drift.stream": _stream,
    "identity.differs": _likeness,
    "identity.changed": _likeness,
    "identity.likeness": _likeness,
}
