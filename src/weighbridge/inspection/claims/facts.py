"""What is known of models: computed from their configs by the same formulas as `inspect`, and sourced figures."""

from __future__ import annotations

import json
import re
import tomllib
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from weighbridge.inspection.anatomy.build import structure_of
from weighbridge.inspection.figures.declared import from_config
from weighbridge.inspection.anatomy.structure import Structure
from weighbridge.inspection.claims.claim import Fact, Quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["FactBase", "shipped_facts"]

_COMPUTED = "computed from its config"
_TUNED = re.compile(r"(?:-(?:Instruct|Base|Chat|PT|hf|it|v0\.\d|BF16|Thinking|\d{4}))+$", re.IGNORECASE)


class FactBase:
    """Facts by model. `configs` maps a model to its config, `sourced` to rows of quantity, value, counts, source.

    A model's names are its id, the id without its maker, and `aliases`.
    """

    def __init__(
        self,
        configs: Mapping[str, Mapping[str, Any]],
        sourced: Mapping[str, Iterable[Mapping[str, Any]]],
        aliases: Mapping[str, Iterable[str]],
    ) -> None:
        self._configs = configs
        self._sourced = {model: tuple(rows) for model, rows in sourced.items()}
        self._computed: dict[str, dict[Quantity, tuple[Fact, ...]]] = {}
        self.aliases = {model: tuple(aliases.get(model, ())) for model in self.models()}

    def models(self) -> list[str]:
        """Return the ids of all models, sorted."""
        return sorted({*self._configs, *self._sourced})

    @cached_property
    def names(self) -> dict[str, str]:
        """Names in lower case without separators, with the id that each means."""
        return {plain_name(name): model for name, model in reversed(self.spellings)}

    @cached_property
    def spellings(self) -> list[tuple[str, str]]:
        """Every name as it is written, with the id that it means; of two that are alike the first counts.

        Models with a config come first: of them more is known.
        """
        return [
            (name, model)
            for model in sorted(self.models(), key=lambda model: model not in self._configs)
            for name in (model, *_short_names(model.rpartition("/")[2]), *self.aliases[model])
        ]

    def find(self, name: str) -> str | None:
        """Return the id that a name means, or None."""
        return self.names.get(plain_name(name))

    def knows(self, model: str) -> bool:
        """Whether anything is known of a model."""
        return model in self._configs or model in self._sourced

    def facts_of(self, model: str, quantity: Quantity) -> tuple[Fact, ...]:
        """Return the facts of a model, computed ones first."""
        if model in self._configs and model not in self._computed:
            found: dict[Quantity, list[Fact]] = {}
            for one, fact in _computed(self._configs[model]):
                found.setdefault(one, []).append(fact)
            self._computed[model] = {one: tuple(facts) for one, facts in found.items()}
        sourced = tuple(
            Fact(row["value"], row.get("counts", ""), row["source"], row.get("scope", ""))
            for row in self._sourced.get(model, ())
            if row["quantity"] == quantity.value
        )
        return self._computed.get(model, {}).get(quantity, ()) + sourced


def _short_names(name: str) -> Iterator[str]:
    """Yield a name, and the name without what says how it was tuned or packed: `Kimi-K2-Instruct` is `Kimi-K2`."""
    yield name
    if (bare := _TUNED.sub("", name)) != name:
        yield bare


def plain_name(name: str) -> str:
    """Return a name in lower case without its separators: `DeepSeek V3` is `DeepSeek-V3`."""
    return re.sub(r"[-_\s]+", "", name.lower())


def shipped_facts() -> FactBase:
    """Return the facts that come with Weighbridge."""
    here = files(__package__)
    configs = json.loads(here.joinpath("models.json").read_text(encoding="utf-8"))["models"]
    table = tomllib.loads(here.joinpath("facts.toml").read_text(encoding="utf-8"))
    sourced: dict[str, list[dict[str, Any]]] = {
        model: [{"quantity": Quantity.RELEASED.value, "value": day, "source": source}]
        for model, (day, source) in table["released"].items()
    }
    for row in table["fact"]:
        sourced.setdefault(row["model"], []).append(row)
    return FactBase(configs, sourced, table["aliases"])


def _computed(config: Mapping[str, Any]) -> Iterator[tuple[Quantity, Fact]]:
    """Yield what the formulas say of a config, each count by each convention in use."""
    declared = from_config(config)
    if declared.context_length:
        yield Quantity.CONTEXT_LENGTH, Fact(float(declared.context_length), "tokens", "its config")
    if declared.attention:
        yield Quantity.ATTENTION, Fact(declared.attention, "", "its config")
    structure = structure_of(config)
    if not isinstance(structure, Structure):
        return
    stored = structure.text_total + sum(weight.elements for weight in structure.vision or ())
    yield Quantity.TOTAL_PARAMETERS, Fact(float(stored), "the model", _COMPUTED)
    if structure.mtp:
        with_mtp = stored + structure.buffers + structure.mtp_total + structure.mtp_copies
        yield Quantity.TOTAL_PARAMETERS, Fact(float(with_mtp), "with the MTP module, as hubs count", _COMPUTED)
    if structure.is_tied:
        twice = stored + structure.vocabulary * structure.hidden_size
        counts = "with the tied head counted a second time, as some hubs do"
        yield Quantity.TOTAL_PARAMETERS, Fact(float(twice), counts, _COMPUTED)
    conventions = ("all that a token touches", "without the input embedding", "without both embeddings")
    is_mixed = bool(declared.experts)
    if is_mixed:
        for counts, value in zip(conventions, structure.active(), strict=True):
            yield Quantity.ACTIVE_PARAMETERS, Fact(float(value), counts, _COMPUTED)
        yield Quantity.EXPERTS, Fact(float(declared.experts or 0), "routed experts a layer", "its config")
        if declared.experts_used:
            yield Quantity.EXPERTS_USED, Fact(float(declared.experts_used), "routed experts a token", "its config")
    yield Quantity.ARCHITECTURE, Fact("moe" if is_mixed else "dense", "", "its config")
    yield Quantity.LAYERS, Fact(float(len(structure.layers)), "", "its config")
    yield Quantity.VOCABULARY, Fact(float(structure.vocabulary), "tokens", "its config")
    per_token = 2 * structure.marginal_cache_elements
    yield Quantity.KV_BYTES_PER_TOKEN, Fact(per_token, "bytes, bf16, MLA absorbed", _COMPUTED)
