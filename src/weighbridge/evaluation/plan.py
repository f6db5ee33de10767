"""Plans: which requests a suite makes of an engine, and the recipe each answer is kept under."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.core.digest import digest_of
from weighbridge.engine.protocol import Request
from weighbridge.evaluation.latency import machine

if TYPE_CHECKING:
    from weighbridge.engine.protocol import EngineIdentity, Form
    from weighbridge.evaluation.suite import Item, Suite

__all__ = ["Plan", "forms_of", "make_plan"]

_TOP_LOGPROBS = 20  # the most that vLLM and the OpenAI API give


@dataclass(frozen=True, slots=True)
class Plan:
    """Items, their requests and their recipes, in the order they are asked."""

    suite: Suite
    form: Form
    items: tuple[Item, ...]
    requests: tuple[Request, ...]
    recipes: tuple[str, ...]
    machine: str | None = None

    @property
    def digest(self) -> str:
        """Digest of what is asked, whatever the draw: an input of the evidence that comes of it."""
        ids = [item.id for item in self.items]
        return digest_of({"suite": self.suite.digest, "form": self.form, "items": ids, "machine": self.machine})

    @property
    def generates(self) -> bool:
        """Whether answers are written token by token, not read off one distribution."""
        return not (self.requests and self.requests[0].top_logprobs)


def forms_of(suite: Suite) -> tuple[Form, ...]:
    """Return the suite's prompt forms, the preferred one first: the raw completion keeps a shared prefix cached."""
    known: tuple[Form, ...] = ("completion", "chat")
    return tuple(form for form in known if form in suite.forms)


def make_plan(
    suite: Suite, subject: str, engine: EngineIdentity, form: Form, *, limit: int | None = None, draw: int = 0
) -> Plan:
    """Lay out the requests; another `draw` asks the same questions anew.

    A multiple-choice suite of one token reads the first token's distribution: one request a question.
    A `limit` spreads its items evenly over the suite, so that every group is asked.
    """
    items = suite.items
    if limit is not None and limit < len(items):
        items = tuple(items[index * len(items) // limit] for index in range(limit))
    times_answers = suite.measures == "latency/v1"
    where = machine() if times_answers else None  # a latency belongs to the machine that measured it
    reads_distribution = suite.max_tokens == 1 and any(item.choices for item in items)
    requests = tuple(
        Request(
            form,
            suite.prompt(item, form),
            suite.max_tokens,
            system=suite.system,
            top_logprobs=_TOP_LOGPROBS if reads_distribution else 0,
            stream=times_answers,
            draw=draw,
        )
        for item in items
    )
    shared = {"subject": subject, "engine": engine.digest} | ({"machine": where} if where else {})
    recipes = tuple(digest_of({**shared, "request": request.to_json()}) for request in requests)
    return Plan(suite, form, items, requests, recipes, where)
