"""The laws of a pilot's state: what every implementation of `PilotState` must keep.

In the test module of one, for pytest:

    TestMyState = laws_of_a_state(lambda folder: MyState(folder / "pilot.db"))
"""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from weighbridge.errors import WeighbridgeError
from weighbridge.pilot.access.keys import Budget, Key, Limits, Rights, Secret
from weighbridge.pilot.state.journal_laws import JournalLaws
from weighbridge.pilot.state.protocol import NANO, LeaseAsk, Spending, UsageRow
from weighbridge.testing.law import hold, refuses

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from weighbridge.pilot.state.protocol import PilotState

__all__ = ["StateLaws", "example_key", "laws_of_a_state"]

_DAY = date(2026, 2, 28)
_NEXT = date(2026, 3, 1)


def example_key(number: int = 0, **fields: Any) -> Key:
    """Return a key; `number` tells it apart, `fields` replace its fields."""
    rights = Rights("team", frozenset({"inference"}), frozenset({"qwen", "\u4e2d\u6587 '; --"}), 4e9)
    secret = Secret(number.to_bytes(32, "big"))
    return replace(Key(f"key{number:09d}", "a name", rights, 1e9 + number, secrets=(secret,)), **fields)


def _put(state: PilotState, *keys: Key) -> None:
    with state.changing_keys() as book:
        for key in keys:
            book.put(key)


class StateLaws(JournalLaws):
    """One method a law. `open_state` opens the state of a folder: the same folder is the same state."""

    def open_state(self, folder: Path) -> PilotState:
        """Return a state; overridden for the implementation under test."""
        raise NotImplementedError

    def test_keys_come_back_as_they_were(self, tmp_path: Path) -> None:
        """Rights, limits, budgets and secrets survive, also for the next process."""
        state = self.open_state(tmp_path)
        full = Rights("*", frozenset({"stop"}), None, None, Limits(1, 2, 3), Budget(0.1, 1e9, 0.0))
        two = (Secret(b"\xff" * 32, 1.5), Secret(b"\x00" * 31 + b"\xfe"))
        keys = (example_key(1), example_key(2, rights=full, parent="key000000001", revoked_at=2e9, secrets=two))
        _put(state, *keys)
        state.close()
        state.close()
        again = self.open_state(tmp_path)
        version, found = again.keys()
        hold(tuple(replace(key, version=0) for key in found) == keys, f"keys come back: {found!r}")
        hold({key.version for key in found} == {version} == {again.key_version()}, "they bear the version")
        with again.changing_keys() as book:
            hold(book.get("key000000001") == found[0], "`get` finds a key")
            hold(book.get("' OR 1=1 --") is None, "`get` of what is not there is None")
            hold(book.every() == found, "`every` returns all in the order of their making")
        again.close()

    def test_changes_are_told_by_version(self, tmp_path: Path) -> None:
        """Whoever knows a version is told of all that changed after it, and of nothing else."""
        state = self.open_state(tmp_path)
        _put(state, example_key(1), example_key(2))
        known = state.key_version()
        hold(state.keys(known) == (known, ()), "nothing changed since")
        _put(state, example_key(2, revoked_at=2e9, secrets=()))
        version, changed = state.keys(known)
        hold(version > known, "the version grows")
        hold([(key.id, key.revoked_at, key.secrets) for key in changed] == [("key000000002", 2e9, ())], "as changed")
        state.close()

    def test_a_change_is_whole_or_nothing(self, tmp_path: Path) -> None:
        """Where the block raises, or two keys would have one digest, neither keys, version nor notes change."""
        state = self.open_state(tmp_path)
        _put(state, example_key(1))
        before = state.keys()

        def fail() -> None:
            with state.changing_keys() as book:
                book.put(example_key(2))
                book.note("key.created", {})
                raise WeighbridgeError("no")

        refuses(WeighbridgeError, fail, "the error goes on to the caller")
        same = example_key(3, secrets=example_key(1).secrets)
        refuses(WeighbridgeError, lambda: _put(state, same), "no two keys have one digest")
        hold(state.keys() == before, "nothing of it is kept")
        noted: list[str] = []
        state.hand_over(lambda event, _facts: noted.append(event))
        hold(noted == [], "no note is left")
        state.close()

    def test_no_reader_misses_a_change(self, tmp_path: Path) -> None:
        """While two writers change keys, one who asks for what is new since the last time gets all of it."""
        writers, reader = (self.open_state(tmp_path), self.open_state(tmp_path)), self.open_state(tmp_path)

        def write(at: int) -> None:
            for number in range(15):
                _put(writers[at], example_key(at * 100 + number))

        threads = [threading.Thread(target=write, args=(at,)) for at in (0, 1)]
        for thread in threads:
            thread.start()
        known, seen = 0, set[str]()
        is_last = False
        while not is_last:
            is_last = not any(thread.is_alive() for thread in threads)
            known, changed = reader.keys(known)
            seen |= {key.id for key in changed}
        hold(len(seen) == 30 == known, "every key was seen, and each change has a version")  # noqa: PLR2004 - 2 times 15
        for state in (*writers, reader):
            state.close()

    def test_no_budget_is_leased_beyond_itself(self, tmp_path: Path) -> None:
        """Day, month and total each end a lease; the next day and month are new."""
        state = self.open_state(tmp_path)
        caps = Budget(usd_per_day=1, usd_per_month=1.5, usd_total=1.75)

        def lease(day: date) -> tuple[float, str]:
            (got,) = state.lease([LeaseAsk((("a", caps),), day, 2 * NANO)])
            return got.nano_usd / NANO, got.short_of

        hold(lease(_DAY.replace(day=1)) == (1, "day"), "no more than the day's")
        hold(lease(_DAY.replace(day=1)) == (0, "day"), "and then nothing")
        hold(lease(_DAY) == (0.5, "month"), "no more than the month's")
        hold(lease(_NEXT) == (0.25, "total"), "no more than in all")
        hold(state.spending("a", _NEXT) == Spending(NANO // 4, NANO // 4, 7 * NANO // 4), "charged as granted")
        state.give_back(["a"], _NEXT, NANO // 5)
        hold(lease(_NEXT) == (0.2, "total"), "what was given back can be leased again")
        state.close()

    def test_the_poorest_payer_decides(self, tmp_path: Path) -> None:
        """A lease is charged to a key and to those above it; debts are charged whatever is left."""
        state = self.open_state(tmp_path)
        payers = (("child", Budget(usd_per_day=5)), ("parent", Budget()), ("root", Budget(usd_total=1)))
        first, second = state.lease([LeaseAsk(payers, _DAY, NANO * 3 // 4), LeaseAsk(payers, _DAY, NANO)])
        hold((first.nano_usd, first.short_of) == (NANO * 3 // 4, ""), "there is enough for the first")
        hold((second.nano_usd, second.short_of) == (NANO // 4, "total"), "the second gets what the root has left")
        (third,) = state.lease([LeaseAsk(payers, _DAY, NANO, owed=7)])
        hold(third.nano_usd == 0, "nothing is left")
        for name in ("child", "parent", "root"):
            hold(state.spending(name, _DAY).total == NANO + 7, f"`{name}` is charged with all, and the debt")
        state.close()

    def test_nodes_share_a_budget(self, tmp_path: Path) -> None:
        """Four threads over two open states get together what the budget holds, to the last nano-dollar."""
        states = [self.open_state(tmp_path), self.open_state(tmp_path)]
        payers = (("a", Budget(usd_total=1)),)
        got: list[int] = []

        def lease(state: PilotState) -> None:
            for _ in range(8):
                got.extend(one.nano_usd for one in state.lease([LeaseAsk(payers, _DAY, NANO // 27)]))

        threads = [threading.Thread(target=lease, args=(states[n % 2],)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        hold(sum(got) == NANO == states[0].spending("a", _DAY).total, f"the leases are the budget: {sum(got)}")
        for state in states:
            state.close()

    def test_usage_adds_up(self, tmp_path: Path) -> None:
        """Rows of one day, key and route are one sum, and come back in order from a day on."""
        state = self.open_state(tmp_path)
        row = UsageRow(_NEXT, "a", "qwen", 1, 20, 300, 4 * 10**15)
        state.add_usage([])
        state.add_usage([row, replace(row, route="b"), replace(row, day=_DAY)])
        state.add_usage([row])
        twice = replace(row, requests=2, input_tokens=40, output_tokens=600, nano_usd=8 * 10**15)
        hold(state.usage(_NEXT) == [replace(row, route="b"), twice], "sums from that day on")
        state.add_usage([replace(row, day=date(2026, 3, 9), route="c")])
        hold(state.used(_NEXT) == {"a": Spending(12 * 10**15, 16 * 10**15, 20 * 10**15)}, "day, month and all")
        hold(len(state.usage(_DAY)) == 4, "and from the day before")  # noqa: PLR2004 - as many as were added
        state.close()

    def test_a_mark_moves_with_the_usage(self, tmp_path: Path) -> None:
        """The mark comes with its rows, in the place of the one before; marks of other nodes stay."""
        state = self.open_state(tmp_path)
        row = UsageRow(_DAY, "a", "qwen", 1, 20, 300, 4)
        hold(state.usage_marks() == frozenset(), "none at first")
        state.add_usage([], "1" * 64)
        state.add_usage([], "2" * 64)
        state.add_usage([row], "3" * 64, instead_of="1" * 64)
        state.add_usage([row], "3" * 64, instead_of="3" * 64)
        hold(state.usage_marks() == {"2" * 64, "3" * 64}, "each node's last one")
        hold(state.usage(_DAY) == [replace(row, requests=2, input_tokens=40, output_tokens=600, nano_usd=8)], "rows")
        state.close()

    def test_notes_are_handed_over_once(self, tmp_path: Path) -> None:
        """Notes come in order; those that the recorder raises at, and the ones after, stay for the next time."""
        state = self.open_state(tmp_path)
        with state.changing_keys() as book:
            for number in range(3):
                book.note("key.created", {"key": number, "text": "\u4e2d '"})
        kept: list[object] = []

        def record(event: str, facts: Mapping[str, object]) -> None:
            if len(kept) == 1:
                kept.append("full")
                raise WeighbridgeError("the disk is full")
            kept.append((event, facts["key"], facts["text"]))

        refuses(WeighbridgeError, lambda: state.hand_over(record), "the recorder's error goes on")
        state.hand_over(record)
        state.hand_over(record)
        notes = [("key.created", number, "\u4e2d '") for number in range(3)]
        hold(kept == [notes[0], "full", *notes[1:]], f"each note once, in order: {kept}")
        state.close()

    def test_the_pepper_is_remembered(self, tmp_path: Path) -> None:
        """The first mark stays; any other is told apart."""
        state = self.open_state(tmp_path)
        hold(state.same_pepper("one"), "the first one is taken")
        state.close()
        again = self.open_state(tmp_path)
        hold(again.same_pepper("one"), "and known again")
        hold(not again.same_pepper("two"), "another is not")
        again.close()


def laws_of_a_state(open_state: Callable[[Path], PilotState]) -> type[StateLaws]:
    """Return the laws as a class, which pytest collects where its name begins with `Test`."""

    class TestStateLaws(StateLaws):
        def open_state(self, folder: Path) -> PilotState:
            return open_state(folder)

    return TestStateLaws
