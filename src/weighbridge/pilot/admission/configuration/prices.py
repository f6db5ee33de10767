"""What a model's tokens cost: as the file states it, or as the knowledge tables list it for a provider."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from weighbridge.errors import UsageError, did_you_mean
from weighbridge.formats.place import quote
from weighbridge.knowledge.load import load_knowledge
from weighbridge.pilot.route import Price

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.pilot.admission.configuration.form import PriceForm

__all__ = ["price_of"]

_STATED = "gateway.toml"


def price_of(form: PriceForm | None, place: str, knowledge: Path | None) -> Price:
    """Return the price that a file states or names; one without a source where it says nothing: not known, not free.

    `knowledge` is the folder of the team's own tables. Raises UsageError with the `place` for half a price, and for a
    provider or model that no table lists.
    """
    if form is None:
        return Price()
    stated, named = (form.input, form.output), (form.provider, form.model)
    if None not in stated and named == (None, None):
        return Price(form.input or 0.0, form.output or 0.0, _STATED)
    if None not in named and stated == (None, None):
        return _listed(form.provider or "", form.model or "", place, knowledge)
    raise UsageError(
        f"{place}: `price` is half a price",
        hint="give `input` and `output` in US dollars a million tokens, or `provider` and `model` of the tables",
    )


def _listed(provider: str, model: str, place: str, knowledge: Path | None) -> Price:
    """Return a listed price: the team's own, else the newest, and of several of one day the dearest."""
    shipped = frozenset(load_knowledge().prices)
    rows = [row for row in load_knowledge(knowledge).prices if row.provider == provider]
    if not rows:
        known = {row.provider for row in load_knowledge(knowledge).prices}
        raise UsageError(
            f"{place}: the tables list no prices of {quote(provider)}", hint=did_you_mean(provider, known) or _OWN
        )
    found = [
        (row not in shipped, row.as_of or date.min, row.usd_per_mtok_output, row.usd_per_mtok_input, row.catalogue)
        for row in rows
        if row.model == model and row.usd_per_mtok_input is not None and row.usd_per_mtok_output is not None
    ]
    if not found:
        raise UsageError(
            f"{place}: the tables list no price of {quote(model)} at {quote(provider)}",
            hint=did_you_mean(model, {row.model for row in rows}) or _OWN,
        )
    *_, said, asked, catalogue = max(found)
    return Price(asked, said, f"{provider}/{model}, {catalogue}")


_OWN = "state it: `price = { input = 0.1, output = 0.3 }`, US dollars a million tokens"
