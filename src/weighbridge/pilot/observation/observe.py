"""Turn an ended exchange into an observation: what its texts tell is kept, the texts are not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.pilot.observation.noun import Observation
from weighbridge.pilot.observation.place import NOWHERE
from weighbridge.pilot.observation.reading import read_exchange
from weighbridge.pilot.observation.signs import Signs, signs_of

if TYPE_CHECKING:
    from weighbridge.pilot.exchange import Exchange
    from weighbridge.pilot.observation.noun import Reading
    from weighbridge.pilot.observation.place import Place

__all__ = ["describe", "has_left", "is_failure", "observe", "observe_rescued", "reading_of", "tells"]

_OK, _LEFT = 200, 499
_UPSTREAM = "upstream_"
# The model's server failed although no code begins with `upstream_`: it ran on for too long, or for too many bytes.
_FAILURES = frozenset({"late", "answer_too_long"})
_CALLERS = frozenset({"left", "stalled"})
_NO_SIGNS = Signs(None, None, None, "", None, None)


def is_failure(exchange: Exchange) -> bool:
    """Say whether the model's server failed: not reached, late, broken off, garbled, busy, too long."""
    return exchange.error.startswith(_UPSTREAM) or exchange.error in _FAILURES


def has_left(exchange: Exchange) -> bool:
    """Say whether the caller left, or did not read on, before the answer's end."""
    return exchange.status == _LEFT or exchange.error in _CALLERS


def tells(exchange: Exchange) -> bool:
    """Say whether an exchange tells anything of its model; a caller's mistake and a refusal of ours do not."""
    if not exchange.leg:
        return False
    return is_failure(exchange) or has_left(exchange) or (exchange.status == _OK and not exchange.error)


def observe(exchange: Exchange, chance: float) -> Observation:
    """Return what an exchange tells, with the chance that it had to be looked at; raises nothing for any text."""
    failed, left = is_failure(exchange), has_left(exchange)
    reading = None if failed or left else reading_of(exchange)
    return describe(exchange, chance, signs_of(reading) if reading is not None else None)


def observe_rescued(exchange: Exchange, chance: float) -> list[Observation]:
    """Return the failures of the legs that were tried before the one that the exchange names."""
    whole = replace(describe(exchange, chance, None), first_s=None, output_tokens=None, is_left=None)
    return [replace(whole, leg=leg, decision=decision, failed=True) for leg, decision, _ in exchange.rescued]


def reading_of(exchange: Exchange) -> Reading | None:
    """Return the texts of an exchange; None where only a part of its answer was held."""
    if len(exchange.answer) < exchange.sent_bytes:
        return None
    return read_exchange(exchange.path, exchange.request, exchange.answer, is_stream=exchange.is_stream)


def describe(exchange: Exchange, chance: float, signs: Signs | None, place: Place = NOWHERE) -> Observation:
    """Put together what is known of an exchange without its texts."""
    signs = signs or _NO_SIGNS
    return Observation(
        id=exchange.id,
        at=exchange.at,
        route=exchange.route,
        leg=exchange.leg,
        decision=exchange.decision,
        user=exchange.user_hash or exchange.key_id,
        failed=is_failure(exchange),
        total_s=exchange.total_s,
        first_s=exchange.first_s,
        output_tokens=exchange.usage.output_tokens,
        chars=signs.chars,
        refused=signs.refused,
        in_form=signs.in_form,
        same_language=signs.same_language,
        language=signs.language,
        is_cut=signs.is_cut,
        cluster=place.cluster,
        distance=place.distance,
        chance=chance,
        is_left=has_left(exchange) or None,
        sketch=place.sketch,
        key=exchange.key_id,
        speaks_for="" if exchange.voice == exchange.key_id else exchange.voice,
        is_shared=len(exchange.rescued) + is_failure(exchange) > 1 or None,
        is_bound=signs.is_bound,
    )
