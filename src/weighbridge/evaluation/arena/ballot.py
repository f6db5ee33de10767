"""The ballot: models, prompts and answers of an arena, frozen before the first vote."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from typing import TYPE_CHECKING, Any

from weighbridge.core.digest import digest_of
from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import BallotV1
from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.errors import NotFound, UsageError
from weighbridge.evaluation.item import LETTERS
from weighbridge.evaluation.thinking import answer_part

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from weighbridge.engine.protocol import EngineIdentity
    from weighbridge.evaluation.item import Item
    from weighbridge.store.protocol import Store

__all__ = ["KIND", "MOST_MODELS", "Ballot", "Entrant", "ballot_at", "freeze", "read_answers", "said", "shown_prompt"]

KIND = "ballot/v1"
MOST_MODELS = 30  # each draw looks at every pair of models on every prompt
LONGEST = 20_000  # characters of a prompt or an answer that anybody reads before voting
_CUT = "\n[cut here: {} characters more]"
_ASKED_ON = "asked_on"
_READABLE = frozenset({Outcome.ANSWERED, Outcome.TRUNCATED})


@dataclass(frozen=True, slots=True)
class Entrant:
    """One model of an arena before it is frozen: its answers by prompt id, as recipes of completions."""

    digest: str
    name: str
    engine: EngineIdentity | None
    recipes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Ballot:
    """A frozen arena over P prompts and K models, both named by their places 0, 1, ...

    `id` is its evidence, `on` the day of the oldest answer.
    """

    id: str
    body: BallotV1
    on: date

    @property
    def names(self) -> tuple[str, ...]:
        """The models' names, each once."""
        return tuple(model.name for model in self.body.models)

    def pairs(self) -> list[tuple[int, int]]:
        """Return all pairs of models, the lower place first."""
        return list(combinations(range(len(self.body.models)), 2))

    def recipe(self, model: int, prompt: int) -> str | None:
        """Return the recipe of an answer, or None where there is none to show."""
        return self.body.models[model].answers[prompt]

    def votable(self, prompt: int, pair: tuple[int, int]) -> bool:
        """Say whether both models answered, and differently."""
        one, two = (self.body.models[model].shown[prompt] for model in pair)
        return one is not None and two is not None and one != two

    def mac(self, *parts: object) -> bytes:
        """Return 32 bytes that follow from the seed and the parts, and cannot be guessed without the seed."""
        text = "\0".join(f"{len(str(part))}:{part}" for part in parts)
        return hmac.new(bytes.fromhex(self.body.seed), text.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()


def freeze(suite: dict[str, Any], items: Sequence[Item], entrants: Sequence[Entrant], seed: str, store: Store,
           on: date) -> Evidence:  # fmt: skip
    """Return the ballot of models whose answers are in the store; a ballot over the same answers is found again.

    `suite` is a `SuiteBody` as JSON, `seed` 64 hex digits. Raises UsageError for fewer than two models, a model that
    stands twice, or no prompt that two models answered.
    """
    digests = [entrant.digest for entrant in entrants]
    if not 2 <= len(set(digests)) == len(digests) <= MOST_MODELS:  # noqa: PLR2004 - a pair
        raise UsageError("an arena takes two models or more, each once", hint=f"give 2 to {MOST_MODELS} models")
    names = _told_apart(entrants)
    models = []
    for entrant, name in zip(entrants, names, strict=True):
        recipes = [entrant.recipes.get(item.id) for item in items]
        texts = read_answers(store, [recipe for recipe in recipes if recipe])
        answers = [recipe if recipe in texts else None for recipe in recipes]
        shown = [digest_of(texts[recipe]) if recipe else None for recipe in answers]
        engine = entrant.engine.to_json() if entrant.engine else None
        models.append({"digest": entrant.digest, "name": name, "engine": engine, "answers": answers, "shown": shown})
    subject = digest_of({"suite": suite["digest"], "models": sorted(digests)})
    for known in store.select(subject=subject, kind=KIND):
        if known.body["models"] == models and known.producer == OURS:
            return known
    prompts = [{"id": item.id, "text": shown_prompt(item)} for item in items]
    body = {"suite": suite, "seed": seed, "prompts": prompts, "models": models}
    ballot = Ballot("", BallotV1.model_validate(body), on)
    if not any(ballot.votable(prompt, pair) for prompt in range(len(items)) for pair in ballot.pairs()):
        raise UsageError(
            "there is nothing to vote on: no prompt has two answers that differ",
            hint="see that the models answer: `weighbridge engine` says what an endpoint can do",
        )
    evidence = Evidence(subject, KIND, body, (suite["digest"], *digests), OURS, _oldest(models, store, on))
    store.add(evidence)
    return evidence


def ballot_at(store: Store, id_prefix: str | None = None) -> Ballot:
    """Return the ballot whose id starts so, or the newest; raises NotFound, or UsageError for other evidence."""
    if id_prefix is None:
        found = max(enumerate(store.select(kind=KIND)), key=lambda one: (one[1].made_on, one[0]), default=None)
        if found is None:
            raise NotFound("there is no arena in this workspace", hint="`weighbridge arena new --suite S MODEL MODEL`")
        evidence = found[1]
    else:
        evidence = store.get(id_prefix)
        if evidence.kind != KIND:
            raise UsageError(f"`{id_prefix}` is evidence of kind `{evidence.kind}`", hint=f"name a `{KIND}`")
    return Ballot(evidence.id, BallotV1.model_validate(evidence.body), evidence.made_on)


def said(completion: Completion) -> str:
    """Return what voters see of an answer: without reasoning, bounded; "" where there is nothing to show."""
    if completion.outcome not in _READABLE:
        return ""
    return bounded(answer_part(completion).text.strip())


def bounded(text: str) -> str:
    """Return at most LONGEST characters, and how many are left out; half surrogate pairs are replaced."""
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= LONGEST else text[:LONGEST] + _CUT.format(len(text) - LONGEST)


def read_answers(store: Store, recipes: Iterable[str]) -> dict[str, str]:
    """Return what there is to show of stored completions, by recipe."""
    found = {}
    for recipe, body in store.completions(recipes).items():
        completion = Completion.from_json({key: value for key, value in body.items() if key != _ASKED_ON})
        if text := said(completion):
            found[recipe] = text
    return found


def shown_prompt(item: Item) -> str:
    """Return the question with its choices."""
    choices = [f"{letter}. {text}" for letter, text in zip(LETTERS, item.choices, strict=False)]
    return bounded("\n".join([item.question, *choices]))


def _oldest(models: list[dict[str, Any]], store: Store, on: date) -> date:
    """Return the day of the oldest answer on a ballot."""
    recipes = [recipe for model in models for recipe in model["answers"] if recipe]
    days = (body.get(_ASKED_ON) for body in store.completions(recipes).values())
    return min([on, *(date.fromisoformat(day) for day in days if day)])


def _told_apart(entrants: Sequence[Entrant]) -> list[str]:
    """Return the models' names; those that stand twice get the head of their digest."""
    names = [entrant.name[:200] for entrant in entrants]
    return [
        f"{name} ({entrant.digest.removeprefix('sha256:')[:8]})" if names.count(name) > 1 else name
        for name, entrant in zip(names, entrants, strict=True)
    ]
