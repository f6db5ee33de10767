"""Whether a claimed value is a fair way to write a known one: rounded, cut, in thousands or in 1024s, by the month."""

from __future__ import annotations

import calendar
import re
from datetime import date
from enum import Enum
from typing import TYPE_CHECKING

from weighbridge.inspection.claims.claim import Quantity
from weighbridge.inspection.claims.reading.values import licence_of

if TYPE_CHECKING:
    from weighbridge.inspection.claims.claim import Claim, Fact

__all__ = ["Fit", "fit_of"]

_ROUNDED = 0.02  # what people round without saying so
_ABOUT = 0.06  # what "about" leaves room for
_DIGIT = 0.12  # a rounded or cut last digit may be off by no more
_DATE = re.compile(r"20\d\d(?:-\d\d(?:-\d\d)?)?(?:\|20\d\d-\d\d){0,12}")
_MOST_UNIT = 1e12
_OVER = 1.25  # "over 14 trillion" is not said of 20
_POINT = 0.005
_SHARES = frozenset({Quantity.KV_CACHE_SAVING, Quantity.TRAINING_COST_SAVING, Quantity.ACTIVE_SHARE})
_RATIOS = frozenset({Quantity.TRAINING_COMPUTE_RATIO, Quantity.SIZE_RATIO})
_RATIO_FITS, _RATIO_FAR = 0.15, 0.3
_COUNTED = frozenset({
    Quantity.EXPERTS, Quantity.EXPERTS_USED, Quantity.SHARED_EXPERTS, Quantity.LAYERS, Quantity.HIDDEN_SIZE,
    Quantity.ATTENTION_HEADS, Quantity.KV_HEADS,
})  # fmt: skip
_WINDOWS = frozenset({Quantity.CONTEXT_LENGTH, Quantity.VOCABULARY})
_WINDOW_ROUNDED = 0.05  # 200K is said of 204,800 and of 196,608
_MORE_CONTEXT, _LESS_CONTEXT = 1.35, 1.5  # how far from every known limit a context is wrong and not another convention
_FEW = 1e6  # a count of parameters below this is in some other unit
_FIRM_DAYS, _WEAK_DAYS = 3, 35  # a date nearer than this is not contradicted
_CREATED_DAYS = 60  # a repository may be created weeks ahead of a release, and at any time after it
_PERMISSIVE = frozenset({"mit", "apache-2.0", "bsd-2-clause", "bsd-3-clause", "isc", "cc0-1.0"})
_RESTRICTED = frozenset({"deepseek", "gemma", "qwen", "qwen-research", "tongyi-qianwen", "minimax", "mrl", "mnpl",
                         "kimi-k3", "glm-5.3", "yi", "non-commercial", "qwen3.8-max", "minimax-community"})  # fmt: skip
_NON_COMMERCIAL = frozenset({"non-commercial", "qwen-research", "mrl", "mnpl", "cc-by-nc-4.0"})


class Fit(Enum):
    """How a claimed value stands to a known one; UNSURE is near enough not to call it wrong."""

    YES = "yes"
    UNSURE = "unsure"
    NO = "no"


def fit_of(claim: Claim, fact: Fact) -> Fit:
    """Return how a claim stands to one fact."""
    if claim.quantity == Quantity.RELEASED:
        return _date(str(claim.value), fact)
    if isinstance(claim.value, str) or isinstance(fact.value, str):
        if isinstance(claim.value, str) is not isinstance(fact.value, str):
            return Fit.UNSURE
        return _word(claim, str(fact.value))
    return _number(claim, fact, claim.value, fact.value)


def _number(claim: Claim, fact: Fact, said: float, true: float) -> Fit:  # noqa: PLR0911 - one return a kind of number
    if claim.bound:
        return _bounded(claim, said, true)
    if claim.quantity in _SHARES:
        near = abs(true - said) <= max(_POINT, claim.unit / 2) + (_ABOUT / 2 if claim.is_about else 0) + 1e-9
        return Fit.YES if near else Fit.NO
    if claim.quantity in _RATIOS:
        off = abs(said / true - 1) if true else 1.0
        return Fit.YES if off <= _RATIO_FITS else Fit.UNSURE if off <= _RATIO_FAR else Fit.NO
    if claim.quantity in _COUNTED:
        return Fit.YES if said == true or (claim.is_about and abs(true - said) <= _ABOUT * true) else Fit.NO
    if claim.quantity in _WINDOWS and any(
        abs(true - one) <= _WINDOW_ROUNDED * true for one in (said, said * 1.024, said * 1.048576)
    ):
        return Fit.YES
    if claim.quantity == Quantity.KV_BYTES_PER_TOKEN and abs(true - said * 1.024) <= _ROUNDED * true:
        return Fit.YES
    if claim.quantity == Quantity.CONTEXT_LENGTH and true / _LESS_CONTEXT < said < true * _MORE_CONTEXT:
        return Fit.UNSURE
    if fact.is_least and said >= true:
        return Fit.YES if said <= true * (1 + _ABOUT) else Fit.UNSURE if said <= true * _OVER else Fit.NO
    if "parameters" in claim.quantity and said < _FEW <= true:
        return Fit.UNSURE
    return Fit.YES if _is_near(claim, said, true) else Fit.UNSURE if _is_round(claim, said, true) else Fit.NO


def _is_near(claim: Claim, said: float, true: float) -> bool:
    """Whether one is the other rounded; vendors cut digits off as often: 7.6 billion is sold as 7B."""
    if abs(true - said) <= (_ABOUT if claim.is_about else _ROUNDED) * true:
        return True
    is_digit = abs(true - said) <= claim.unit / 2 or 0 <= true - said < claim.unit
    return is_digit and abs(true - said) <= _DIGIT * true


def _is_round(claim: Claim, said: float, true: float) -> bool:
    """Whether a figure may have been rounded to its tens, as 31.2 billion to "30B"."""
    if not claim.unit or claim.unit > _MOST_UNIT or abs(true - said) > _ABOUT * true:
        return False
    return said % (10 * claim.unit) == 0


def _bounded(claim: Claim, said: float, true: float) -> Fit:
    """Hold "more than" and "less than": literally true, but not said of what is far off."""
    if claim.bound == "over":
        if said <= true * (1 + _ROUNDED):
            return Fit.YES if true <= said * _OVER else Fit.UNSURE
    elif said >= true * (1 - _ROUNDED):
        return Fit.YES if said <= true * _OVER else Fit.UNSURE
    return Fit.NO


def _word(claim: Claim, true: str) -> Fit:
    said, true = str(claim.value).lower(), true.lower()
    if claim.quantity in (Quantity.LICENCE, Quantity.CODE_LICENCE):
        return _licence(licence_of(said), "deepseek" if true == "deepseek-license" else true)
    return Fit.YES if said == true else Fit.NO


def _licence(said: str, true: str) -> Fit:
    """Hold a licence's name: what a tag or a nickname leaves open is unsure."""
    if said == true:
        return Fit.YES
    if said == "permissive":
        is_known = true in _RESTRICTED or true.startswith("llama")
        return Fit.YES if true in _PERMISSIVE else Fit.NO if is_known else Fit.UNSURE
    if said == "non-commercial":
        return Fit.YES if true in _NON_COMMERCIAL else Fit.NO if true in _PERMISSIVE else Fit.UNSURE
    if said.startswith("llama") and true.startswith("llama"):
        return Fit.YES if said == "llama" or true.startswith(said) or said.startswith(true) else Fit.NO
    if said.startswith(true) or true.startswith(said) or said.partition(" ")[0] == true:
        return Fit.UNSURE if {said, true} & _PERMISSIVE else Fit.YES
    is_clear = said in _PERMISSIVE or said in _RESTRICTED or said == "modified-mit" or said.startswith("llama")
    return Fit.NO if is_clear and true != "other" else Fit.UNSURE


def _date(said: str, fact: Fact) -> Fit:
    """Hold a date as far as both are known; a weak one within a month is not contradicted."""
    if not _DATE.fullmatch(said):
        return Fit.UNSURE
    known = _span(str(fact.value))
    spans = [_span(option) for option in said.split("|")]
    late = min(max(0, (span[0] - known[1]).days) for span in spans)
    early = min(max(0, (known[0] - span[1]).days) for span in spans)
    away = max(late, early)
    is_day = len(said) > len("2024-12")
    if away == 0 or (is_day and away == 1):
        return Fit.YES
    if fact.scope == "created":
        return Fit.UNSURE if early or late <= _CREATED_DAYS else Fit.NO
    return Fit.UNSURE if away <= (_FIRM_DAYS if fact.is_firm else _WEAK_DAYS) else Fit.NO


def _span(text: str) -> tuple[date, date]:
    """Return the first and the last day that a date leaves open; what is no date is every day of its year."""
    parts = [int(part) for part in text.split("-")]
    year, month, day = (*parts, 0, 0)[:3]
    if not 1 <= month <= 12:  # noqa: PLR2004 - months
        return date(year, 1, 1), date(year, 12, 31)
    last = calendar.monthrange(year, month)[1]
    if not 1 <= day <= last:
        return date(year, month, 1), date(year, month, last)
    return date(year, month, day), date(year, month, day)
