"""What rounds say beside the changes: dates, names, subscriptions, and the log."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from weighbridge.errors import UsageError, WeighbridgeError
from weighbridge.knowledge.load import Knowledge
from weighbridge.knowledge.tables import Family, Organisation, Release
from weighbridge.watch.log import EventLog
from weighbridge.watch.state import WatchState
from weighbridge.workflow.watch import Watcher, unsubscribe

from .conftest import NOW, model, weights

if TYPE_CHECKING:
    from .conftest import World

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


def test_since_reports_recent_releases_at_the_first_look(world: World) -> None:
    """By the hub's date of creation, and the event says so."""
    world.hub.write("acme/old", {"README.md": b"x"}, date=NOW - timedelta(days=90))
    world.hub.write("acme/young", {"README.md": b"x"}, date=NOW - timedelta(days=9))
    world.follow("hf:acme")
    report = world.watcher.run(since=NOW - timedelta(days=30))
    assert [(event.kind, event.subject) for event in report.events] == [("release", "hf:acme/young")]
    assert "first look" in report.events[0].notes[0]


def test_dates_that_cannot_be_true_are_noted_and_order_nothing(world: World) -> None:
    """A repository from the future is a release like any other, with a note."""
    world.hub.write("acme/a", {"README.md": b"x"})
    world.follow("hf:acme")
    world.events()
    world.hub.write("acme/z", {"README.md": b"x"}, date=datetime(2031, 1, 1, tzinfo=UTC))
    world.hub.write("acme/b", {"README.md": b"x"}, date=datetime(2001, 1, 1, tzinfo=UTC))
    events = world.events()
    assert [event.subject for event in events] == ["hf:acme/b", "hf:acme/z"]
    assert "future" in events[1].notes[0]
    assert events[1].created_at == datetime(2031, 1, 1, tzinfo=UTC)
    assert events[1].seen_at == NOW


def _known(world: World, *releases: Release) -> Knowledge:
    makers = [Organisation("deepseek-ai", "DeepSeek", "CN", "company", "test")]
    family = Family("DeepSeek", "deepseek", "deepseek-ai", "test")
    del world
    return Knowledge(makers, [family], releases)


def test_a_release_under_a_name_like_a_makers_is_severe_unless_the_hub_verified_it(world: World) -> None:
    """`deepseek_ai` is not `deepseek-ai`; a verified namespace is nobody's imitation."""
    world.known = _known(world)
    for name in ("deepseek_ai", "deepseek-a1"):
        assert world.known.look_alike(name), name
        world.hub.write(f"{name}/a", {"README.md": b"x"})
        world.follow(f"hf:{name}")
    world.hub.publishers["deepseek_ai"] = {"isVerified": False}
    world.events()
    for name in ("deepseek_ai", "deepseek-a1"):
        world.hub.write(f"{name}/DeepSeek-V5", {"README.md": b"x"})
    verified, strange = world.events()
    assert (strange.severity, verified.severity) == ("high", "medium")
    assert "not verified" in strange.notes[0]


def test_a_makers_own_date_is_kept_apart_from_the_hubs(world: World) -> None:
    """`announced_at` comes from a listed source that names the day, or is unknown."""
    announced = Release(
        "DeepSeek", "deepseek-ai/V9", "2026-11-03", datetime(2026, 11, 3, tzinfo=UTC).date(), "announced", "test"
    )
    month = replace(announced, model="deepseek-ai/V8", date_text="2026-11", day=announced.day.replace(day=1))
    world.known = _known(world, announced, month)
    world.follow("family:deepseek")
    world.hub.write("deepseek-ai/V7", {"README.md": b"x"})
    world.watcher.run()
    for name in ("V8", "V9"):
        world.hub.write(f"deepseek-ai/{name}", {"README.md": b"x"}, date=datetime(2026, 10, 20, tzinfo=UTC))
    by_name = {event.subject: event for event in world.watcher.run().events}
    assert by_name["hf:deepseek-ai/V9"].announced_at == datetime(2026, 11, 3, tzinfo=UTC)
    assert by_name["hf:deepseek-ai/V9"].created_at == datetime(2026, 10, 20, tzinfo=UTC)
    assert by_name["hf:deepseek-ai/V8"].announced_at is None


def test_a_wider_subscription_begins_anew_without_inventing_releases(world: World) -> None:
    """One model, then its whole publisher: the others were there, and are no event."""
    world.hub.write("acme/a", model(1))
    world.hub.write("acme/b", model(2))
    world.follow("hf:acme/a")
    world.events()
    world.follow("hf:acme")
    world.hub.write("acme/a", {"model.safetensors": weights(6)})
    assert world.kinds() == [("weights", "hf:acme/a")]
    unsubscribe(world.folder, ["hf:acme"], world.known)
    world.hub.write("acme/c", model(3))
    world.hub.delete("acme/b")
    assert world.events() == []
    world.follow("hf:acme")
    assert world.events() == []
    assert world.events() == [], "what went while nobody followed it is no event either"


def test_names_that_are_nowhere_are_unknown_and_no_event(world: World) -> None:
    """A typing mistake is said, round after round."""
    world.follow("hf:nobody", "hf:acme/nothing")
    report = world.watcher.run()
    assert report.events == []
    assert len(report.unknown) == 2


def test_a_round_that_spent_its_calls_goes_on_where_it_was(world: World) -> None:
    """What limits leave over is not lost, and comes first."""
    for number in range(6):
        world.hub.write(f"org{number}/m", {"README.md": b"x"})
    world.follow(*(f"hf:org{number}" for number in range(6)))
    few = replace(world.watcher, most_calls=2)
    first = few.run()
    assert not first.is_whole
    assert set(first.skipped) == {f"hf:org{number}" for number in range(2, 6)} or first.calls >= 2
    seen: set[str] = {look.target for look in first.looks}
    for _ in range(6):
        seen |= {look.target for look in replace(few, clock=lambda: datetime.now(UTC)).run().looks}
    assert seen == {f"hf:org{number}" for number in range(6)}


def test_two_watches_of_one_workspace_do_not_log_twice(world: World) -> None:
    """The second one ends with an error, and the log holds each event once."""
    world.hub.write("acme/m", model())
    world.follow("hf:acme")

    class Nested(Watcher):
        """A watch that starts another while it runs."""

    inner = world.watcher

    def during() -> datetime:
        with pytest.raises(WeighbridgeError, match="another"):
            inner.run()
        return NOW

    Nested(world.folder, world.known, open_hub=world.open, clock=during).run()


def test_nothing_followed_is_a_usage_error(world: World) -> None:
    """Nothing is asked where nothing is followed."""
    with pytest.raises(UsageError, match="nothing is watched"):
        world.watcher.run()
    assert world.hub.seen == []


def test_the_log_keeps_what_the_rounds_said(world: World) -> None:
    """Reading the log gives the very events, by subject, by date and by id; numbers only grow."""
    world.hub.write("acme/a", model(1))
    world.follow("hf:acme")
    world.events()
    world.hub.write("acme/a", {"model.safetensors": weights(2)})
    world.hub.write("acme/b", model())
    said = world.events()
    with EventLog(world.folder) as log:
        assert list(log.events()) == said
        assert list(log.events(subject="hf:acme/a")) == said[:1]
        assert list(log.events(since=NOW + timedelta(seconds=1))) == []
        assert log.get(said[1].id[:20]) == said[1]
        numbers = [one.number for one in log.after(0)]
        assert numbers == sorted(set(numbers))
        assert [one.event for one in log.after(numbers[0])] == said[1:]


def test_events_cannot_be_changed_or_deleted(world: World) -> None:
    """The file itself refuses."""
    world.hub.write("acme/a", model(1))
    world.follow("hf:acme")
    world.watcher.run(since=NOW - timedelta(days=9999))
    with WatchState(world.folder) as state:
        for words in ("DELETE FROM events", "UPDATE events SET subject = 'x'"):
            with pytest.raises(WeighbridgeError, match="append-only"), state._database.writing() as connection:
                connection.execute(words)


def test_a_release_is_not_lost_to_a_clock_that_was_ahead(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first look dated in the future makes nothing old: the hub's own dates then say what is new."""
    monkeypatch.setattr("weighbridge.watch.poll._FIRST_CALLS", 1)
    world.hub.page = 2
    for number in range(4):
        world.hub.write(f"acme/m{number}", model(number), date=NOW - timedelta(days=9 + number))
    world.follow("hf:acme")
    assert replace(world.watcher, clock=lambda: NOW + timedelta(days=1000)).run().events == []
    world.hub.write("acme/new", model(7), date=NOW - timedelta(days=1))
    assert [(event.kind, event.subject) for event in world.watcher.run().events] == [("release", "hf:acme/new")]
    world.hub.write("acme/m3", model(8), date=NOW)
    report = world.watcher.run()
    assert report.events == [], "created before the first look"
    assert any("may be old" in words for words in report.unknown)
