"""A random sample of answers for people to read, uniform within each language and frozen before the first label.

Answers stand in the order of a keyed hash of their digest, and the first n of a language are its sample. The key is
drawn at random with the first sample of a set of answers, so that nobody who wrote them could choose their places, and
stands for that set ever after: nobody can draw until the sample pleases, a larger sample holds the smaller one, and
who stops early has labelled a random sample as well.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from weighbridge.core.digest import digest_of
from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import SampleV1
from weighbridge.errors import NotFound, StoreDamaged, UsageError
from weighbridge.evaluation.labels.answers import keep_answers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from weighbridge.core.kinds import DrawnAnswerBody
    from weighbridge.evaluation.labels.answers import Given
    from weighbridge.store.protocol import Store

__all__ = ["KIND", "Sample", "freeze_sample", "newest_sample", "population_of", "samples_of"]

KIND = "sample/v1"


@dataclass(frozen=True, slots=True)
class Sample:
    """A frozen sample; `id` is its evidence, `population` names the set of answers it was drawn from."""

    id: str
    population: str
    body: SampleV1

    def drawn(self, language: str = "") -> list[DrawnAnswerBody]:
        """Return the answers in the order they are shown: all of them, or those of one language."""
        return [answer for answer in self.body.answers if language in ("", answer.language)]

    def chance(self, language: str) -> float:
        """Return the chance that an answer of a language had to be drawn."""
        stratum = self.body.languages[language]
        return stratum.drawn / stratum.answers


def population_of(keys: Iterable[str]) -> str:
    """Return what names a set of answers by their keys: the subject of its samples."""
    return digest_of(sorted(set(keys)))


def freeze_sample(answers: Sequence[Given], per_language: int, store: Store, on: date, *,
                  inputs: tuple[str, ...] = (), parts: Sequence[str] = (), empty: int = 0) -> Sample:  # fmt: skip
    """Draw at most `per_language` different answers of each language, keep their texts, and return the sample.

    `inputs` are the digests of where the answers are from, `parts` name the sets that were put together (see
    `population_of`), `empty` counts answers that could not be taken. The same draw is found again. Raises UsageError
    where there is nothing to label, or parts of it have an order already, and not all of them the same.
    """
    if not answers:
        raise UsageError("there is nothing to label: no answer shows anything")
    keyed = [(given.key, given) for given in answers]
    copies = Counter(key for key, _ in keyed)
    given_of = dict(reversed(keyed))  # of copies, the first
    population = population_of(given_of)
    known = _seed_of(store, population, parts)
    seed = known or secrets.token_hex(32)
    drawn = _draw({key: given.language for key, given in given_of.items()}, per_language, seed)
    sizes = Counter(given.language for given in given_of.values())
    body = {
        "seed": seed,
        "languages": {name: {"answers": n, "drawn": min(n, per_language)} for name, n in sorted(sizes.items())},
        "answers": [
            {"id": given_of[key].id, "language": given_of[key].language, "digest": key, "copies": copies[key]}
            for key in drawn
        ],
        "parts": sorted(set(parts)),
        "empty": empty,
    }
    read = SampleV1.model_validate(body)
    for sample in samples_of(store, population):
        if sample.population == population and sample.body.model_copy(update={"empty": empty}) == read:
            return sample
    keep_answers((given_of[key] for key in drawn), store)
    evidence = Evidence(population, KIND, body, inputs, OURS, on)
    store.add(evidence)
    if known is None and _seed_of(store, population, parts) != seed:  # another process drew these at the same time
        return freeze_sample(answers, per_language, store, on, inputs=inputs, parts=parts, empty=empty)
    return Sample(evidence.id, population, read)


def _seed_of(store: Store, population: str, parts: Sequence[str]) -> str | None:
    """Return the seed that a set of answers has from its first draw, None where it was never drawn.

    Parts may be put together before any of them was drawn, or where one draw gave all of them their order.
    """
    samples = [_read(evidence) for evidence in store.select(kind=KIND)]
    first: dict[str, str] = {}
    for sample in samples:
        for name in (sample.population, *sample.body.parts):
            first.setdefault(name, sample.body.seed)
    if population in first:
        return first[population]
    seeds = {first.get(part) for part in parts}
    if len(seeds) > 1:
        raise UsageError(
            "some of these answers were drawn before, without the others, and the first draw stands",
            hint="label them one by one: each file or statement with a command of its own",
        )
    return seeds.pop() if seeds else None


def _draw(languages: Mapping[str, str], per_language: int, seed: str) -> list[str]:
    """Return the keys that are drawn, in their order; `languages` is by key, `seed` 64 hexadecimal digits."""
    taken: Counter[str] = Counter()
    drawn = []
    secret = bytes.fromhex(seed)
    for key in sorted(languages, key=lambda key: hmac.digest(secret, key.encode(), hashlib.sha256)):
        if taken[languages[key]] < per_language:
            taken[languages[key]] += 1
            drawn.append(key)
    return drawn


def samples_of(store: Store, population: str) -> list[Sample]:
    """Return the samples of one set of answers, by itself or put together with others, oldest first.

    All have one order, that of the first: a sample in another one, should a store hold it, is none of them.
    """
    samples = [_read(evidence) for evidence in store.select(kind=KIND)]
    found = [sample for sample in samples if population in (sample.population, *sample.body.parts)]
    return [sample for sample in found if sample.body.seed == found[0].body.seed]


def newest_sample(store: Store) -> Sample:
    """Return the sample that was drawn last; raises NotFound where there is none."""
    found = list(store.select(kind=KIND))
    if not found:
        raise NotFound(
            "no answers were drawn in this workspace",
            hint="`weighbridge label --from answers.jsonl`, or `--evidence ID` of a behaviour statement",
        )
    return _read(found[-1])


def _read(evidence: Evidence) -> Sample:
    try:
        return Sample(evidence.id, evidence.subject, SampleV1.model_validate(evidence.body))
    except ValidationError as error:
        raise StoreDamaged(f"`{evidence.id}` is no sample of answers") from error
