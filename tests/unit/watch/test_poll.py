"""Rounds against the tests' hub: what is an event, what is none, and what it costs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.errors import UsageError, WeighbridgeError
from weighbridge.knowledge.load import Knowledge
from weighbridge.knowledge.tables import Family, Organisation, Release
from weighbridge.testing.hub_server import Fault
from weighbridge.watch.log import EventLog
from weighbridge.watch.state import WatchState
from weighbridge.workflow.watch import Watcher, unsubscribe

from .conftest import NOW, model, weights

if TYPE_CHECKING:
    from .conftest import World

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


def _calls(world: World) -> int:
    return world.watcher.run().calls


def test_what_was_there_is_no_event_and_a_quiet_round_costs_one_call(world: World) -> None:
    """The first look begins the story; a second one without news is one list call."""
    for number in range(3):
        world.hub.write(f"acme/m{number}", model(number))
    world.follow("hf:acme")
    assert world.events() == []
    world.hub.seen.clear()
    assert world.events() == []
    assert len(world.hub.seen) == 1


def test_forty_publishers_cost_forty_calls(world: World) -> None:
    """First round and quiet round alike: one call each."""
    for number in range(40):
        world.hub.write(f"org{number}/m", {"README.md": b"x"})
    world.follow(*(f"hf:org{number}" for number in range(40)))
    assert [_calls(world), _calls(world)] == [40, 40]


def test_no_call_reads_a_configuration_or_weights(world: World) -> None:
    """A GET or HEAD of `config.json` counts as a download (hub-docs, models-download-stats)."""
    world.hub.write("acme/m", model())
    world.follow("hf:acme/m", "ms:acme/m")
    world.events()
    world.hub.write("acme/m", {**model(5), "config.json": b'{"model_type": "qwen3"}'})
    kinds = world.kinds()
    assert ("config", "hf:acme/m") in kinds
    assert ("weights", "ms:acme/m") in kinds
    lines = [seen.line for seen in world.hub.seen]
    # the tokenizer's configuration is none of the files that are counted
    assert not [line for line in lines if "/config.json" in line or "FilePath=config.json" in line]
    assert not [line for line in lines if "safetensors" in line and "expand" not in line]
    assert not [seen for seen in world.hub.seen if seen.is_storage]


@pytest.mark.parametrize("hub", ["hf", "ms"])
def test_each_change_is_its_own_kind_of_event(world: World, hub: str) -> None:
    """What differs in the repository decides the kind, on both hubs; nothing else is said."""
    for number in range(6):
        world.hub.write(f"acme/m{number}", model(number))
    world.follow(f"{hub}:acme")
    world.events()
    # enough rounds that the files of all are known, for one hub names no commits in its lists
    write = world.hub.write
    write("acme/m5", {"model.safetensors": weights(77)})
    write("acme/m4", {"README.md": b"---\nlicense: apache-2.0\n---\nA model"})
    write("acme/m3", {"tokenizer_config.json": b'{"chat_template": "{% if tools %}{{ messages }}{% endif %}"}'})
    write("acme/m2", {"figure.png": b"png"})
    write("acme/new", model(9))
    write("acme/m1-GGUF", {"README.md": b"---\nbase_model: acme/m1\n---\n"})
    kinds = world.kinds()
    assert kinds == sorted(kinds, key=lambda pair: pair[1])
    assert ("weights", f"{hub}:acme/m5") in kinds
    assert {kind for kind, subject in kinds if subject.endswith("m4")} == {"licence-tag", "card"}
    assert {kind for kind, subject in kinds if subject.endswith("m3")} == {"chat-template"}
    assert {kind for kind, subject in kinds if subject.endswith("m2")} == {"other-files"}
    assert {kind for kind, subject in kinds if subject.endswith("new")} == {"release"}
    assert {kind for kind, subject in kinds if subject.endswith("GGUF")} == {"new-quantization"}
    assert not [subject for _, subject in kinds if subject.endswith(("m0", "m1"))]
    assert world.events() == []


def test_a_change_costs_few_calls(world: World) -> None:
    """Listing, both revisions, history and the texts that differ: some ten calls, once."""
    world.hub.write("acme/m", model())
    world.follow(*(f"hf:acme/m{n}" for n in range(2)), "hf:acme/m")
    for number in range(2):
        world.hub.write(f"acme/m{number}", model())
    world.events()
    world.hub.write("acme/m", {"model.safetensors": weights(3)})
    assert _calls(world) <= 1 + 6
    assert _calls(world) == 1


def test_a_rename_is_followed_by_redirect_and_by_id(world: World) -> None:
    """A renamed model is no deletion and no release, and its later changes are seen under its new name."""
    world.hub.write("acme/old", model())
    world.follow("hf:acme/old")
    world.events()
    world.hub.rename("acme/old", "acme/new")
    (event,) = world.events()
    assert (event.kind, event.subject, event.after) == ("rename", "hf:acme/old", {"repository": "acme/new"})
    world.hub.write("acme/new", {"model.safetensors": weights(4)})
    assert world.kinds() == [("weights", "hf:acme/new")]


def test_a_rename_on_a_watched_shelf_is_one_event(world: World) -> None:
    """Old name gone, new name there, one id: a rename; also to another publisher that is watched."""
    world.hub.write("acme/a", model(1))
    world.hub.write("beta/b", model(2))
    world.follow("hf:acme", "hf:beta")
    world.events()
    world.hub.rename("beta/b", "acme/b2")
    world.hub.rename("acme/a", "acme/a2")
    world.hub.moved.clear()  # the hub has forgotten where they went
    assert world.kinds() == [("rename", "hf:acme/a"), ("rename", "hf:beta/b")]
    assert world.events() == []


def test_a_deletion_is_told_once_and_a_return_too(world: World) -> None:
    """Gone from a whole listing, and the hub says twice that it is not there; it may come back."""
    world.hub.write("acme/a", model(1))
    world.hub.write("acme/b", model(2))
    world.follow("hf:acme")
    world.events()
    assert world.hub.repository("acme/b")
    world.hub.repository("acme/b").facts["private"] = True  # type: ignore[union-attr]
    (event,) = world.events()
    assert (event.kind, event.subject) == ("deletion", "hf:acme/b")
    assert event.after == {"state": "deleted or made private"}
    assert world.events() == []
    world.hub.repository("acme/b").facts["private"] = False  # type: ignore[union-attr]
    assert world.kinds() == [("visibility", "hf:acme/b")]


def test_a_listing_that_leaves_models_out_deletes_nothing(world: World) -> None:
    """A poisoned or broken list is contradicted by the repositories themselves, and only some are asked."""
    for number in range(30):
        world.hub.write(f"acme/m{number:02d}", {"README.md": b"x"})
    world.follow("hf:acme")
    world.events()
    world.hub.faults.append(Fault(r"/api/models\?", body=b"[]"))
    report = world.watcher.run()
    assert report.events == []
    assert report.calls < 10
    assert "leaves out" in report.unknown[0]
    world.hub.faults.clear()
    assert world.events() == []


def test_a_short_listing_proves_no_absence(world: World) -> None:
    """A page of the listing shows the last changed: what it does not show may be there."""
    for number in range(5):
        world.hub.write(f"acme/m{number}", {"README.md": b"x"}, date=NOW - timedelta(days=9 - number))
    world.follow("hf:acme")
    world.events()
    world.hub.page = 2
    assert world.events() == []


def test_a_squashed_history_is_an_event_and_the_files_are_compared_where_they_are_remembered(world: World) -> None:
    """The pinned commit is gone; what was read before still tells which weights differ."""
    world.hub.write("acme/m", model())
    world.follow("hf:acme/m")
    world.events()
    world.hub.write("acme/m", {"model.safetensors": weights(8)})
    world.hub.squash("acme/m")
    events = world.events()
    assert [event.kind for event in events] == ["weights", "history-rewritten"]
    assert events[0].before["digests"] != events[0].after["digests"]
    assert events[1].before == {"commit": events[1].commit_before}


def test_gates_and_downloads(world: World) -> None:
    """A gate that closes is an event without a commit; people's downloads never are."""
    world.hub.write("acme/m", model())
    world.follow("hf:acme")
    world.events()
    world.hub.repository("acme/m").facts.update({"downloads": 10**7, "likes": 9})  # type: ignore[union-attr]
    assert world.events() == []
    world.hub.repository("acme/m").facts["gated"] = "manual"  # type: ignore[union-attr]
    (event,) = world.events()
    assert (event.kind, event.before, event.after) == ("gating", {"gated": "open"}, {"gated": "manual"})
    world.hub.repository("acme/m").facts["disabled"] = True  # type: ignore[union-attr]
    (event,) = world.events()
    assert (event.kind, event.severity) == ("visibility", "critical")
    assert world.events() == []


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
    assert world.events() == []
    world.follow("hf:acme")
    assert world.events() == []


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


def test_a_commit_that_vanishes_while_it_is_read_waits(world: World) -> None:
    """Listed at one commit, squashed before it was read: nothing is said, the next round tells it whole."""
    world.hub.write("acme/m", model())
    world.follow("hf:acme/m")
    world.events()
    world.hub.write("acme/m", {"model.safetensors": weights(5)})
    world.hub.faults.append(
        Fault(r"/revision/[0-9a-f]{40}", status=404, headers={"X-Error-Code": "RevisionNotFound"}, times=1)
    )
    report = world.watcher.run()
    assert (report.events, report.pending) == ([], ["hf:acme/m"])
    assert world.kinds() == [("weights", "hf:acme/m")]


def test_hostile_cards_and_listings_are_bounded(world: World) -> None:
    """Bombs in cards and rows of other publishers make no event, no traceback, and hide nobody else."""
    bomb = b"---\na: &a [x,x,x,x,x,x,x,x,x]\n" + b"b: &b [*a,*a,*a,*a,*a,*a]\n" * 20 + b"---\n"
    world.hub.write("acme/m", model())
    world.hub.write("acme/bomb", {"README.md": b"x"})
    world.follow("hf:acme")
    world.events()
    world.hub.write(
        "acme/bomb", {"README.md": bomb, "LICENSE": b"\xff\x00" * 3000, "chat_template.jinja": b"{{" * 9999}
    )
    world.hub.write("acme/m", {"model.safetensors": weights(2)})
    kinds: list[Any] = world.kinds()
    assert ("weights", "hf:acme/m") in kinds
    assert {kind for kind, subject in kinds if subject == "hf:acme/bomb"} <= {
        "card", "licence-text", "chat-template", "licence-tag"
    }  # fmt: skip


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
