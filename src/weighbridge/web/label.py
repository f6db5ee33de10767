"""The page where people label answers: blind, on this machine only, with keys, and without script as well.

One answer at a time with its question: never the model's name, never what the detector says. Answers are a stranger's
text: escaped, bounded, hidden characters spelled out, and under a policy that lets nothing in them run or load.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse
from starlette.routing import Route

from weighbridge.core.kinds import LabelsV1
from weighbridge.errors import StoreDamaged, UsageError
from weighbridge.evaluation.arena.votes import voter_name
from weighbridge.evaluation.labels.answers import kept
from weighbridge.evaluation.labels.log import CHOICES, LabelLog
from weighbridge.web.booth import SEE_OTHER, booth_app, booth_page, turn_of
from weighbridge.web.form import read_form

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

    from weighbridge.evaluation.labels.sample import Sample
    from weighbridge.store.protocol import Store
    from weighbridge.web.form import Form

__all__ = ["create_label_app"]

_NOTES = {
    "again": "That answer had your label already: nothing was counted twice.",
    "undone": "Your last label was taken back. Here is the answer again.",
    "nothing": "There was nothing to take back.",
    "closed": "That page was out of date. Here is the next answer.",
}


class _Desk:
    """One sample and its labels; one request at a time changes them."""

    def __init__(self, sample: Sample, store: Store, today: Callable[[], date]) -> None:
        self.sample = sample
        self._store = store
        self._today = today
        self._answers = {answer.digest: answer for answer in sample.body.answers}
        self._lock = threading.Lock()

    def start(self) -> dict[str, Any]:
        """Return what the first page shows."""
        with self._lock:
            languages = {name: stratum.drawn for name, stratum in self.sample.body.languages.items()}
            return {"people": self._log().people(), "languages": languages, "answers": len(self._answers)}

    def language(self, text: str) -> str:
        """Return a language of the sample, or "" for all; raises UsageError for another."""
        if text and text not in self.sample.body.languages:
            raise UsageError("no answer in that language was drawn", hint="choose one on the first page")
        return text

    def show(self, who: str, language: str) -> dict[str, Any]:
        """Return the next answer for a person to label, or that nothing is left."""
        with self._lock:
            log, drawn = self._log(), self.sample.drawn(language)
            left = [answer for answer in drawn if log.find_drawn(who, answer.digest) is None]
            facts = {"who": who, "language": language, "done": len(drawn) - len(left), "all": len(drawn),
                     "turn": log.turn(who), "answer": left[0] if left else None}  # fmt: skip
            if left:
                digest = left[0].digest
                texts = kept([digest], self._store)
                if digest not in texts:
                    raise StoreDamaged(f"the text of the answer `{digest}` is missing")
                facts["question"], facts["said"] = texts[digest]
            return facts

    def label(self, who: str, digest: str, turn: int, behaviour: str, *, narrative: bool) -> str:
        """Write a label of the answer that is next in its language; return the key of a note, "" if all went as asked.

        Who could choose what to label would not label a random sample.
        """
        with self._lock:
            log, answer = self._log(), self._answers.get(digest)
            if answer is None:
                return "closed"
            if log.find_drawn(who, digest) is not None:
                return "again"
            drawn = self.sample.drawn(answer.language)
            following = next(one.digest for one in drawn if log.find_drawn(who, one.digest) is None)
            if turn != log.turn(who) or digest != following:
                return "closed"
            act = LabelsV1(
                who=who, language=answer.language, item=answer.id,
                behaviour=behaviour,  # type: ignore[arg-type]  # one of CHOICES, as `_choice` saw to
                narrative=None if behaviour == "skip" else narrative, turn=turn, population=self.sample.population,
                drawn_with=self.sample.chance(answer.language),
            )  # fmt: skip
            log.cast(act, digest, self._today(), self.sample.id)
            stands = self._log().find_drawn(who, digest)  # another server may have written in between
            return "" if stands is not None and stands.act == act else "again"

    def undo(self, who: str, turn: int, language: str) -> str:
        """Take the person's last label back; return the key of a note."""
        with self._lock:
            return "undone" if self._log().undo(who, turn, self.sample, language, self._today()) else "nothing"

    def _log(self) -> LabelLog:
        """Return the acts as the store has them now: another server may be at work on it."""
        return LabelLog.read(self._store)


def create_label_app(sample: Sample, store: Store, today: Callable[[], date], who: str = "") -> Starlette:
    """Return the application over one sample; every label is in the store before its answer is sent.

    `who` stands in the field for the name when the page opens.
    """
    desk = _Desk(sample, store, today)

    async def start(_request: Request) -> Response:
        """Ask who labels, and in which language."""
        return booth_page("label_start", await run_in_threadpool(desk.start) | {"who": who})

    async def show(request: Request) -> Response:
        """Show the next answer."""
        asked = request.query_params
        person, language = voter_name(asked.get("who", "")), desk.language(asked.get("language", ""))
        facts = await run_in_threadpool(desk.show, person, language)
        note = _NOTES.get(asked.get("note", ""), "")
        return booth_page("label" if facts["answer"] else "label_end", facts | {"note": note})

    async def label(request: Request) -> Response:
        """Take a label, and go on to the next answer: a reload sends nothing again."""
        form = await read_form(request)
        person, language, behaviour = _person(form), desk.language(form.one("language")), _choice(form)
        note = await run_in_threadpool(
            lambda: desk.label(
                person, form.one("answer"), turn_of(form), behaviour, narrative=bool(form.one("narrative"))
            )
        )
        return _next(person, language, note)

    async def undo(request: Request) -> Response:
        """Take the last label back."""
        form = await read_form(request)
        person, language = _person(form), desk.language(form.one("language"))
        return _next(person, language, await run_in_threadpool(desk.undo, person, turn_of(form), language))

    return booth_app(
        [
            Route("/", start),
            Route("/label", show, methods=["GET"]),
            Route("/label", label, methods=["POST"]),
            Route("/undo", undo, methods=["POST"]),
        ]
    )


def _person(form: Form) -> str:
    """Return who sent a form."""
    return voter_name(form.one("who"))


def _choice(form: Form) -> str:
    """Return the behaviour that a form names; raises UsageError for none."""
    choice = form.one("choice")
    if choice not in CHOICES:
        raise UsageError("that is no label", hint="use the buttons of the page")
    return choice


def _next(who: str, language: str, note: str) -> Response:
    """Send the browser to the next answer."""
    asked = {"who": who, "language": language, "note": note}
    return RedirectResponse(f"/label?{urlencode({key: value for key, value in asked.items() if value})}", SEE_OTHER)
