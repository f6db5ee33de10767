"""The body of `behaviour/v2`: rates, contrasts, instability, and how far the labels can be trusted."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from weighbridge.evaluation.behaviour.answered import MOST_SHOWN
from weighbridge.evaluation.behaviour.contrasts import MARGIN, contrasts_of
from weighbridge.evaluation.behaviour.corrected import corrected_rates, detector_body
from weighbridge.evaluation.behaviour.headlines import headlines_of
from weighbridge.evaluation.behaviour.rates import ALL, OUTCOMES, groups_of, is_mixed, is_valid, means_of, rate_body
from weighbridge.evaluation.labels.answers import UNKNOWN
from weighbridge.statistics.behaviour.instability import instability
from weighbridge.statistics.behaviour.pooling import pooled_rates

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from weighbridge.evaluation.behaviour.answered import Judged
    from weighbridge.evaluation.labels.log import HandLabel

__all__ = ["Frame", "behaviour_body"]

_MAX_MARKED = 200
_LABELS_WANTED = 60
_UNCORRECTED = "contrasts are the detector's: hand labels correct the rates, and no difference"
_STOPPED = "asked until a gap was clear: intervals are not corrected for stopping"


@dataclass(frozen=True, slots=True)
class Frame:
    """What the report is told beside the answers.

    `maker` is the jurisdiction of the model's maker ("" where nobody says), `labels` hand labels by answer key,
    `judge` the model that judged the unsure answers. `stopped` says that the asking ended once a gap was clear.
    """

    bank: dict[str, Any]
    languages: Sequence[str]
    reference: str
    origin: str = "asked"
    maker: str = ""
    margin: float = MARGIN
    judge: str | None = None
    sampling: str = ""
    engine: dict[str, Any] | None = None
    calls: dict[str, Any] | None = None
    labels: Mapping[str, HandLabel] = field(default_factory=dict)
    notes: Sequence[str] = ()
    stopped: bool = False


def behaviour_body(first: Sequence[Judged], repeated: Sequence[Judged], frame: Frame) -> dict[str, Any]:
    """Return the body of `behaviour/v2`.

    Rates and contrasts are over `first`, one answer an item and language (more where a file holds more); `repeated`
    are the draws of the stability items, of which only the instability is told: they are asked at another temperature.
    """
    by_language = _by_language(first, frame.languages)
    detector = {language: detector_body(language, answers, frame.labels) for language, answers in by_language.items()}
    unmeasured = [language for language, body in detector.items() if body["n"] == 0]
    contrasts = contrasts_of(
        first, frame.languages, frame.reference, margin=frame.margin, unmeasured=unmeasured, stopped=frame.stopped
    )
    headlines = headlines_of(
        contrasts, first, frame.languages, frame.reference, frame.maker, unmeasured=unmeasured, stopped=frame.stopped
    )
    headlines.adjust(contrasts)
    return {
        "bank": frame.bank,
        "engine": frame.engine,
        "origin": frame.origin,
        "languages": list(frame.languages),
        "reference": frame.reference,
        "rates": {
            language: _rates(answers, frame.labels, measured=language not in unmeasured)
            for language, answers in by_language.items()
        },
        "topics": _topics(by_language, unmeasured),
        "contrasts": contrasts,
        "headline": headlines.names[0] if headlines.names else None,
        "headlines": list(headlines.names),
        "instability": _instability(
            repeated or [one for one in first if one.answered.drawn],
            [language for language in frame.languages if language not in unmeasured],
        ),
        "flags": {language: _counts(flag for one in answers for flag in one.flags)
                  for language, answers in by_language.items()},
        "transport": {language: _counts(one.answered.outcome for one in answers)
                      for language, answers in by_language.items()},
        "detector": detector,
        "unsure": {language: sum(one.judgement.unsure for one in answers)
                   for language, answers in by_language.items()},
        "labelled": {language: sum(one.answered.key in frame.labels for one in answers)
                     for language, answers in by_language.items()} if frame.labels else {},
        "judge": frame.judge,
        "sampling": frame.sampling,
        "calls": frame.calls,
        "notes": [
            *headlines.notes,
            *([_UNCORRECTED] if headlines.names and frame.labels else []),
            *frame.notes,
            *([_STOPPED] if frame.stopped else []),
            *(_unmeasured(one) for one in unmeasured),
        ],
        "items": [_item(one) for one in (*first, *repeated)],
    }  # fmt: skip


def _unmeasured(language: str) -> str:
    """Say why a language has counts only."""
    if language == UNKNOWN:
        return f"{language}: the language of these questions is not known: counts only; name it in a column `language`"
    return (
        f"{language}: nobody has measured the detector in this language: counts only; "
        f"label some {_LABELS_WANTED} answers"
    )


def _rates(answers: Sequence[Judged], labels: Mapping[str, HandLabel], *, measured: bool) -> dict[str, Any]:
    """Return the rates of one language by group of items."""
    found = {}
    for group, members in groups_of(answers).items():
        if group == ALL and is_mixed(members):
            found[group] = rate_body(members, told=("narrative",) if measured else ())
        else:
            found[group] = rate_body(members, corrected_rates(members, labels), told=OUTCOMES if measured else ())
    return found


def _counts(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))


def _by_language(answers: Iterable[Judged], languages: Sequence[str]) -> dict[str, list[Judged]]:
    """Return the answers of each of these languages, in one pass."""
    found: dict[str, list[Judged]] = {language: [] for language in languages}
    for one in answers:
        if one.answered.language in found:
            found[one.answered.language].append(one)
    return found


def _topics(by_language: Mapping[str, Sequence[Judged]], unmeasured: Collection[str]) -> dict[str, Any]:
    """Return topic by language: items, how many were avoided, and the share by partial pooling over the topics."""
    found: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for language, answers in by_language.items():
        spoken = [one for one in answers if one.answered.subject.topic]
        avoided, narrative = (means_of(spoken, outcome).get(language, {}) for outcome in ("avoided", "narrative"))
        topics: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for one in spoken:
            topics[one.answered.subject.topic][one.answered.subject.id] = None
        known = {
            topic: [mean for item in ids if (mean := avoided.get(item)) is not None] for topic, ids in topics.items()
        }
        pooled = pooled_rates({topic: (sum(means), len(means)) for topic, means in known.items() if means})
        for topic, means in known.items():
            share = pooled.get(topic) if language not in unmeasured else None
            found[topic][language] = {
                "items": len(means),
                "avoided": sum(means),
                "narrative": sum((narrative.get(item) or 0) > 0 for item in topics[topic]),
                "pooled": share.to_json() if share else None,
            }
    return dict(found)


def _instability(answers: Sequence[Judged], languages: Sequence[str]) -> dict[str, Any]:
    """Return the share of repeated items whose behaviour changes between draws, by language."""
    found = {}
    for language, spoken in _by_language(answers, languages).items():
        labels = {
            (one.answered.subject.id, language, one.answered.draw): one.behaviour if is_valid(one) else None
            for one in spoken
        }
        if (flipped := instability(labels).flipped) is not None:
            found[language] = flipped.to_json()
    return found


def _item(one: Judged) -> dict[str, Any]:
    """Return one answer (the shape of `AnswerBody`)."""
    answered, judgement = one.answered, one.judgement
    subject = answered.subject
    return {
        "id": subject.id,
        "language": answered.language,
        "draw": answered.draw,
        "group": subject.kind,
        "topic": subject.topic,
        "about": subject.about,
        "form": subject.form,
        "outcome": answered.outcome,
        "behaviour": one.behaviour,
        "unsure": judgement.unsure,
        "score": judgement.score,
        "flags": sorted(one.flags),
        "decided_by": one.by,
        "question": answered.question[:MOST_SHOWN],
        "said": answered.text[:MOST_SHOWN],
        "marked": judgement.span[:_MAX_MARKED],
        "key": answered.key,
        "completion": answered.recipe,
        "answer": answered.digest,
    }
