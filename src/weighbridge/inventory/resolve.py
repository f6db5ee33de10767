"""From traces to rows: each model with its chain, maker, countries and licence."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.core.finding import Confidence
from weighbridge.inventory.merge import grouped
from weighbridge.inventory.origin.chain import Origins, Subject
from weighbridge.inventory.origin.licence import licence_along
from weighbridge.inventory.origin.parents import Parent
from weighbridge.inventory.origin.tables import maker_by_architecture
from weighbridge.inventory.row import DecisionState, Model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from weighbridge.inspection.licence.chain.sources import Text
    from weighbridge.inventory.merge import Group, Seen
    from weighbridge.inventory.origin.chain import HubLookup
    from weighbridge.inventory.origin.step import Chain
    from weighbridge.knowledge.protocol import Known

__all__ = ["resolve_all"]

_NO_STATE = DecisionState()


def resolve_all(
    seen: Iterable[Seen],
    known: Known,
    *,
    hubs: Mapping[str, HubLookup] | None = None,
    texts: Callable[[str], tuple[Text, ...]] = lambda _folder: (),
    state: Callable[[Group], DecisionState] = lambda _group: _NO_STATE,
    advance: Callable[[int], None] = lambda _n: None,
) -> tuple[list[Model], dict[str, str]]:
    """Return one row a model, and what hubs did not answer, by reference.

    `texts` gives the licence files of a folder, `state` what was decided of a group.
    """
    origins = Origins(known, dict(hubs or {}))
    rows = []
    for group in grouped(seen):
        rows.append(_row(group, origins, known, texts, state))
        advance(1)
    return rows, dict(origins.troubles)


def _row(
    group: Group,
    origins: Origins,
    known: Known,
    texts: Callable[[str], tuple[Text, ...]],
    state: Callable[[Group], DecisionState],
) -> Model:
    """Return the row of one group."""
    traces = tuple(one.found for one in group.seen)
    declared = tuple(dict.fromkeys(base for one in traces for base in one.bases))
    tag = next((one.licence for one in traces if one.licence), "")
    signs = tuple(dict.fromkeys(sign for one in group.seen for sign in one.signs))
    name = group.repository or group.name.rstrip("/").rpartition("/")[2]  # a service's prefix is no publisher
    subject = Subject(name, declared, is_label=group.is_label, licence_tag=tag, signs=signs)
    chain, odd = _chain(subject, group, origins)
    if group.doubt:
        chain = replace(chain, is_closed=False, open_ends=(*chain.open_ends, group.doubt))
    folder = next((one.folder for one in traces if one.folder), "")
    countries = _countries(chain, known)
    publisher = chain.steps[0].publisher
    revisions = dict.fromkeys(
        one.reference.partition("@")[2] for one in traces if one.reference.partition("@")[2]
    )  # fmt: skip
    return Model(
        group.reference, group.name, traces, publisher, chain.maker, countries.get(chain.maker, ""),
        countries.get(publisher, ""), countries, chain, licence_along(chain, texts(folder) if folder else ()),
        state(group), group.confidence, tuple(revisions),
        tuple(dict.fromkeys([*(text for one in group.seen for text in one.contradictions), *odd])),
    )  # fmt: skip


def _chain(subject: Subject, group: Group, origins: Origins) -> tuple[Chain, list[str]]:
    """Return the chain, and where the architecture speaks against a label.

    An architecture of a maker that is not in the chain leaves it open: a base may be there that nobody states.
    """
    chain = origins.chain_of(subject, group.hub)
    architecture = next((one.found.architecture for one in group.seen if one.found.architecture), "")
    used = maker_by_architecture(architecture)
    if used is None or used[0] in chain.makers:
        return chain, []
    maker, total, own = used
    how = f"its architecture is `{architecture}`, which {own:,} of {total:,} known repositories have from {maker}"
    sign = Parent(f"{maker}/*", "base", "architecture", how, Confidence.LOW)
    is_odd = chain.makers and group.is_label
    odd = [f"it is called {group.name}, of {', '.join(chain.makers)}, but {how}"] if is_odd else []
    return origins.chain_of(replace(subject, signs=(*subject.signs, sign)), group.hub), odd


def _countries(chain: Chain, known: Known) -> dict[str, str]:
    """Return the seat of everybody in a chain, as far as the table says."""
    names = {name for step in chain.steps for name in (step.maker, step.publisher) if name}
    found = {name: known.organisation(name) for name in names}
    return {name: one.country for name, one in found.items() if one is not None and one.country}
