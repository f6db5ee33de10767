"""From completions to marks: every item ends right, wrong, with a behaviour, or unscored for a reason."""

from __future__ import annotations

import importlib
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from weighbridge import plugin
from weighbridge.core.digest import digest_of
from weighbridge.core.progress import silent
from weighbridge.engine.protocol import STORED, Outcome
from weighbridge.evaluation.suite import Score, Unscored
from weighbridge.evaluation.thinking import Answer, answer_part

if TYPE_CHECKING:
    from weighbridge.core.progress import Progress
    from weighbridge.engine.protocol import Completion, EngineIdentity
    from weighbridge.evaluation.plan import Plan
    from weighbridge.evaluation.run.session import Run
    from weighbridge.evaluation.suite import Item, Suite

__all__ = [
    "Mark",
    "Marker",
    "Scorer",
    "answer_digest",
    "bounds",
    "calibration_of",
    "common_body",
    "item_bodies",
    "mark_all",
    "notes_on",
    "prepare_scorer",
    "said_of",
    "scorer_digest",
    "suite_body",
    "unscored_counts",
]

_MAX_SAID = 400
_LEAST_SAID = 20
_ROOM_BYTES = 20 << 20  # for excerpts in a record of at most 64 MiB, of which 100,000 items take 40 without them
_TEXTS_AN_ITEM, _BYTES_A_CHARACTER = 3, 3  # question, answer, what was marked; three bytes are a Chinese character's
_MARKED = frozenset({Outcome.ANSWERED, Outcome.TRUNCATED})
_CUT = "truncated"
_CUT_THINKING = "truncated while thinking"
_NO_ANSWER = "empty after thinking"


class Scorer(Protocol):
    """Marks one answer; pure, and raises for no answer."""

    def __call__(self, item: Item, completion: Completion, /) -> Score | Unscored:
        """Return the mark."""
        ...


_NOTHING = Answer("")


@dataclass(frozen=True, slots=True)
class Mark:
    """One item with its completion, its mark, and the answer that was marked: without reasoning."""

    item: Item
    completion: Completion
    recipe: str
    mark: Score | Unscored
    answer: Answer = _NOTHING

    @property
    def label(self) -> str:
        """The mark in one word, or `unscored: <reason>`."""
        return self.mark.label if isinstance(self.mark, Score) else f"unscored: {self.mark.reason}"


def mark_all(plan: Plan, run: Run) -> list[Mark]:
    """Mark every item with the suite's scorer, which sees the answer without the reasoning before it.

    A scorer that fails gives a record of the failure. A distribution is marked as it is: it is of the first token.
    """
    scorer: Scorer = plugin.load("scorers", plan.suite.scorer)
    answers = [Answer(one.text) if one.top_logprobs else answer_part(one) for one in run.completions]
    whole = sum(one.outcome is Outcome.ANSWERED for one in run.completions)
    prefilled = 2 * sum(answer.prefilled for answer in answers) > whole  # one alone may only speak of the mark
    rows = zip(plan.items, run.completions, plan.recipes, answers, strict=True)
    return [
        Mark(item, completion, recipe, _mark(scorer, item, completion, answer, prefilled=prefilled), answer)
        for item, completion, recipe, answer in rows
    ]


@dataclass(slots=True)
class Marker:
    """Marks answers one by one, as they come, as `mark_all` does when all are there."""

    scorer: Scorer
    _prefilled: bool = False

    @classmethod
    def of(cls, suite: Suite) -> Marker:
        """Load the suite's scorer."""
        return cls(plugin.load("scorers", suite.scorer))

    def mark(self, item: Item, completion: Completion, recipe: str) -> Mark:
        """Mark one answer; an answer that closes reasoning it did not open tells of all that follow."""
        answer = Answer(completion.text) if completion.top_logprobs else answer_part(completion)
        self._prefilled = self._prefilled or answer.prefilled
        mark = _mark(self.scorer, item, completion, answer, prefilled=self._prefilled)
        return Mark(item, completion, recipe, mark, answer)


def _mark(scorer: Scorer, item: Item, completion: Completion, answer: Answer, *, prefilled: bool) -> Score | Unscored:
    """Mark one answer.

    `prefilled` says that the template opens this model's reasoning: a cut text without a closing mark is reasoning.
    """
    cut = completion.outcome is Outcome.TRUNCATED
    if cut and (answer.open or (prefilled and not answer.style and not completion.top_logprobs)):
        return Unscored(_CUT_THINKING)
    called = bool(completion.tool_calls)
    if answer.style and not cut and not called and not answer.text.strip():
        return Unscored(_NO_ANSWER)
    if completion.outcome not in _MARKED and not (called and completion.outcome is Outcome.EMPTY):
        return Unscored(completion.outcome.value)
    try:
        return scorer(item, replace(completion, text=answer.text) if answer.style else completion)
    except Exception as error:  # noqa: BLE001 - a foreign scorer must not end the run
        return Unscored(f"the scorer failed: {type(error).__name__}")


def bounds(marks: list[Mark]) -> dict[str, float | None]:
    """Return the share right of all questions if everything unscored were wrong (`worst`), or right (`best`)."""
    if not marks:
        return {"worst": None, "best": None}
    right = sum(isinstance(mark.mark, Score) and mark.mark.label == "right" for mark in marks)
    unscored = sum(isinstance(mark.mark, Unscored) for mark in marks)
    return {"worst": right / len(marks), "best": (right + unscored) / len(marks)}


def notes_on(marks: list[Mark]) -> list[str]:
    """Return warnings: how many answers the token budget cut, and what to do; [] where it cut none."""
    counts = unscored_counts(marks)
    advice = {
        _CUT_THINKING: "were cut while the model was thinking: raise the token budget, or switch thinking off",
        _NO_ANSWER: "ended after the model had thought, without an answer",
        _CUT: "were cut before they could be marked: raise the token budget",
    }
    return [f"{counts[why]:,} of {len(marks):,} answers {what}" for why, what in advice.items() if counts.get(why)]


def prepare_scorer(suite: Suite, progress: Progress = silent) -> None:
    """Let the scorer make ready what these items need (`ready(items, progress)` of its module), before any call.

    Raises what the scorer raises: SandboxUnavailable where programs can be run nowhere.
    """
    if not suite.scorer:
        return
    prepare = getattr(importlib.import_module(plugin.load("scorers", suite.scorer).__module__), "ready", None)
    if prepare is not None:
        prepare(suite.items, progress)


def scorer_digest(suite: Suite) -> str:
    """Return the digest of who marks: another version of a scorer marks the stored answers anew."""
    point = plugin.find("scorers").get(suite.scorer)
    package = point.dist if point else None
    return digest_of(
        {
            "scorer": suite.scorer,
            "package": package.name if package else None,
            "version": package.version if package else None,
        }
    )


def calibration_of(suite: Suite) -> str:
    """Return what the scorer's module says of its own accuracy in the suite's language (`calibration(language)`)."""
    scorer = plugin.load("scorers", suite.scorer)
    measured = getattr(importlib.import_module(scorer.__module__), "calibration", None)
    said = measured(suite.language) if measured else None
    return str(said) if said else "not measured in this language"


def item_bodies(marks: list[Mark]) -> list[dict[str, Any]]:
    """Return the items as they stand in evidence (the shape of `ItemBody`); of many, shorter excerpts."""
    most = excerpt_of(len(marks))
    return [
        {
            "id": mark.item.id,
            "outcome": mark.completion.outcome.value,
            "mark": mark.label,
            "question": mark.item.question[:most],
            "said": said_of(mark)[:most],
            "marked": mark.mark.said[:most] if isinstance(mark.mark, Score) else "",
            "expected": mark.item.answer,
            "group": mark.item.group,
            "completion": mark.recipe,
            "answer": answer_digest(mark.completion),
            **({"thinking": mark.answer.thinking} if mark.answer.thinking else {}),
        }
        for mark in marks
    ]


def excerpt_of(n_items: int) -> int:
    """Return how many characters of a question and of its answer a record of so many items has room for."""
    return max(_LEAST_SAID, min(_MAX_SAID, _ROOM_BYTES // (_TEXTS_AN_ITEM * _BYTES_A_CHARACTER * max(1, n_items))))


def said_of(mark: Mark) -> str:
    """Return the letter read off a distribution, else what was said, else why nothing was said; bounded."""
    letter = mark.mark.said if mark.completion.top_logprobs and isinstance(mark.mark, Score) else ""
    return (letter or mark.answer.text or mark.completion.text or mark.completion.detail)[:_MAX_SAID]


def answer_digest(completion: Completion) -> str | None:
    """Return the digest that ties evidence to the stored completion, or None where nothing is stored."""
    return digest_of(completion.to_json()) if completion.outcome in STORED else None


def unscored_counts(marks: list[Mark]) -> dict[str, int]:
    """Return how many items could not be marked, by reason."""
    return dict(sorted(Counter(mark.mark.reason for mark in marks if isinstance(mark.mark, Unscored)).items()))


def suite_body(suite: Suite) -> dict[str, Any]:
    """Return what evidence says about the suite (the shape of `SuiteBody`)."""
    return {
        "name": suite.name,
        "version": suite.version,
        "digest": suite.digest,
        "language": suite.language,
        "licence": suite.licence,
        "source": suite.source,
        "size": len(suite.items),
    }


def _calls_body(run: Run) -> dict[str, Any]:
    """Return what a run cost and how complete it is (the shape of `CallsBody`)."""
    asked = len(run.completions)
    return {
        "asked": asked,
        "calls": run.calls,
        "reused": run.reused,
        "failed": run.failed,
        "coverage": (asked - run.failed) / asked if asked else 0.0,
        **run.cost_json(),
    }


def common_body(plan: Plan, run: Run, engine: EngineIdentity) -> dict[str, Any]:
    """Return what every kind of evidence from a run says first."""
    return {
        "suite": suite_body(plan.suite),
        "engine": engine.to_json(),
        "form": plan.form,
        "calls": _calls_body(run),
    }
