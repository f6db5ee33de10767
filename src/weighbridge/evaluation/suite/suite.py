"""A suite in memory: its questions, and how one of them is written as a prompt, with or without examples."""

from __future__ import annotations

from dataclasses import dataclass, field
from string import Template
from typing import TYPE_CHECKING

from weighbridge.evaluation.datasets.mapping import WORKED
from weighbridge.evaluation.item import LETTERS
from weighbridge.evaluation.suite.file import Generation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.engine.protocol import Form
    from weighbridge.evaluation.item import Item
    from weighbridge.evaluation.suite.file import Shots

__all__ = ["Suite"]


@dataclass(frozen=True, slots=True)
class Suite:
    """Questions, prompt forms and the scorer's name; `digest` covers all of it.

    Items that share a prefix stand together. `forms` are templates, the preferred one first. `examples` are by group
    ("" for those of all groups). `notices` are sentences that the user must see before anything is asked: a licence,
    rows left out, a guess.
    """

    name: str
    version: str
    title: str
    measures: str
    language: str
    licence: str
    source: str
    scorer: str
    chance: float
    max_tokens: int
    forms: dict[str, str]
    prefix: str
    system: str | None
    items: tuple[Item, ...]
    digest: str
    shots: Shots | None = None
    examples: Mapping[str, tuple[Item, ...]] = field(default_factory=dict)
    generation: Generation = field(default_factory=Generation)
    notices: tuple[str, ...] = ()

    @property
    def reads_distribution(self) -> bool:
        """Whether the first token's distribution over the letters is the answer: one request a question."""
        return self.max_tokens == 1 and any(item.choices for item in self.items)

    def prompt(self, item: Item, form: Form) -> str:
        """Render one question; the shared prefix stays in front, so that an engine can keep it in its cache.

        Examples that are sent as turns of a chat are not in the text (see `turns`).
        """
        if self.shots is None or (form == "chat" and self.shots.chat == "turns"):
            return self.prefix + self._render(item, form)
        shots = self.shots
        texts = [self._render(one, form) + self._shown(one) for one in self.shots_of(item)]
        return self._header(item) + self.prefix + shots.join.join([*texts, self._render(item, form)])

    def turns(self, item: Item, form: Form) -> tuple[tuple[str, str], ...]:
        """Return the examples as earlier messages of a chat, (role, text) each; none in any other form."""
        if self.shots is None or form != "chat" or self.shots.chat != "turns":
            return ()
        turns: list[tuple[str, str]] = []
        for one in self.shots_of(item):
            turns += [("user", self.prefix + self._render(one, form)), ("assistant", self._shown(one).strip())]
        return tuple(turns)

    def instruction(self, item: Item, form: Form) -> str | None:
        """Return the system message; where examples are turns, their header stands in it."""
        header = self._header(item).strip() if self.shots and form == "chat" and self.shots.chat == "turns" else ""
        return "\n\n".join(part for part in (self.system, header) if part) or None if header else self.system

    def shots_of(self, item: Item) -> tuple[Item, ...]:
        """Return the examples that stand before a question: the first k of its group that do not ask the same."""
        if self.shots is None:
            return ()
        pool = self.examples.get(item.group if self.shots.by_group else "", ())
        asked = item.question.strip()
        return tuple(one for one in pool if one.question.strip() != asked)[: self.shots.k]

    def prefix_of(self, item: Item) -> tuple[str, ...]:
        """Return what stands before a question, as a key: requests with the same key begin alike. () for nothing."""
        if self.shots is None:
            return (self.prefix,) if self.prefix else ()
        return (self.prefix, self._header(item), *(one.id for one in self.shots_of(item)))

    def _render(self, item: Item, form: Form) -> str:
        choices = "\n".join(f"{letter}. {text}" for letter, text in zip(LETTERS, item.choices, strict=False))
        return Template(self.forms[form]).substitute(question=item.question, choices=choices)

    def _shown(self, example: Item) -> str:
        """Return an example's answer as it is shown: the worked one, if there is one."""
        worked = example.data.get(WORKED) or example.answer
        return Template(self.shots.answer if self.shots else "").substitute(answer=worked)

    def _header(self, item: Item) -> str:
        group = item.group.replace("_", " ")
        return Template(self.shots.header if self.shots else "").substitute(group=group)
