"""What an inventory comes to in counts: by maker, country, licence class and decision, and lists of names apart."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from weighbridge.core.finding import Confidence
from weighbridge.inventory.bounds import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from weighbridge.inventory.row import Model

__all__ = ["summary_of"]

_NOT_KNOWN = "not known"
_CLASSES = {"no": "non-commercial", "conditional": "with conditions", "policy": "with conditions", "yes": "commercial"}


def summary_of(models: Sequence[Model]) -> dict[str, Any]:
    """Return counts as JSON values, the most first; `lists` are files whose many names are weak traces.

    A model counts once: by the maker of its base (and the maker's country), by whether its licence in force allows
    commercial use, by the state of its decision. Names that stand in lists alone are `listed`, and count nowhere else.
    """
    lists = _lists(models)
    met = [model for model in models if not _is_only_listed(model, lists)]
    weak = sum(model.confidence is Confidence.LOW for model in met)
    return {
        "models": len(models),
        "firm": len(met) - weak,
        "weak": weak,
        "listed": len(models) - len(met),
        "by_maker": _counted(model.maker for model in met),
        "by_country": _counted(model.maker_country for model in met),
        "by_licence_class": _counted(_class(model.licence.commercial_use) for model in met),
        "by_decision": _counted(model.decision.state for model in met),
        "lists": [{"place": place, "names": count} for place, count in lists.most_common()],
    }


def _is_only_listed(model: Model, lists: Counter[str]) -> bool:
    """Whether nothing but long lists name a model."""
    return model.confidence is Confidence.LOW and all(one.place.rpartition(":")[0] in lists for one in model.traces)


def _counted(words: Iterable[str]) -> dict[str, int]:
    """Return how often each word stands, the most first, then by the alphabet."""
    counts = Counter(word or _NOT_KNOWN for word in words)
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0].lower())))


def _class(commercial_use: str) -> str:
    """Return the class of a licence by its answer on commercial use."""
    return next((name for word, name in _CLASSES.items() if commercial_use.startswith(word)), _NOT_KNOWN)


def _lists(models: Sequence[Model]) -> Counter[str]:
    """Return the files in which more weak names stand than anybody chooses among."""
    places = [
        one.place.rpartition(":")[0] for model in models for one in model.traces
        if one.way in {"code", "configuration"} and one.confidence is Confidence.LOW
    ]  # fmt: skip
    return Counter({place: count for place, count in Counter(places).items() if count > CATALOGUE})
