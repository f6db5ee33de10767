"""Groups: the events of one push are one thing, and so is the same release on two hubs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from weighbridge.core.digest import digest_of
from weighbridge.watch.digest.facts import repository_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.core.event import ReleaseEvent
    from weighbridge.knowledge.protocol import Known

__all__ = ["grouped", "sightings_of"]

_APART = timedelta(days=14)  # a maker's second hub follows within days

_Group = list["ReleaseEvent"]


def grouped(events: Iterable[ReleaseEvent], known: Known) -> list[tuple[ReleaseEvent, ...]]:
    """Return the events in groups, in the order in which the first of each came.

    A group is what happened to one repository at one commit in one day; groups on different hubs join where name,
    publisher and kinds of change are the same. The same name from another publisher is a re-upload and stays apart.
    """
    pushes: dict[tuple[str, str, str], _Group] = {}
    for event in events:
        key = (event.subject, event.commit, event.seen_at.date().isoformat())
        pushes.setdefault(key, []).append(event)
    whole: list[_Group] = []
    by_name: dict[tuple[str, frozenset[str]], list[_Group]] = {}
    for push in pushes.values():
        name = (_leaf(push[0]), frozenset[str](one.kind for one in push))
        twin = next((one for one in by_name.get(name, ()) if _is_same(one, push[0], known)), None)
        if twin is not None:
            twin.extend(push)
        else:
            whole.append(push)
            by_name.setdefault(name, []).append(push)
    return [tuple(one) for one in whole]


def sightings_of(group: tuple[ReleaseEvent, ...]) -> tuple[str, ...]:
    """Return an id for each event of a group, of what happened and when it was seen: the first is the group's own.

    The group's stays as the group grows; all together know it again where a later beginning cuts its first events off.
    """
    return tuple(digest_of([event.id, event.seen_at.isoformat()]) for event in group)


def _is_same(group: _Group, event: ReleaseEvent, known: Known) -> bool:
    """Tell whether a push is on a hub that a group is not on yet, by the same publisher, at about the same time."""
    if any(_hub(one) == _hub(event) for one in group):
        return False
    if abs(event.seen_at - group[0].seen_at) > _APART:
        return False
    mine, theirs = repository_of(group[0].subject), repository_of(event.subject)
    if mine.partition("/")[0].casefold() == theirs.partition("/")[0].casefold():
        return True
    one, other = known.organisation(mine), known.organisation(theirs)
    return one is not None and other is not None and one.display_name == other.display_name


def _hub(event: ReleaseEvent) -> str:
    return event.subject.partition(":")[0]


def _leaf(event: ReleaseEvent) -> str:
    return event.subject.rpartition("/")[2].casefold()
