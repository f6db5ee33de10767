"""Alarms as the evidence store has them, and the answers that people gave."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import AlarmAnswerV1, AlarmV1
from weighbridge.errors import UsageError
from weighbridge.pilot.alarm.statements import ALARM, seen_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.store.protocol import Store

__all__ = ["Alarm", "answer_alarm", "read_alarms"]

ANSWER = "alarm-answer/v1"
_Form = TypeVar("_Form", AlarmV1, AlarmAnswerV1)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm: `id` is its statement's, `notice` what the pilot's journal calls it; answered or open.

    Times are RFC 3339. `because` and `answered_at` are "" while it is open.
    """

    id: str
    subject: str
    notice: str
    route: str
    event: str
    decision: str
    why: str
    facts: Mapping[str, Any]
    seen_at: str
    because: str = ""
    answered_at: str = ""

    @property
    def is_open(self) -> bool:
        """Whether nobody has answered it."""
        return not self.answered_at

    def to_json(self) -> dict[str, Any]:
        """Return the alarm as JSON values."""
        return {**asdict(self), "facts": dict(self.facts), "is_open": self.is_open}


def read_alarms(store: Store) -> tuple[Alarm, ...]:
    """Return all alarms, the newest first; what cannot be read is passed over: a store may hold what others wrote."""
    answers: dict[str, AlarmAnswerV1] = {}
    for one in store.select(kind=ANSWER):
        answer = _body(one, AlarmAnswerV1)
        if answer is not None:
            answers.setdefault(answer.alarm, answer)
    found = (_alarm(one, answers.get(one.id)) for one in store.select(kind=ALARM))
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.seen_at, reverse=True))


def answer_alarm(store: Store, alarm: Alarm, because: str, at: float) -> Alarm:
    """State what was found out about an alarm, and return it as answered; raises UsageError where it was before."""
    if not alarm.is_open:
        raise UsageError(f"it was answered on {alarm.answered_at}", hint="`weighbridge pilot alarms --all`")
    if not because.strip():
        raise UsageError("an answer says what was found out", hint="`--because TEXT`")
    body = AlarmAnswerV1(alarm=alarm.id, because=because.strip(), answered_at=seen_at(at))
    day = datetime.fromtimestamp(at, UTC).date()
    store.add(Evidence(alarm.subject, ANSWER, body.model_dump(), (alarm.id,), OURS, day))
    return next(one for one in read_alarms(store) if one.id == alarm.id)


def _alarm(statement: Evidence, answer: AlarmAnswerV1 | None) -> Alarm | None:
    body = _body(statement, AlarmV1)
    if body is None:
        return None
    because, answered_at = (answer.because, answer.answered_at) if answer else ("", "")
    return Alarm(statement.id, statement.subject, **body.model_dump(), because=because, answered_at=answered_at)


def _body(statement: Evidence, form: type[_Form]) -> _Form | None:
    try:
        return form.model_validate(statement.body)
    except ValidationError:
        return None
