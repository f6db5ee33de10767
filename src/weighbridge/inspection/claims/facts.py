"""What is known of models: computed from their configs by the same formulas as `inspect`, and sourced figures."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from weighbridge.inspection.claims.claim import Fact, Quantity
from weighbridge.inspection.claims.computed import computed_facts
from weighbridge.inspection.claims.names import Names, bare_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["FactBase", "shipped_facts"]

_Facts = dict[str, list[Fact]]
_SIZE = re.compile(r"(?<![\dA-Za-z.])(\d+(?:\.\d+)?)([BM])(?![A-Za-z\d])", re.IGNORECASE)
_ACTIVE = re.compile(r"-A(\d+(?:\.\d+)?)B(?![A-Za-z])")
_ODD_SIZE = re.compile(r"\dx\d|-\d+B-\d+E|OLMoE|-E\dB|1B-7B")
_SAID_IN_WORDS = frozenset({
    Quantity.LICENCE, Quantity.CODE_LICENCE, Quantity.OPEN_WEIGHTS, Quantity.ARCHITECTURE, Quantity.ATTENTION,
    Quantity.MODALITY, Quantity.RELEASED,
})  # fmt: skip
_BILLION, _MILLION = 1e9, 1e6
_VAGUE_LICENCES = frozenset({"other", "deepseek-license", "apple-amlr"})


class FactBase:
    """Facts by model and quantity. `configs` maps a model to its config, `sourced` to quantities and their facts.

    A model is spoken of by its id; whatever name it is asked for by, `names` finds it.
    """

    def __init__(self, configs: Mapping[str, Mapping[str, Any]], sourced: Mapping[str, _Facts], names: Names) -> None:
        self.names = names
        self._configs: dict[str, list[Mapping[str, Any]]] = {}
        self._sourced: dict[str, _Facts] = {}
        self._computed: dict[str, _Facts] = {}
        for model, config in configs.items():
            self._configs.setdefault(names.add(model), []).append(config)
        for model, facts in sourced.items():
            known = self._sourced.setdefault(names.add(model), {})
            for quantity, rows in facts.items():
                known.setdefault(quantity, []).extend(rows)
        names.close()
        self._parents: dict[str, list[str]] = {}
        for family, (members, _) in names.families.items():
            for member in members:
                self._parents.setdefault(member, []).append(family)

    def models(self) -> list[str]:
        """Return the ids of all models and families, sorted."""
        return sorted(self.names.shown(key) for key in {*self._configs, *self._sourced, *self.names.families})

    def computed_models(self) -> list[str]:
        """Return the ids of the models whose config is known, sorted."""
        return sorted(self.names.shown(key) for key in self._configs)

    def find(self, name: str) -> str | None:
        """Return the id that a name means, or None."""
        key = self.names.find(name)
        return None if key is None else self.names.shown(key)

    def knows(self, model: str) -> bool:
        """Whether anything is known of a model."""
        key = self._key(model)
        return key in self._configs or key in self._sourced or key in self.names.families

    def facts_of(self, model: str, quantity: str) -> tuple[Fact, ...]:
        """Return the facts of a model, computed ones first; of a family, its own and its members'."""
        key = self._key(model)
        own = self._own(key, quantity)
        if key not in self.names.families:
            inherited = [
                fact
                for parent in self._parents.get(key, ())
                for fact in self._own(parent, quantity)
                if fact.scope != "family"
            ]
            return tuple(dict.fromkeys((*own, *inherited)))
        if own and quantity in _SAID_IN_WORDS:
            return tuple(dict.fromkeys(own))
        members, is_complete = self.names.families[key]
        theirs = [(member, self._own(member, quantity)) for member in members]
        is_complete = (is_complete and all(facts for _, facts in theirs)) or bool(own)
        named = [
            replace(fact, counts=_of(bare_name(self.names.shown(member)), fact), is_firm=fact.is_firm and is_complete)
            for member, facts in theirs
            for fact in facts
        ]
        if quantity in _SAID_IN_WORDS and len({fact.value for fact in named}) > 1:
            named = [replace(fact, scope="unsure") for fact in named]
        return tuple(dict.fromkeys((*own, *named)))

    def _key(self, model: str) -> str:
        name = model.removesuffix(" (family)")
        return self.names.find(name) or model

    def _own(self, key: str, quantity: str) -> list[Fact]:
        if key in self._configs and key not in self._computed:
            found: _Facts = {}
            for config in self._configs[key]:
                for one, fact in computed_facts(config):
                    found.setdefault(one, []).append(fact)
            self._computed[key] = found
        return self._computed.get(key, {}).get(quantity, []) + self._sourced.get(key, {}).get(quantity, [])


def _of(member: str, fact: Fact) -> str:
    return f"{member}: {fact.counts}" if fact.counts else member


def shipped_facts() -> FactBase:
    """Return the facts that come with Weighbridge."""
    here = files(__package__).joinpath("data")
    configs = json.loads(here.joinpath("models.json").read_text(encoding="utf-8"))["models"]
    releases = json.loads(here.joinpath("releases.json").read_text(encoding="utf-8"))["rows"]
    snapshot = json.loads(here.joinpath("hub.json").read_text(encoding="utf-8"))
    table = tomllib.loads(here.joinpath("facts.toml").read_text(encoding="utf-8"))
    names = Names(
        (*configs, *(row[0] for row in releases), *(row[0] for row in snapshot["rows"])),
        tomllib.loads(here.joinpath("names.toml").read_text(encoding="utf-8")),
    )
    sourced: dict[str, _Facts] = {}

    def take(model: str, facts: Iterator[tuple[Quantity, Fact]]) -> None:
        for quantity, fact in facts:
            sourced.setdefault(model, {}).setdefault(quantity, []).append(fact)

    for quantity, models in table.items():
        for model, rows in models.items():
            take(model, ((Quantity(quantity), _written(row)) for row in rows))
    for row in releases:
        take(row[0], _released(row))
    for row in snapshot["rows"]:
        take(row[0], _stored(row, snapshot["source"]))
    for model, day, elements in snapshot["earlier"]:
        counts = f"as its hub counted on {day}, packed weights as one or in part"
        fact = Fact(float(elements), counts, f"hub snapshot of {day}", "unsure", is_firm=False)
        take(model, iter([(Quantity.TOTAL_PARAMETERS, fact)]))
    for model in configs:
        take(model, _named(model))
        take(model, iter([(Quantity.OPEN_WEIGHTS, Fact("yes", "", "its weights are published"))]))
    return FactBase(configs, sourced, names)


def _written(row: Mapping[str, Any]) -> Fact:
    """Return a fact of the table of sourced figures."""
    scope = "family" if row.get("own") else row.get("scope", "")
    return Fact(
        row["v"], row["c"], row["s"], scope, is_firm=not row.get("weak", False),
        is_least=row.get("least", False), against=row.get("against", ""),
    )  # fmt: skip


def _released(row: list[Any]) -> Iterator[tuple[Quantity, Fact]]:
    """Yield the facts of a release: its date, its vendor's counts, context and licence."""
    _, day, basis, total, active, context, licence, source, note = row
    is_announced = basis.startswith("announced")
    if day:
        counts = "announced" if is_announced else basis.partition(",")[0].replace("_", " ")
        scope = "" if is_announced else "created"
        yield Quantity.RELEASED, Fact(day, counts, source, scope, is_firm=basis == "announced")
    if total:
        yield Quantity.TOTAL_PARAMETERS, Fact(float(total), "as published", source)
    if active:
        yield Quantity.ACTIVE_PARAMETERS, Fact(float(active), "as its vendor counts", source)
        yield Quantity.ARCHITECTURE, Fact("moe", "", source)
        yield Quantity.ACTIVE_SHARE, Fact(active / total, "as its vendor counts", source)
    if context:
        yield Quantity.CONTEXT_LENGTH, Fact(float(context), "as published", source)
    if licence:
        is_firm = is_announced and licence not in _VAGUE_LICENCES
        yield Quantity.LICENCE, Fact(licence, note if "licence" in note.lower() else "", source, is_firm=is_firm)
    if basis and basis.partition(",")[0] not in ("provider_listing", "name_only"):
        yield Quantity.OPEN_WEIGHTS, Fact("yes", "", source)


def _stored(row: list[Any], source: str) -> Iterator[tuple[Quantity, Fact]]:
    """Yield the facts of a repository in a hub snapshot."""
    model, created, licence, elements, layers, experts, used, context, vocabulary = row
    if created:
        yield Quantity.RELEASED, Fact(created, "repository created", source, "created", is_firm=False)
    if licence:
        is_firm = licence in ("mit", "apache-2.0")
        yield Quantity.LICENCE, Fact(licence, "as its repository is tagged", source, is_firm=is_firm)
    if elements:
        yield Quantity.TOTAL_PARAMETERS, Fact(float(elements), "elements that its hub counts", source, "hub")
    for quantity, value, counts in (
        (Quantity.LAYERS, layers, ""),
        (Quantity.EXPERTS, experts, "routed experts a layer"),
        (Quantity.EXPERTS_USED, used, "routed experts a token"),
        (Quantity.VOCABULARY, vocabulary, "tokens"),
    ):
        if value:
            yield quantity, Fact(float(value), counts, source)
    if context:
        yield Quantity.CONTEXT_LENGTH, Fact(float(context), "the limit in its config", source, is_firm=False)
    if experts:
        yield Quantity.ARCHITECTURE, Fact("moe", "", source)
    yield Quantity.OPEN_WEIGHTS, Fact("yes", "", source)
    yield from _named(model)


def _named(model: str) -> Iterator[tuple[Quantity, Fact]]:
    """Yield the sizes in a model's name, which round as their vendor likes: `Qwen3-30B-A3B` is 30B, 3B active."""
    name = bare_name(model)
    if _ODD_SIZE.search(name) or "Distill" in name:
        return
    source = "its name"
    if found := _SIZE.search(name):
        size = float(found[1]) * (_BILLION if found[2] in "Bb" else _MILLION)
        yield Quantity.TOTAL_PARAMETERS, Fact(size, "as its name rounds it", source, is_firm=False)
    if found := _ACTIVE.search(name):
        active = float(found[1]) * _BILLION
        yield Quantity.ACTIVE_PARAMETERS, Fact(active, "as its name rounds it", source, is_firm=False)
