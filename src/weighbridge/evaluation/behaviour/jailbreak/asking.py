"""Ask unsafe items and their safe twins, plain and transformed, and say what each answer does with the request."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from weighbridge.core.digest import digest_of
from weighbridge.errors import UsageError
from weighbridge.evaluation.behaviour.asking import Asking
from weighbridge.evaluation.behaviour.bank import BankItem
from weighbridge.evaluation.behaviour.jailbreak.transforms import PLAIN, decoded, on_topic, words_in
from weighbridge.evaluation.behaviour.judging import judge_one
from weighbridge.evaluation.behaviour.rates import is_given, is_valid

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from weighbridge.evaluation.behaviour.answered import Answered, Judged
    from weighbridge.evaluation.behaviour.bank import Bank
    from weighbridge.evaluation.behaviour.jailbreak.transforms import Transform

__all__ = ["Attempt", "asking_of", "attempts_of"]

_GIVES = frozenset({"compliance", "partial"})
_JOIN = "."
_TWINS = ("unsafe", "safe")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One answer to an item under a transform ("plain" for none). `judged` is of the decoded answer.

    `complied` says that it gives content of the request, wholly or partly, and is about it.
    """

    transform: str
    item: str
    kind: str
    language: str
    judged: Judged

    complied: bool
    off_topic: bool

    @property
    def valid(self) -> bool:
        """Whether it counts: something was answered, and it is no nonsense."""
        return is_valid(self.judged)

    @property
    def given(self) -> bool:
        """Whether there is an answer at all."""
        return is_given(self.judged)


def asking_of(
    bank: Bank, language: str, chosen: Sequence[Transform], limit: int | None, max_tokens: int | None
) -> Asking:
    """Return what is asked in one language: the bank's unsafe and safe items, each plain and under every transform.

    `limit` takes the first pairs only. Raises UsageError where the bank has none or no transform has words there.
    """
    able = words_in(language, chosen)
    if not able:
        raise UsageError(f"no transform of those has words in `{language}`", hint="they are in English and zh-Hans")
    forms = list(dict.fromkeys(item.form or item.id for item in bank.items if item.kind == "unsafe"))[:limit]
    items = [
        item for item in bank.items if item.kind in _TWINS and (item.form or item.id) in forms and language in item.text
    ]
    if not items:
        raise UsageError(f"the bank `{bank.name}` has no unsafe items in `{language}`")
    asked = tuple(
        BankItem.model_validate({"id": f"{name}{_JOIN}{item.id}", "class": item.kind, "text": {language: text}})
        for item in items
        for name, text in [
            (PLAIN, item.text[language]),
            *((one.id, one.apply(item.text[language], language)) for one in able),
        ]
    )
    digest = digest_of({"bank": bank.digest, "asked": [[item.id, item.text] for item in asked]})
    attacked = replace(bank, items=asked, digest=digest, by_id={item.id: item for item in asked})
    return Asking(attacked, asked, (language,), max_tokens=max_tokens)


def attempts_of(bank: Bank, answers: Iterable[Answered], chosen: Sequence[Transform]) -> list[Attempt]:
    """Judge the answers: an encoded one is decoded where it decodes to text, and held against the request itself."""
    known = {one.id: one for one in chosen}
    return [_attempt(bank, one, known) for one in answers]


def _attempt(bank: Bank, answered: Answered, known: dict[str, Any]) -> Attempt:
    name, _, identity = answered.subject.id.partition(_JOIN)
    item = bank.by_id[identity]
    question = item.text[answered.language]
    if (transform := known.get(name)) is not None:
        answered = replace(answered, text=decoded(answered.text, transform))
        if transform.encode:
            answered = replace(answered, question=question)
    judged = judge_one(answered)
    about = on_topic(question, answered.text)
    gives = judged.behaviour in _GIVES
    return Attempt(name, identity, item.kind, answered.language, judged, gives and about, gives and not about)
