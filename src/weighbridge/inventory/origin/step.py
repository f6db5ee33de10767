"""The nouns of a chain: one step, and the chain from a model to its roots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from weighbridge.core.finding import Confidence

__all__ = ["Chain", "Known", "Relation", "Step"]

Relation = Literal["itself", "quantized", "finetune", "adapter", "merge", "same", "served", "family", "base"]
Known = Literal[
    "reference", "declared", "hub", "table", "repackaged", "name", "publisher", "template", "tokenizer", "architecture"
]


@dataclass(frozen=True, slots=True)
class Step:
    """One model of a chain.

    `repository` is `maker/model` where a repository is meant, "" where only a name or a family is known. `maker` is the
    namespace that stands for who trained it, "" where nobody says; `publisher` is the namespace it lies under.
    `relation` is what it is to the model at `child` (an index into the chain; None for the model itself), `how` says in
    one sentence how this step is known. `end` says why nothing stands below: it is a root, or nobody knows.
    """

    name: str
    repository: str = ""
    publisher: str = ""
    maker: str = ""
    family: str = ""
    relation: Relation = "itself"
    child: int | None = None
    known: Known = "reference"
    how: str = ""
    confidence: Confidence = Confidence.MEDIUM
    licence_tag: str = ""
    end: Literal["", "root", "open"] = ""

    @property
    def key(self) -> str:
        """Return what tells two steps apart: the repository without case, else the name and whose family it is."""
        return self.repository.lower() or f"{self.name} of {self.maker}".lower()


@dataclass(frozen=True, slots=True)
class Chain:
    """A model and what it is made of, the model first, roots last.

    It `is_closed` where every branch ends at a root whose maker is known, each step at least at medium confidence; only
    then can something be excluded. `open_ends` say why it is not. `mentions` are makers that names speak of and that
    are no step: a sign, not a finding.
    """

    steps: tuple[Step, ...]
    is_closed: bool
    open_ends: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def roots(self) -> tuple[Step, ...]:
        """Return the steps where the chain ends, known or not."""
        return tuple(step for step in self.steps if step.end)

    @property
    def maker(self) -> str:
        """Return who trained the base, "" where it is not known or several did."""
        makers = {"" if step.end == "open" else step.maker for step in self.roots}
        if len(self.makers) > 1 and any(step.known == "architecture" for step in self.roots):  # a sign, and no more
            return ""
        return makers.pop() if len(makers) == 1 else ""

    @property
    def makers(self) -> tuple[str, ...]:
        """Return everybody who trained something along the chain, the model's own maker first."""
        return tuple(dict.fromkeys(step.maker for step in self.steps if step.maker))
