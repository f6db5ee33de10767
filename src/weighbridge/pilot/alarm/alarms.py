"""Alarms as the evidence store has them, and the answers that people gave."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import AlarmAnswerV1, AlarmV1
from weighbridge.errors import NotFound, UsageError
from weighbridge.pilot.alarm.statements import ALARM, seen_at
from weighbridge.pilot.journal.order import give_order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from weighbridge.pilot.state.protocol import PilotState
    from weighbridge.store.protocol import Store

__all__ = ["Alarm", "answer_alarm", "answer_room", "read_alarms"]

_ANSWER = "alarm-answer/v1"
_Form = TypeVar("_Form", AlarmV1, AlarmAnswerV1)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm or warning: `id` is its statement's, `notice` what the pilot's journal calls it; answered or open.

    Times are RFC 3339. `because`, `by` and `answered_at` are "" while it is open.
    """

    id: str
    subject: str
    notice: str
    route: str
    severity: str
    event: str
    decision: str
    why: str
    facts: Mapping[str, Any]
    seen_at: str
    because: str = ""
    by: str = ""
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
    for one in store.select(kind=_ANSWER):
        answer = _body(one, AlarmAnswerV1)
        if answer is not None:
            answers.setdefault(answer.alarm, answer)
    found = (_alarm(one, answers.get(one.id)) for one in store.select(kind=ALARM))
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.seen_at, reverse=True))


def answer_alarm(store: Store, state: PilotState, wanted: str, because: str, by: str, at: float) -> Alarm:
    """State what was found out about the alarm whose id begins so, tell its monitor, and return it as answered.

    The monitor begins anew, within two seconds on running gateways, whose audit log notes the answer. `by` is who says
    it, `at` when (seconds since 1970). Raises NotFound, and UsageError where it was answered before or nothing is said.
    """
    alarm = _named(read_alarms(store), wanted)
    because = because.strip()
    if not alarm.is_open:
        raise UsageError(f"it was answered on {alarm.answered_at}", hint="`weighbridge pilot alarms --all`")
    if not because:
        raise UsageError("an answer says what was found out", hint="`--because TEXT`")
    order = {"to": _room(alarm), "do": "acknowledge", "alarm": alarm.notice, "by": by, "because": because}
    give_order(state, alarm.route, order, lambda: at)
    return _state_answer(store, state, alarm, order, at)


def answer_room(store: Store, state: PilotState, route: str, order: Mapping[str, str], at: float) -> tuple[Alarm, ...]:
    """Give one order to a room of a route (`to`, `do`, `by`, `because`), and answer all its open alarms with it."""
    give_order(state, route, order, lambda: at)
    meant = [one for one in read_alarms(store) if one.is_open and (one.route, _room(one)) == (route, order["to"])]
    return tuple(_state_answer(store, state, one, {**order, "alarm": one.notice}, at) for one in meant)


def _room(alarm: Alarm) -> str:
    """Return the room that raised an alarm, which orders are addressed to."""
    return alarm.notice.partition("/")[0]


def _state_answer(store: Store, state: PilotState, alarm: Alarm, order: Mapping[str, str], at: float) -> Alarm:
    """Note an answer for the audit log, state it, and return the alarm as answered."""
    because, by = order["because"], order["by"]
    with state.changing_keys() as book:
        book.note("alarm.answered", {**order, "statement": alarm.id})
    body = AlarmAnswerV1(alarm=alarm.id, because=because, by=by, answered_at=seen_at(at))
    day = datetime.fromtimestamp(at, UTC).date()
    store.add(Evidence(alarm.subject, _ANSWER, body.model_dump(), (alarm.id,), OURS, day))
    return replace(alarm, because=because, by=by, answered_at=body.answered_at)


def _named(alarms: Sequence[Alarm], wanted: str) -> Alarm:
    """Return the alarm whose id begins so; raises NotFound or UsageError."""
    prefix = f"sha256:{wanted.removeprefix('sha256:')}"
    found = [one for one in alarms if one.id.startswith(prefix)]
    if not found:
        raise NotFound(f"there is no alarm `{wanted:.80}`", hint="`weighbridge pilot alarms --all`")
    if len(found) > 1:
        raise UsageError(f"{len(found)} alarms begin with `{wanted:.80}`", hint="give more digits")
    return found[0]


def _alarm(statement: Evidence, answer: AlarmAnswerV1 | None) -> Alarm | None:
    body = _body(statement, AlarmV1)
    if body is None:
        return None
    alarm = Alarm(statement.id, statement.subject, **body.model_dump())
    if answer is None:
        return alarm
    return replace(alarm, because=answer.because, by=answer.by, answered_at=answer.answered_at)


def _body(statement: Evidence, form: type[_Form]) -> _Form | None:
    try:
        return form.model_validate(statement.body)
    except ValidationError:
        return None
