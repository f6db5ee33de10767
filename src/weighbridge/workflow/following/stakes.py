"""Read our stakes out of the store: what was decided, from which repository it came, and what that rests on."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from weighbridge.decision.use import Use
from weighbridge.dossier.compose import read_decision
from weighbridge.errors import UsageError
from weighbridge.watch.digest.stake import Demand, Stake
from weighbridge.workflow.following.origin import Told, place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.evidence import Evidence
    from weighbridge.decision.decide import Decision
    from weighbridge.inspection.licence.answer.use import IntendedUse
    from weighbridge.store.protocol import Store
    from weighbridge.watch.digest.stake import Standing
    from weighbridge.workflow.following.origin import Place

__all__ = ["stakes_of"]

_STANDINGS: dict[str, Standing] = {
    "adopt": "adopted", "adopt-with-conditions": "adopted", "hold": "held", "reject": "rejected",
}  # fmt: skip


def stakes_of(store: Store) -> tuple[Stake, ...]:
    """Return a stake for each repository (or model without one) and policy: the newest decision counts.

    A model that was inspected and never decided on is a stake, too. Where nothing tells where a model came from its
    `repository` is "", and no event can be matched by name.
    """
    told: dict[str, Told] = {}
    for kind, read in _READERS.items():
        for one in store.select(kind=kind):
            read(told.setdefault(one.subject, Told()), one.body)
    newest: dict[tuple[str, str], Stake] = {}
    decided: set[str] = set()
    for stake in _decided(store, told):
        decided.add(stake.subject)
        newest[stake.repository or stake.subject, stake.policy] = stake
    known = {stake.repository for stake in newest.values()}
    for subject, found in told.items():
        stake = _undecided(subject, found)
        if subject not in decided and stake.repository and stake.repository not in known:
            newest[subject, ""] = stake
    return tuple(newest.values())


def _decided(store: Store, told: dict[str, Told]) -> Iterator[Stake]:
    """Yield a stake for each decision, in the order they were made; one that cannot be read decides nothing."""
    stale = {
        one.id: (str(one.body.get("event")), str(one.body.get("seen_at"))) for one in store.select(kind="stale/v1")
    }
    for statement in store.select(kind="decision/v1"):
        with suppress(UsageError):
            decision = read_decision(statement.body.get("decision"))
            answered = frozenset(stale[one] for one in statement.inputs if one in stale)
            yield _stake(statement, decision, told.get(statement.subject, Told()), answered)


def _stake(statement: Evidence, decision: Decision, told: Told, answered: frozenset[tuple[str, str]]) -> Stake:
    place = place_of(statement.subject, told)
    return Stake(
        repository=place.repository,
        subject=statement.subject,
        name=_name(told, place),
        reference=told.reference,
        commit=place.commit,
        standing=_STANDINGS[decision.verdict],
        decision=statement.id,
        decided_on=decision.on,
        expires_on=decision.expires_on,
        policy=decision.policy_name,
        demands=tuple(_demands(decision)),
        bases=tuple(dict.fromkeys(told.bases)),
        digests=told.digests,
        answered=answered,
        task=told.task,
        copy=place.copy,
        use=_use(decision.use),
    )


def _undecided(subject: str, told: Told) -> Stake:
    place = place_of(subject, told)
    return Stake(
        place.repository, subject, _name(told, place), told.reference, place.commit,
        bases=tuple(dict.fromkeys(told.bases)), digests=told.digests, copy=place.copy,
    )  # fmt: skip


def _name(told: Told, place: Place) -> str:
    """Return what people call it: a folder of a hub's cache is named for the commit."""
    name = told.name or told.served_as
    return place.repository.rpartition("/")[2] if place.commit and name == place.commit else name


def _demands(decision: Decision) -> Iterator[Demand]:
    for one in decision.rulings:
        suite = one.where.get("suite.name") or one.where.get("bank.name") or ""
        yield Demand(one.rule, one.kind, one.measure, one.operator, one.threshold, one.because, str(suite))


def _use(value: dict[str, Any]) -> IntendedUse | None:
    """Return the intended use of a decision; None where an older one holds other fields."""
    plain = {name: tuple(one) if isinstance(one, list) else one for name, one in value.items()}
    try:
        return Use(**cast("Any", plain)).for_licences()
    except TypeError:
        return None


def _files(told: Told, body: dict[str, Any]) -> None:
    told.name, told.reference = _text(body, "name"), _text(body, "reference")
    rows = body.get("files")
    if isinstance(rows, list):
        told.digests = frozenset(str(row.get("sha256")) for row in rows if isinstance(row, dict))


def _provenance(told: Told, body: dict[str, Any]) -> None:
    told.hub, told.repository, told.commit = (_text(body, name) for name in ("hub", "repository", "commit"))
    told.task = _text(body, "task")


def _card(told: Told, body: dict[str, Any]) -> None:
    told.bases += _names(body.get("base_models"))


def _lineage(told: Told, body: dict[str, Any]) -> None:
    told.bases += _names(body.get("bases"))


def _endpoint(told: Told, body: dict[str, Any]) -> None:
    engine = body.get("engine")
    told.served_as = _text(engine, "model") if isinstance(engine, dict) else ""


_READERS = {
    "files/v1": _files,
    "provenance/v1": _provenance,
    "card/v1": _card,
    "lineage/v1": _lineage,
    "endpoint/v1": _endpoint,
}


def _names(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _text(body: dict[str, Any], name: str) -> str:
    """Return a text of a body, "" where there is none: a store may hold what others wrote."""
    value = body.get(name)
    return value if isinstance(value, str) else ""
