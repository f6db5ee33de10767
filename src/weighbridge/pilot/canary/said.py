"""What is told of a canary's steps: a code, the facts that words are made of, and the sentence in English."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from weighbridge.pilot.canary.jury import OTHERS
from weighbridge.pilot.canary.quality import QUALITY
from weighbridge.pilot.words import told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.pilot.canary.trial import Event, Trial

__all__ = ["Said", "said_of"]


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence in English, who ordered it, and the code and facts that words are made of."""

    why: str = ""
    by: str = ""
    code: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def said_of(trial: Trial, event: Event, by: str = "", because: str = "") -> Said:
    """Return what is told of something that is due; an operator's order comes with who gave it, and why."""
    facts: dict[str, Any] = {"step": trial.step, "share": trial.share, "by": by}
    if event == "canary.stopped":
        facts |= {"because": because}
    elif event == "canary.key_set_apart":
        key = trial.jury.doubtful(1 / trial.terms.alpha)
        facts |= {"key": "" if key is None or key.startswith(OTHERS) else key}
    elif event == "canary.rolled_back":
        facts |= {"sign": trial.worst, "alpha": trial.terms.alpha, "recent": None, "judged": None}
        if trial.worst == QUALITY:
            facts["judged"] = _judged(trial)
        else:
            place = list(trial.harm).index(trial.worst) + 1
            facts["recent"] = {arm: [counts[place], counts[0]] for arm, counts in trial.jury.whole.recent.items()}
    else:
        facts |= {"steps": len(trial.terms.steps), "answers": trial.seen["canary"][0], "margin": trial.terms.margin}
        facts |= {"judged": _judged(trial) if trial.quality.is_looked_at else None}
    return Said(told(event, facts), by, event, facts)


def _judged(trial: Trial) -> dict[str, Any] | None:
    """Return the share of the candidate's answers that is the worse one, in the judge's eyes."""
    worse = trial.quality.worse()
    return None if worse is None else worse[1].to_json()  # without a pair nothing of it is due
