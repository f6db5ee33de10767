"""Campaigns: a model asked at one address, at several, or by several engines of our own; and what it would take."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from weighbridge.engine.fleet import Fleet
from weighbridge.errors import UsageError
from weighbridge.evaluation.cost import Price, prompt_token_span
from weighbridge.evaluation.plan import forms_of, make_plan
from weighbridge.inspection.speed.prices import prices_of
from weighbridge.workflow.evaluation.measure import choose_engine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from weighbridge.core.artefact import Artefact
    from weighbridge.engine.protocol import Engine
    from weighbridge.evaluation.run import Session
    from weighbridge.evaluation.suite import Suite
    from weighbridge.workflow.evaluation.measure import EngineChoice

__all__ = ["Forecast", "choose_engines", "forecast", "price_for"]


def choose_engines(
    artefact: Artefact, choice: EngineChoice, addresses: Sequence[str] = (), copies: int = 1
) -> Engine | str:
    """Return one engine, or a fleet: of all `addresses`, or of `copies` embedded ones; or why there is none.

    An endpoint that is itself the artefact is asked beside the addresses: they are said to serve the same model.
    """
    if copies > 1 and (addresses or artefact.is_endpoint):
        raise UsageError("copies are of the embedded engine", hint="give each server's address with `--engine`")
    if artefact.is_endpoint and addresses:
        own = choose_engine(artefact, choice)
        others = [choose_engine(_served_at(artefact, address), choice) for address in addresses]
        return _fleet([own, *others])
    if len(addresses) > 1:
        return _fleet([choose_engine(artefact, replace(choice, address=address)) for address in addresses])
    return _fleet([choose_engine(artefact, choice) for _ in range(copies)])


def _served_at(artefact: Artefact, address: str) -> Artefact:
    """Return the same endpoint at another address."""
    named = address if "#" in address else f"{address}#{artefact.name}"
    return replace(artefact, reference=type(artefact.reference).parse(named))


def _fleet(engines: list[Engine | str]) -> Engine | str:
    """Return the only engine, or all as one; the first reason where one cannot be had."""
    able: list[Engine] = []
    for engine in engines:
        if isinstance(engine, str):
            return engine
        able.append(engine)
    return able[0] if len(able) == 1 else Fleet(able)


def price_for(artefact: Artefact, given: str | None, knowledge: Path | None = None) -> Price | None:
    """Return the price given, else the list price where the model's name is in the catalogue and it is a vendor's.

    `knowledge` is the folder of a user's own tables.
    An address on this network costs its machine, not its tokens: there is no price for it unless one is given.
    """
    if given is not None:
        return Price.parse(given)
    if not artefact.is_endpoint or not artefact.reference.target.startswith("https://"):
        return None
    host = artefact.reference.target
    found = [price for price in prices_of(artefact.name, knowledge) if price.host.split("_")[0].split("-")[0] in host]
    return Price(found[0].usd_input, found[0].usd_output, source=found[0].source) if found else None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What asking one suite would take. Token counts of prompts are a span, estimated without the tokenizer.

    `price_low` and `price_high` span from the fewest prompt tokens and none written to the most of both; `seconds` is
    at the rate stated. None where no price or rate is stated.
    """

    suite: str
    questions: int
    stored: int
    max_tokens: int
    prompt_tokens_low: int
    prompt_tokens_high: int
    output_tokens_at_most: int
    price_low: float | None = None
    price_high: float | None = None
    currency: str | None = None
    seconds: float | None = None

    @property
    def calls(self) -> int:
        """Questions that are not answered in the store; retries come on top."""
        return self.questions - self.stored

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "calls": self.calls}


def forecast(
    suites: Sequence[Suite], artefact: Artefact, engine: Engine, session: Session, *, rate: float | None = None
) -> list[Forecast]:
    """Say what asking would take, suite by suite, and ask nothing; `rate` is in answers a second.

    The preferred prompt form is assumed, or the one that the store holds answers in.
    """
    rows = []
    for suite in suites:
        plans = [
            make_plan(suite, artefact.digest, engine.identity, form, limit=session.limit, draw=session.draw)
            for form in forms_of(suite)
        ]
        held = [session.store.completions(plan.recipes).keys() for plan in plans]
        plan, stored = max(zip(plans, held, strict=True), key=lambda pair: len(pair[1]))
        open_requests = [r for r, recipe in zip(plan.requests, plan.recipes, strict=True) if recipe not in stored]
        fewest, most = prompt_token_span(open_requests)
        written = sum(request.max_tokens for request in open_requests)
        price = session.price
        rows.append(
            Forecast(
                suite.name, len(plan.requests), len(stored), suite.max_tokens, fewest, most, written,
                price_low=price.of(fewest, 0) if price else None,
                price_high=price.of(most, written) if price else None,
                currency=price.currency if price else None,
                seconds=len(open_requests) / rate if rate else None,
            )
        )  # fmt: skip
    return rows
