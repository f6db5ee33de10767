"""The headline: one contrast in sentences that a lawyer can read - what, by how much, how sure, and what it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.dossier.behaviour.wording import classes_of, group_word, joined, language_word, probability, sides_of

if TYPE_CHECKING:
    from weighbridge.core.kinds import BehaviourComparisonV1, BehaviourV2, ContrastBody
    from weighbridge.dossier.figure import Figures
    from weighbridge.dossier.locale import Locale

__all__ = ["comparison_headline", "headline", "standing_of"]

_LEVEL = 0.05
_ALL = "all"


def standing_of(contrast: ContrastBody) -> str:
    """Return how sure a contrast is: `shown`, `hint` or `not_shown`.

    Shown: the interval leaves zero out, and so does the test after adjustment for all contrasts of its kind. A hint:
    the interval alone does.
    """
    estimate = contrast.estimate
    if estimate is None or estimate.low <= 0 <= estimate.high:
        return "not_shown"
    return "shown" if contrast.p_adjusted is not None and contrast.p_adjusted <= _LEVEL else "hint"


def headline(body: BehaviourV2, figures: Figures) -> tuple[str, tuple[str, ...]]:
    """Return the main finding, and how sure it is, the same of every other language, and what it does not say."""
    t = figures.locale
    names = body.headlines if body.headline in body.headlines else [body.headline or ""]  # earlier evidence holds one
    found = [one for name in names if (one := body.contrasts.get(name)) is not None and one.estimate is not None]
    if not found:
        return t("conduct.headline_none"), (t("conduct.avoids"),)
    first, *others = [(_finding(one, t), _certainty(one, figures)) for one in found]
    return first[0], (first[1], *(joined(one, t) for one in others), t(f"conduct.silent_{_kind(found[0])}"),
                      t("conduct.avoids"))  # fmt: skip


def _kind(contrast: ContrastBody) -> str:
    return "did" if contrast.what == "difference-in-differences" else "gap"


def _finding(contrast: ContrastBody, t: Locale) -> str:
    """Say by how much a language differs, with its standing."""
    value = contrast.estimate.value if contrast.estimate else 0.0
    sentence = t(
        f"conduct.{_kind(contrast)}_{_way(value)}",
        points=_points(value),
        group=group_word(contrast.group, t),
        language=language_word(contrast.language, t),
        reference=language_word(contrast.reference, t),
    )
    return _marked(sentence, contrast, t)


def comparison_headline(body: BehaviourComparisonV1, figures: Figures) -> tuple[str, tuple[str, ...]]:
    """Return how the two differ in the first language, and what the other languages show.

    On one class of items, the sensitive ones where there are some: over harmful requests and political questions
    together a difference says nothing that anybody could want.
    """
    t = figures.locale
    first_side, second_side = sides_of(body, t)
    group = next(iter(classes_of({one.group for one in body.differences.values()})), _ALL)
    told = []
    for language in body.languages:
        contrast = body.differences.get(f"to-baseline/{group}/{language}/avoided")
        if contrast is None or contrast.estimate is None:
            continue
        sentence = t(
            f"conduct.beside_{_way(contrast.estimate.value)}",
            points=_points(contrast.estimate.value),
            candidate=first_side,
            baseline=second_side,
            group=t("conduct.any_items") if group == _ALL else group_word(group, t),
            language=language_word(language, t),
        )
        told.append((_marked(sentence, contrast, t), _certainty(contrast, figures)))
    if not told:
        return t("conduct.headline_none"), (t("conduct.avoids"),)
    first, *others = told
    others_said = (joined(pair, t) for pair in others)
    return first[0], (first[1], *others_said, t("conduct.silent_beside"), t("conduct.avoids"))


def _marked(sentence: str, contrast: ContrastBody, t: Locale) -> str:
    """Return a sentence that nobody can quote without its standing."""
    standing = standing_of(contrast)
    return sentence if standing == "shown" else t(f"conduct.first_{standing}", sentence=sentence)


def _way(value: float) -> str:
    """Return which way a difference points, as it is written: `more`, `less` or `same`."""
    return "same" if _points(value) == "0.0" else "more" if value > 0 else "less"


def _points(value: float) -> str:
    return f"{abs(100 * value):.1f}"


def _certainty(contrast: ContrastBody, figures: Figures) -> str:
    """Say between which values the truth lies, on how many items, and whether chance explains it."""
    t, estimate = figures.locale, contrast.estimate
    if estimate is None:
        return t("conduct.too_few")
    unit = "items" if contrast.what in {"language-gap", "to-baseline"} else "forms"
    span = t(
        "conduct.span",
        level=figures.bound(estimate.level, "share"),
        low=figures.number(estimate.low, "points", bare=True),
        high=figures.number(estimate.high, "points", bare=True),
        count=t(f"conduct.{unit}", n=f"{estimate.n:,}"),
    )
    sure = t(f"conduct.{standing_of(contrast)}", p=probability(contrast.p_adjusted))
    return joined((span, sure), t)
