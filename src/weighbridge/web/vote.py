"""The page where people vote: blind, on this machine only, with keys, and without script as well.

A pair is named by a ticket that tells nothing of its models. Answers are a stranger's text: escaped, bounded, hidden
characters spelled out, and under a policy that lets nothing in them run or load.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse
from starlette.routing import Route

from weighbridge.errors import UsageError
from weighbridge.evaluation.arena.ballot import read_answers
from weighbridge.evaluation.arena.draw import find_ticket, next_draw
from weighbridge.evaluation.arena.votes import CHOICES, VoteLog, voter_name
from weighbridge.web.booth import SEE_OTHER, booth_app, booth_page, turn_of
from weighbridge.web.form import read_form

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

    from weighbridge.evaluation.arena.ballot import Ballot
    from weighbridge.evaluation.arena.votes import Draw
    from weighbridge.store.protocol import Store

__all__ = ["create_vote_app"]

_MOST_OPEN = 10_000
_NOTES = {
    "again": "These two answers had your vote already: nothing was counted twice.",
    "undone": "Your last vote was taken back. Here is the pair again.",
    "nothing": "There was nothing to take back.",
    "closed": "That pair is not open any more. Here is the next one.",
}


class _Booth:
    """One ballot, its votes, and the pairs that are open; one request at a time changes them."""

    def __init__(self, ballot: Ballot, store: Store, today: Callable[[], date]) -> None:
        self.ballot = ballot
        self.log = VoteLog.read(ballot, store)
        self._store = store
        self._today = today
        self._open: dict[tuple[str, str], Draw] = {}
        self._lock = threading.Lock()

    def start(self) -> dict[str, Any]:
        """Return what the first page shows."""
        with self._lock:
            voters = sorted({vote.act.voter for vote in self.log.counted()})
            return {"voters": voters, "suite": self.ballot.body.suite.name, "prompts": len(self.ballot.body.prompts)}

    def show(self, voter: str) -> dict[str, Any]:
        """Return the next pair of a voter, or that nothing is left."""
        with self._lock:
            draw = next_draw(self.ballot, self.log, voter)
            done = sum(vote.act.voter == voter for vote in self.log.counted())
            shared = {"voter": voter, "done": done, "turn": self.log.turn(voter), "draw": draw}
            if draw is None:
                return shared
            while len(self._open) >= _MOST_OPEN:
                del self._open[next(iter(self._open))]
            self._open[voter, draw.ticket] = draw
            recipes = [str(self.ballot.recipe(model, draw.prompt)) for model in (draw.left, draw.right)]
            texts = read_answers(self._store, recipes)
            prompt = self.ballot.body.prompts[draw.prompt].text
            return shared | {"prompt": prompt, "left": texts[recipes[0]], "right": texts[recipes[1]]}

    def vote(self, voter: str, ticket: str, turn: int, outcome: str) -> str:
        """Write a vote; return the key of a note, "" where all went as asked."""
        with self._lock:
            draw = self._open.get((voter, ticket)) or find_ticket(self.ballot, voter, turn, ticket)
            if draw is None or draw.turn != turn:
                return "closed"
            if not self.log.cast(voter, draw, outcome, self._today()):
                return "again"
            self._open.pop((voter, ticket), None)
            return ""

    def undo(self, voter: str, turn: int) -> str:
        """Take the voter's last vote back; return the key of a note."""
        with self._lock:
            return "undone" if self.log.undo(voter, turn, self._today()) else "nothing"


def create_vote_app(ballot: Ballot, store: Store, today: Callable[[], date]) -> Starlette:
    """Return the application over one ballot; every vote is in the store before its answer is sent."""
    booth = _Booth(ballot, store, today)

    async def start(_request: Request) -> Response:
        """Ask who votes."""
        return booth_page("vote_start", await run_in_threadpool(booth.start))

    async def show(request: Request) -> Response:
        """Show the next pair."""
        voter = voter_name(request.query_params.get("voter", ""))
        note = _NOTES.get(request.query_params.get("note", ""), "")
        facts = await run_in_threadpool(booth.show, voter)
        return booth_page("vote" if facts["draw"] else "vote_end", facts | {"note": note})

    async def vote(request: Request) -> Response:
        """Take a vote, and go on to the next pair: a reload sends nothing again."""
        form = await read_form(request)
        voter, choice = voter_name(form.one("voter")), form.one("choice")
        if choice not in CHOICES:
            raise UsageError("that is no vote", hint="use the buttons of the page")
        note = await run_in_threadpool(booth.vote, voter, form.one("ticket"), turn_of(form), choice)
        return _next(voter, note)

    async def undo(request: Request) -> Response:
        """Take the last vote back."""
        form = await read_form(request)
        voter = voter_name(form.one("voter"))
        return _next(voter, await run_in_threadpool(booth.undo, voter, turn_of(form)))

    return booth_app(
        [
            Route("/", start),
            Route("/vote", show, methods=["GET"]),
            Route("/vote", vote, methods=["POST"]),
            Route("/undo", undo, methods=["POST"]),
        ]
    )


def _next(voter: str, note: str) -> Response:
    """Send the browser to the next pair."""
    asked = {"voter": voter} | ({"note": note} if note else {})
    return RedirectResponse(f"/vote?{urlencode(asked)}", SEE_OTHER)
