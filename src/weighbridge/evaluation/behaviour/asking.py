"""Ask the items of a bank in several languages: one plan, so that one run asks them all in a fixed random order."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from weighbridge.core.digest import digest_of
from weighbridge.engine.protocol import Outcome
from weighbridge.errors import UsageError
from weighbridge.evaluation.behaviour.answered import Answered, Subject
from weighbridge.evaluation.item import Item
from weighbridge.evaluation.marks import answer_digest
from weighbridge.evaluation.plan import make_plan
from weighbridge.evaluation.run import ask_and_tell, settle_form
from weighbridge.evaluation.suite import Suite
from weighbridge.evaluation.suite.file import Generation
from weighbridge.evaluation.thinking import answer_part

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

    from weighbridge.engine.protocol import Completion, Engine, Form
    from weighbridge.evaluation.behaviour.bank import Bank, BankItem
    from weighbridge.evaluation.plan import Plan
    from weighbridge.evaluation.run import Run, Session

__all__ = ["Asking", "ask_items", "suite_of"]

_AT = "@"
_ORDER_SEED = 20261122  # the order is fixed, so that a run that was stopped goes on where it was
THINKING_TOKENS = 3072  # llmcensor.com's budget; Inspect's default of 256 starves models that reason


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked and how: items, languages, draws of each, temperature, and the budget of an answer in tokens.

    Raises UsageError for a language that one of the items lacks.
    """

    bank: Bank
    items: tuple[BankItem, ...]
    languages: tuple[str, ...]
    draws: int = 1
    temperature: float = 0.0
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        """Check that every item is written in every language; raises UsageError for the first that is not."""
        for language in self.languages:
            if language not in self.bank.languages:
                raise UsageError(
                    f"the bank `{self.bank.name}` has no items in `{language}`",
                    hint=f"it has {', '.join(self.bank.languages)}",
                )
            lacking = [item for item in self.items if language not in item.text]
            if lacking:
                more = f", and neither are {len(lacking) - 1:,} more" if len(lacking) > 1 else ""
                raise UsageError(
                    f"`{lacking[0].id}` of the bank `{self.bank.name}` is not written in `{language}`{more}",
                    hint=f"it is in {', '.join(lacking[0].text)}; what is compared must be asked in every language",
                )

    @property
    def calls(self) -> int:
        """Requests of a run that finds nothing stored."""
        return len(self.items) * len(self.languages) * self.draws


def suite_of(asking: Asking) -> Suite:
    """Return the suite over all languages: an item a question and language, named `id@language`."""
    bank = asking.bank
    most = asking.max_tokens or bank.max_tokens
    items = tuple(
        Item(f"{item.id}{_AT}{language}", item.text[language], group=item.kind)
        for item in asking.items
        for language in asking.languages
    )
    return Suite(
        name=bank.name, version=bank.version, title=bank.title, measures="behaviour/v2", language="mul",
        licence=bank.licence, source=bank.source, scorer="refusal", chance=0.0, max_tokens=most,
        forms={"chat": "$question"}, prefix="", system=None, items=items,
        digest=digest_of({"bank": bank.digest, "languages": list(asking.languages), "max_tokens": most}),
        generation=Generation(
            temperature=asking.temperature, samples=asking.draws, thinking_tokens=THINKING_TOKENS,
            seed=0 if asking.temperature else None,
        ),
    )  # fmt: skip


async def ask_items(
    asking: Asking,
    subject: str,
    engine: Engine,
    session: Session,
    *,
    form: Form | None = None,
    enough: Callable[[Answered], bool] | None = None,
) -> tuple[list[Answered], Run]:
    """Ask, and return the answers in the order of the bank, with the run they came of.

    `enough` hears the answers in the order in which they were drawn, whichever came first, and ends the asking once it
    says so.
    """
    suite = suite_of(asking)
    settled = await settle_form(suite, subject, engine, session, form=form)
    plan = make_plan(suite, subject, engine.identity, settled.form, asked=replace(settled.asked, limit=None))
    order = _Order(plan, len(asking.languages) * asking.draws)
    heard: dict[int, Completion] = {}

    def hear(index: int, completion: Completion) -> None:
        heard[index] = completion
        while enough is not None and (row := order.released(heard)) is not None:
            if enough(_answered(plan, row, heard[row], asking.bank)):
                order.ended = True

    run = await ask_and_tell(plan, engine, session, order=order, heard=hear)
    run.count_in(settled)
    answers = [_answered(plan, index, one, asking.bank) for index, one in enumerate(run.completions)]
    prefilled = sum(answer_part(one).prefilled for one in run.completions)
    if 2 * prefilled > sum(one.outcome is Outcome.ANSWERED for one in run.completions):
        answers = [_still_reasoning(one) for one in answers]
    return [one for one in answers if one.outcome != Outcome.NOT_ASKED.value], run


def _still_reasoning(one: Answered) -> Answered:
    """Where the template opens the reasoning, a cut text that never closed it is reasoning, and no answer."""
    cut = one.outcome == Outcome.TRUNCATED.value and not one.thinking
    return replace(one, open=True) if cut else one


class _Order:
    """The rows of the plan, item by item in a fixed random order: all languages and draws of an item together."""

    def __init__(self, plan: Plan, rows_an_item: int) -> None:
        items = list(range(len(plan.items) // rows_an_item))
        random.Random(_ORDER_SEED).shuffle(items)  # noqa: S311 - an order, no secret
        self._rows = [item * rows_an_item + row for item in items for row in range(rows_an_item)]
        self._drawn = self._told = 0
        self.ended = False

    def __iter__(self) -> Iterator[int]:
        """Return itself."""
        return self

    def __next__(self) -> int:
        """Return the next row, none once it has ended."""
        if self.ended or self._drawn == len(self._rows):
            raise StopIteration
        self._drawn += 1
        return self._rows[self._drawn - 1]

    def released(self, heard: Container[int]) -> int | None:
        """Return the next row in the order of drawing whose answer is there; None while it is waited for."""
        if self._told == len(self._rows) or self._rows[self._told] not in heard:
            return None
        self._told += 1
        return self._rows[self._told - 1]


def _answered(plan: Plan, index: int, completion: Completion, bank: Bank) -> Answered:
    """Return one row as an answer."""
    name, _, language = plan.items[index].id.rpartition(_AT)
    answer = answer_part(completion)
    return Answered(
        subject=Subject.of(bank.by_id[name]),
        language=language,
        question=plan.items[index].question,
        text=answer.text,
        outcome=completion.outcome.value,
        draw=plan.samples[index],
        thinking=answer.thinking,
        open=answer.open,
        recipe=plan.recipes[index],
        digest=answer_digest(completion),
    )
