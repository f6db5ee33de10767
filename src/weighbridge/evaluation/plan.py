"""Plans: which requests a suite makes of an engine, and the recipe each answer is kept under."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from weighbridge.core.digest import digest_of
from weighbridge.engine.protocol import Request
from weighbridge.errors import SuiteError
from weighbridge.evaluation.item import LETTERS
from weighbridge.evaluation.latency import machine

if TYPE_CHECKING:
    from weighbridge.engine.protocol import EngineIdentity, Form
    from weighbridge.evaluation.suite import Item, Suite

__all__ = ["Asked", "Plan", "Reading", "forms_of", "make_plan"]

Reading = Literal["distribution", "constrained", "generated"]

_TOP_LOGPROBS = 20  # the most that vLLM and the OpenAI API give
_DRAWS_APART = 1 << 32  # samples of one draw never meet those of another day's, and the first one is the draw itself
_THINKING_TOKENS = 4096  # where a suite does not say
_LETTER_TOKENS, _WORDED_TOKENS = 4, 32  # of a letter under a grammar, of a letter said in a sentence


@dataclass(frozen=True, slots=True)
class Asked:
    """How a suite is asked, beside its own words.

    `limit` spreads fewer items evenly over the suite, so that every group is asked; another `draw` asks the same
    questions anew. `reasons` says that the model writes reasoning first: it gets the suite's `thinking_tokens` on top,
    and is told not to where a letter is read off or forced. `reading` is how a choice is read: off one distribution,
    or where an engine gives none, from an answer forced into a letter, or from one that is written.
    """

    limit: int | None = None
    draw: int = 0
    reasons: bool = False
    reading: Reading = "distribution"


@dataclass(frozen=True, slots=True)
class Plan:
    """Items, their requests and their recipes, in the order they are asked: what shares a prefix stands together.

    A suite of several samples has a row each, `samples` counts them. `prefixes` numbers the shared beginnings (few-shot
    examples, a prefix); -1 is a request that shares nothing. `heads` are the first rows of each: asked before the
    others of their prefix, they fill the server's cache.
    """

    suite: Suite
    form: Form
    items: tuple[Item, ...]
    requests: tuple[Request, ...]
    recipes: tuple[str, ...]
    machine: str | None = None
    samples: tuple[int, ...] = ()
    prefixes: tuple[int, ...] = ()
    asked: Asked = Asked()

    @property
    def digest(self) -> str:
        """Digest of what is asked, whatever the draw: an input of the evidence that comes of it."""
        ids = [item.id for item in self.items]
        how = {"reading": self.reading, "reasons": self.asked.reasons}
        unusual = how if self.reading != "distribution" or self.asked.reasons else {}
        return digest_of(
            {"suite": self.suite.digest, "form": self.form, "items": ids, "machine": self.machine, **unusual}
        )

    @property
    def reading(self) -> Reading:
        """How a choice is read; "distribution" also where there is nothing to choose."""
        return self.asked.reading if self.suite.reads_distribution else "distribution"

    @property
    def generates(self) -> bool:
        """Whether answers are written token by token, not read off one distribution."""
        return not (self.requests and self.requests[0].top_logprobs)

    @property
    def heads(self) -> tuple[int, ...]:
        """The first row of each shared prefix, in the order of the plan."""
        first: dict[int, int] = {}
        for index, prefix in enumerate(self.prefixes):
            if prefix >= 0:
                first.setdefault(prefix, index)
        return tuple(first.values())


def forms_of(suite: Suite) -> tuple[Form, ...]:
    """Return the suite's prompt forms, the preferred one first.

    Unless the suite says otherwise that is the raw completion, which keeps a shared prefix cached.
    """
    return tuple(cast("Form", form) for form in suite.forms)


def make_plan(
    suite: Suite,
    subject: str,
    engine: EngineIdentity,
    form: Form,
    *,
    limit: int | None = None,
    draw: int = 0,
    asked: Asked | None = None,
) -> Plan:
    """Lay out the requests; `asked` says more than `limit` and `draw` do, and stands for both.

    A multiple-choice suite of one token reads the first token's distribution: one request a question. Raises
    SuiteError for a form that cannot carry what the suite's items need.
    """
    how = asked or Asked(limit, draw)
    items = suite.items
    if how.limit is not None and how.limit < len(items):
        items = tuple(items[index * len(items) // how.limit] for index in range(how.limit))
    numbers: dict[tuple[str, ...], int] = {}
    keys = [suite.prefix_of(item) for item in items]
    prefixes = [numbers.setdefault(key, len(numbers)) if key else -1 for key in keys]
    if form == "completion" and any("tools" in item.data for item in items):
        raise SuiteError(f"`{suite.name}` offers tools, which only a chat can call")
    times_answers = suite.measures == "latency/v1"
    where = machine() if times_answers else None  # a latency belongs to the machine that measured it
    rows = [(item, sample) for item in items for sample in range(suite.generation.samples)]
    requests = tuple(_request(suite, item, form, sample, how) for item, sample in rows)
    shared = {"subject": subject, "engine": engine.digest} | ({"machine": where} if where else {})
    recipes = tuple(digest_of({**shared, "request": request.to_json()}) for request in requests)
    return Plan(
        suite,
        form,
        tuple(item for item, _ in rows),
        requests,
        recipes,
        where,
        tuple(sample for _, sample in rows),
        tuple(prefix for prefix in prefixes for _ in range(suite.generation.samples)),
        how,
    )


def _request(suite: Suite, item: Item, form: Form, sample: int, how: Asked) -> Request:
    """Write one request; fields that a suite does not use stay out of its recipe."""
    drawn, is_read = suite.generation, suite.reads_distribution
    tokens, thinking = suite.max_tokens, drawn.thinking
    if is_read and how.reading != "distribution":
        tokens = _LETTER_TOKENS if how.reading == "constrained" else _WORDED_TOKENS
    if how.reasons and is_read and how.reading != "generated":
        thinking = False  # the first token would open the reasoning
    elif how.reasons and thinking is not False:
        tokens += drawn.thinking_tokens or _THINKING_TOKENS
    return Request(
        form,
        suite.prompt(item, form),
        tokens,
        system=suite.instruction(item, form),
        temperature=drawn.temperature,
        top_logprobs=_TOP_LOGPROBS if is_read and how.reading == "distribution" else 0,
        stream=suite.measures == "latency/v1",
        draw=how.draw + sample * _DRAWS_APART,
        turns=suite.turns(item, form),
        stop=tuple(drawn.stop) if form == "completion" else (),
        seed=None if drawn.seed is None else drawn.seed + sample,
        top_p=drawn.top_p,
        tools=json.dumps(item.data["tools"], ensure_ascii=False) if "tools" in item.data else "",
        schema=json.dumps(item.data.get("schema"), ensure_ascii=False) if drawn.constrain == "schema" else "",
        choices=tuple(LETTERS[: len(item.choices)]) if is_read and how.reading == "constrained" else (),
        thinking=thinking if form == "chat" else None,
    )
