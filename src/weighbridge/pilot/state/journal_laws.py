"""The laws of a pilot's journal, which every `PilotState` keeps: entries in one order, documents by compare-and-set."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from weighbridge.pilot.journal.protocol import Document, Entry, Notice
from weighbridge.testing.law import hold

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.pilot.state.protocol import PilotState

__all__ = ["JournalLaws", "example_entry"]

_ALL = 1000
_BATCHES = 25


def example_entry(number: int = 0, route: str = "qwen", **fields: Any) -> Entry:
    """Return an entry; `number` tells it apart, `fields` replace its fields."""
    return replace(Entry(1e9 + number, route, "seen", {"which": number, "text": "\u4e2d '; -- \x00"}), **fields)


def _found(state: PilotState, name: str) -> Document:
    """Return a document that must be there."""
    document = state.document(name)
    if document is None:
        raise AssertionError(f"`{name}` was put")
    return document


class JournalLaws:
    """One method a law."""

    def open_state(self, folder: Path) -> PilotState:
        """Return a state; overridden for the implementation under test."""
        raise NotImplementedError

    def test_entries_come_back_in_order(self, tmp_path: Path) -> None:
        """Those of a route, as they were, after a number and no more than asked for; also for the next process."""
        state = self.open_state(tmp_path)
        written = [example_entry(n, "qwen" if n % 3 else "llama") for n in range(250)]
        state.append([])
        state.append(written[:1])
        state.append(written[1:])
        state.close()
        state = self.open_state(tmp_path)
        found = state.entries("qwen", 0, _ALL)
        hold([replace(one, number=0) for one in found] == [one for one in written if one.route == "qwen"], "all, whole")
        numbers = [one.number for one in found]
        hold(numbers == sorted(set(numbers)) and numbers[0] > 0, "their numbers grow from 1 on")
        hold(state.entries("qwen", numbers[9], 2) == found[10:12], "the next ones after a number")
        hold(state.entries("' OR 1=1 --", 0, _ALL) == [], "a route without entries has none")
        state.close()

    def test_news_tells_which_routes_have_any(self, tmp_path: Path) -> None:
        """The newest number, and the routes with entries after another one; forgetting makes no news."""
        state = self.open_state(tmp_path)
        hold(state.news(0) == (0, ()), "nothing was written")
        state.append([example_entry(1), example_entry(2), example_entry(3, "llama")])
        newest, routes = state.news(0)
        hold((newest, sorted(routes)) == (state.entries("llama", 0, 1)[0].number, ["llama", "qwen"]), "both have news")
        hold(state.news(newest) == (newest, ()), "nothing after the newest")
        hold(state.news(newest - 1) == (newest, ("llama",)), "one after the one before it")
        hold(state.forget(2e9, _ALL) == len(("all", "of", "them")), "all are old")
        hold(state.news(0) == (newest, ()), "numbers are not used again")
        state.close()

    def test_what_is_no_json_is_refused_whole(self, tmp_path: Path) -> None:
        """A number that is none or an object: nothing of the batch is written, no document is changed."""
        state = self.open_state(tmp_path)
        for bad in (float("nan"), object()):
            for write in (
                partial(state.append, [example_entry(), example_entry(facts={"x": bad})]),
                partial(state.put_all, [Document("a", {}), Document("b", {"x": bad})]),
            ):
                try:
                    write()
                except (ValueError, TypeError):
                    continue
                hold(False, "what is no JSON is refused")
        hold((state.news(0), state.documents()) == ((0, ()), (0, ())), "nothing of it was written")
        state.close()

    def test_no_reader_passes_over_an_entry(self, tmp_path: Path) -> None:
        """While three write, one who reads on from the last number it saw sees every entry once."""
        states = [self.open_state(tmp_path) for _ in range(4)]

        def write(at: int) -> None:
            for number in range(_BATCHES):
                states[at].append([example_entry(at * 100 + number), example_entry(at * 100 + number, "other")])

        threads = [threading.Thread(target=write, args=(at,)) for at in (0, 1, 2)]
        for thread in threads:
            thread.start()
        seen: list[int] = []
        after, is_last = 0, False
        while not is_last:
            is_last = not any(thread.is_alive() for thread in threads)
            while page := states[3].entries("qwen", after, 7):
                after = page[-1].number
                seen += [one.facts["which"] for one in page]
        hold(sorted(seen) == sorted(at * 100 + n for at in (0, 1, 2) for n in range(_BATCHES)), "each was seen once")
        for state in states:
            state.close()

    def test_documents_come_back_as_they_were(self, tmp_path: Path) -> None:
        """Body, place in the journal and notices survive; whoever knows a version is told of what changed since."""
        state = self.open_state(tmp_path)
        notice = Notice("a:1:x", 1.5, "qwen", "canary.rolled_back", "alarm", "\u4e2d '", "sha256:0", {"n": [1, None]})
        document = Document("canary/qwen/1", {"share": 0.05, "text": "\u4e2d"}, 7, 0, (notice,))
        hold(state.document("canary/qwen/1") is None, "there is none yet")
        hold(state.put(document), "a new one is kept")
        state.close()
        state = self.open_state(tmp_path)
        kept = _found(state, "canary/qwen/1")
        hold(replace(kept, version=0) == document, f"as it was: {kept!r}")
        newest, documents = state.documents()
        hold(documents == (kept,) and newest == kept.version > 0, "it bears the version")
        hold(state.documents(newest) == (newest, ()), "nothing changed since")
        versions = state.put_all([Document("b", {}), replace(kept, notices=())])
        newest, documents = state.documents(newest)
        hold({one.name for one in documents} == {"b", "canary/qwen/1"}, "both changed")
        hold({one.name: one.version for one in documents} == {"b": versions[0], kept.name: versions[1]}, "as was said")
        hold(newest == max(versions) > kept.version, "the version grows over all of them")
        state.close()

    def test_the_faster_one_wins(self, tmp_path: Path) -> None:
        """A document that another has put meanwhile is not overwritten, and the others of the call are kept."""
        state, other = self.open_state(tmp_path), self.open_state(tmp_path)
        hold(state.put(Document("a", {"by": 1})), "the first makes it")
        hold(not other.put(Document("a", {"by": 2})), "the second does not make it again")
        mine = _found(state, "a")
        hold(other.put(replace(mine, body={"by": 2})), "whoever knows the newest may change it")
        versions = state.put_all([replace(mine, body={"by": 3}), Document("b", {})])
        hold(versions[0] == 0 < versions[1], "the slower one is told so")
        hold(not state.put(replace(mine, body={"by": 3})), "however often it tries")
        found = {one.name: one.body for one in state.documents()[1]}
        hold(found == {"a": {"by": 2}, "b": {}}, f"what was put first stays: {found}")
        state.close()
        other.close()

    def test_every_step_counts_once(self, tmp_path: Path) -> None:
        """Four threads over two open states count to 40 in one document, each trying again where it was slower."""
        states = [self.open_state(tmp_path), self.open_state(tmp_path)]
        states[0].put(Document("sum", {"n": 0}))

        def count(state: PilotState) -> None:
            for _ in range(10):
                while (at := state.document("sum")) and not state.put(replace(at, body={"n": at.body["n"] + 1})):
                    pass

        threads = [threading.Thread(target=count, args=(states[n % 2],)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        final = _found(states[0], "sum")
        hold(final.body == {"n": 40}, f"no step is lost or doubled: {final!r}")
        for state in states:
            state.close()

    def test_documents_that_nobody_wants_are_dropped(self, tmp_path: Path) -> None:
        """Those not changed since a time, without notices, and not wanted; whoever knew one cannot change it."""
        state = self.open_state(tmp_path)
        notice = Notice("a:1:x", 1.5, "qwen", "canary.rolled_back", "alarm", "why")
        state.put_all([Document("old", {"n": 1}), Document("wanted", {}), Document("tells", {}, notices=(notice,))])
        old = _found(state, "old")
        hold(state.retire(time.time() - 60, ()) == (), "what was changed since stays")
        hold(state.retire(time.time() + 60, {"wanted"}) == ("old",), "what is old and not wanted goes")
        hold([one.name for one in state.documents()[1]] == ["tells", "wanted"], "the others stay")
        hold(not state.put(replace(old, body={"n": 2})), "it is not changed any more")
        hold(state.put(Document("old", {})), "it can begin anew")
        state.close()

    def test_old_entries_are_forgotten_a_few_at_a_time(self, tmp_path: Path) -> None:
        """Only those seen before the time, no more than asked for, and what is new goes on being numbered."""
        state = self.open_state(tmp_path)
        state.append([example_entry(n) for n in range(10)])
        hold(state.forget(1e9 + 5, 3) == 3, "no more than asked for")  # noqa: PLR2004 - as many
        hold(state.forget(1e9 + 5, 100) == 2, "the rest of the old ones")  # noqa: PLR2004 - five, less three
        hold(state.forget(1e9 + 5, 100) == 0, "none is left")
        hold([one.facts["which"] for one in state.entries("qwen", 0, _ALL)] == list(range(5, 10)), "the others stay")
        (sixth,) = state.entries("qwen", 0, 1)
        hold(state.forget(0.0, 100, sixth.number + 2) == 2, "those below a number")  # noqa: PLR2004 - of five
        hold([one.facts["which"] for one in state.entries("qwen", 0, _ALL)] == [7, 8, 9], "the others stay")
        hold(state.forget(2e9, 1, 2**40) == 1, "no more than asked for in all")
        state.append([example_entry(10)])
        hold(state.entries("qwen", 0, _ALL)[-1].facts["which"] == 10, "the newest comes last")  # noqa: PLR2004 - its name
        state.close()
