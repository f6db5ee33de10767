"""Rounds against the tests' hub: what is an event, what is none, and what it costs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.testing.hub_server import Fault

from .conftest import NOW, model, weights

if TYPE_CHECKING:
    from weighbridge.core.event import ReleaseEvent

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


def _create_anew(world: World, last: int) -> None:
    """Publish `acme/a` under an id of its own, as a hub does."""
    world.hub.write("acme/a", model(last))
    world.hub.repository("acme/a").born = "acme/a, the second"  # type: ignore[union-attr]


def _say(events: list[ReleaseEvent]) -> list[tuple[str, str]]:
    return [(event.kind, event.subject) for event in events]


def test_a_name_given_to_another_repository_is_a_rename_and_a_release(world: World) -> None:
    """The hub's own id says which one stands there: no weights were replaced in place."""
    world.hub.write("acme/a", model(1))
    world.follow("hf:acme")
    world.events()
    world.hub.rename("acme/a", "acme/b")
    _create_anew(world, 9)
    world.hub.moved.clear()  # a name that is taken leads nowhere
    events = world.events()
    assert sorted(_say(events)) == [("release", "hf:acme/a"), ("rename", "hf:acme/a")]
    assert world.events() == []
    world.hub.write("acme/b", {"model.safetensors": weights(4)})
    assert world.kinds() == [("weights", "hf:acme/b")]


def test_names_that_were_exchanged_are_renames(world: World) -> None:
    """Each is compared with itself, and who followed one by its name follows it on."""
    world.hub.write("acme/a", model(1))
    world.hub.write("acme/b", model(2))
    world.follow("hf:acme/a", "hf:acme/b")
    world.follow("hf:acme")
    world.events()
    for old, new in (("a", "c"), ("b", "a"), ("c", "b")):
        world.hub.rename(f"acme/{old}", f"acme/{new}")
    world.hub.moved.clear()
    assert world.kinds() == [("rename", "hf:acme/a"), ("rename", "hf:acme/b")]
    assert world.events() == []
    world.hub.write("acme/b", {"model.safetensors": weights(5)})
    assert world.kinds() == [("weights", "hf:acme/b")]


def test_a_name_deleted_and_given_away_is_a_deletion_and_a_release(world: World) -> None:
    """Nothing is said of weights that changed: they are another repository's."""
    world.hub.write("acme/a", model(1))
    world.follow("hf:acme")
    world.events()
    world.hub.delete("acme/a")
    _create_anew(world, 7)
    events = world.events()
    assert sorted(_say(events)) == [("deletion", "hf:acme/a"), ("release", "hf:acme/a")]
    assert world.events() == []
