"""The laws of a store: what every implementation of `weighbridge.store.protocol.Store` must keep.

In the test module of a store, for pytest:

    TestMyStore = laws_of_a_store(lambda folder: MyStore(folder / "evidence"))
"""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from weighbridge.core.evidence import Evidence, Producer
from weighbridge.errors import NotFound, UsageError, WeighbridgeError
from weighbridge.testing.law import hold, refuses

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from weighbridge.store.protocol import Store

__all__ = ["StoreLaws", "example_evidence", "laws_of_a_store"]

_AWKWARD: dict[str, Any] = {
    "empty": {"list": [], "object": {}, "text": ""},
    "numbers": [0, -1, 2**53 - 1, -(2**53) + 1, 0.1, 1e-320, 1e20, 1.7976931348623157e308, 5e-324],
    "truth": [True, False, None],
    "text": "\u4e2d\u6587 \U0001f600 \u0000 \u2028 \" \\ ' ; DROP TABLE evidence; --",
    "deep": [[[[[[{"a": [1, {"b": "c"}]}]]]]]],
}


def example_evidence(number: int = 0, **fields: Any) -> Evidence:
    """Return a small statement; `number` tells it apart, `fields` replace its fields."""
    example = Evidence(
        subject="sha256:" + "a" * 64,
        kind="example/v1",
        body={"number": number},
        inputs=("sha256:" + "b" * 64,),
        producer=Producer("weighbridge.testing", "1"),
        made_on=date(2026, 1, 2),
    )
    return replace(example, **fields)


class StoreLaws:
    """One method a law. `open_store` opens the store of a folder: the same folder is the same store."""

    def open_store(self, folder: Path) -> Store:
        """Return a store; overridden for the implementation under test."""
        raise NotImplementedError

    def test_what_was_added_comes_back(self, tmp_path: Path) -> None:
        """A statement is returned equal, by its whole id and by a prefix, with and without `sha256:`."""
        store = self.open_store(tmp_path)
        evidence = example_evidence(body=_AWKWARD)
        added = store.add(evidence)
        hold(added == evidence.id, "`add` returns the id of the evidence")
        for prefix in (added, added.removeprefix("sha256:"), added[:15], added.removeprefix("sha256:")[:4]):
            found = store.get(prefix)
            hold(found == evidence, f"`get` returns what was added: {found.body!r}")
            hold(found.id == added, "what comes back has the id under which it was added")
        store.close()

    def test_adding_twice_changes_nothing(self, tmp_path: Path) -> None:
        """The same statement is one record."""
        store = self.open_store(tmp_path)
        ids = {store.add(example_evidence()) for _ in range(3)}
        hold(len(ids) == 1, "the same statement has the same id")
        hold(len(list(store.select())) == 1, "the same statement is stored once")
        store.close()

    def test_select_keeps_the_order_and_the_filters(self, tmp_path: Path) -> None:
        """Statements come in the order they were added; subject and kind narrow them together."""
        store = self.open_store(tmp_path)
        subjects, kinds = ("sha256:" + "1" * 64, "sha256:" + "2" * 64), ("one/v1", "two/v1")
        every = [example_evidence(n, subject=subjects[n % 2], kind=kinds[n // 2 % 2]) for n in range(120)]
        for evidence in every:
            store.add(evidence)
        hold(list(store.select()) == every, "`select` yields all in the order they were added")
        for subject in (None, *subjects, "sha256:" + "3" * 64):
            for kind in (None, *kinds, "three/v1"):
                wanted = [e for e in every if subject in {None, e.subject} and kind in {None, e.kind}]
                found = list(store.select(subject=subject, kind=kind))
                hold(found == wanted, f"`select(subject={subject}, kind={kind})` yields just those")
        store.close()

    def test_a_store_may_grow_while_it_is_read(self, tmp_path: Path) -> None:
        """Adding inside a `select` loop neither blocks nor repeats a record."""
        store = self.open_store(tmp_path)
        first = [store.add(example_evidence(n)) for n in range(3)]
        seen = []
        for evidence in store.select():
            seen.append(evidence.id)
            if len(seen) <= len(first):
                store.add(example_evidence(100 + len(seen)))
        hold(seen[: len(first)] == first, "records come in order while others are added")
        hold(len(set(seen)) == len(seen), "no record comes twice")
        store.close()

    def test_an_unknown_id_is_not_found(self, tmp_path: Path) -> None:
        """What is not there is NotFound; what is no id, or too short for one, is UsageError."""
        store = self.open_store(tmp_path)
        store.add(example_evidence())
        refuses(NotFound, lambda: store.get("sha256:" + "0" * 64), "an unknown id is NotFound")
        for bad in ("", "sha256:", "abc", "sha256:abc", "%%%%", "____", "zzzz", "ab' OR 1=1", "\udcff" * 8, "0" * 65):
            refuses(UsageError, lambda bad=bad: store.get(bad), f"{bad!r} is not an id: UsageError")  # type: ignore[misc]  # a lambda with a default
        store.close()

    def test_an_ambiguous_prefix_is_refused(self, tmp_path: Path) -> None:
        """A prefix that several ids share is never answered with one of them."""
        store = self.open_store(tmp_path)
        seen: dict[str, Evidence] = {}
        for number in range(100_000):
            evidence = example_evidence(number)
            prefix = evidence.id.removeprefix("sha256:")[:4]
            other = seen.setdefault(prefix, evidence)
            if other is not evidence:
                store.add(evidence)
                store.add(other)
                refuses(UsageError, lambda shared=prefix: store.get(shared), "an ambiguous prefix is refused")  # type: ignore[misc]  # a lambda with a default
                hold(store.get(other.id) == other, "the whole id is never ambiguous")
                break
        store.close()

    def test_the_newest_of_a_recipe_counts(self, tmp_path: Path) -> None:
        """`by_recipe` asks "has this been done already?"."""
        store = self.open_store(tmp_path)
        old, new = example_evidence(1), example_evidence(2)
        hold(old.recipe == new.recipe, "the example is one recipe")
        hold(store.by_recipe(old.recipe) is None, "an unknown recipe is None")
        store.add(old)
        store.add(new)
        store.add(old)
        hold(store.by_recipe(old.recipe) == new, "`by_recipe` returns what was added last")
        store.close()

    def test_what_is_not_json_is_refused(self, tmp_path: Path) -> None:
        """NaN, infinities, large integers and foreign objects leave the store as it was."""
        store = self.open_store(tmp_path)
        for value in (float("nan"), float("inf"), 2**53, {1, 2}, b"bytes"):
            bad = example_evidence(body={"value": value})
            refuses(WeighbridgeError, lambda bad=bad: store.add(bad), f"{value!r} is not JSON: refused")  # type: ignore[misc]  # a lambda with a default
        hold(store.verify() == 0, "a refused statement leaves nothing behind")
        store.close()

    def test_verify_counts_what_holds(self, tmp_path: Path) -> None:
        """An empty store verifies as 0, and every record counts."""
        store = self.open_store(tmp_path)
        hold(store.verify() == 0, "an empty store verifies as 0")
        for number in range(7):
            store.add(example_evidence(number, body={**_AWKWARD, "number": number}))
        hold(store.verify() == 7, "`verify` counts the records")  # noqa: PLR2004 - as many as were added
        store.close()

    def test_completions_are_kept_as_they_were(self, tmp_path: Path) -> None:
        """Many recipes are answered at once, unknown ones are missing, and the first answer stays."""
        store = self.open_store(tmp_path)
        bodies = {f"sha256:{n:064x}": {**_AWKWARD, "n": n, "text": f"answer {n} \ud800"} for n in range(2500)}
        store.add_completions({})
        store.add_completions(bodies)
        hold(store.completions([]) == {}, "asking for nothing gives nothing")
        hold(store.completions([*bodies, "sha256:" + "f" * 64]) == bodies, "every completion comes back as it was")
        first = next(iter(bodies))
        store.add_completions({first: {"text": "another answer"}, "new": {}})
        hold(store.completions(iter([first, "new"])) == {first: bodies[first], "new": {}}, "the first completion stays")
        store.close()

    def test_a_batch_of_completions_is_whole_or_nothing(self, tmp_path: Path) -> None:
        """One completion that is not JSON keeps the others of its batch out."""
        store = self.open_store(tmp_path)
        for value in (float("nan"), object()):
            batch = {"good": {"text": "a"}, "bad": {"text": value}}
            refuses(WeighbridgeError, lambda batch=batch: store.add_completions(batch), "not JSON: refused")  # type: ignore[misc]  # a lambda with a default
        hold(store.completions(["good", "bad"]) == {}, "a refused batch leaves nothing behind")
        store.close()

    def test_everything_survives_reopening(self, tmp_path: Path) -> None:
        """What was added is there for the next process; closing twice is harmless."""
        store = self.open_store(tmp_path)
        added = store.add(example_evidence())
        store.add_completions({"recipe": {"text": "answer"}})
        store.close()
        store.close()
        again = self.open_store(tmp_path)
        hold(again.get(added) == example_evidence(), "evidence survives")
        hold(again.completions(["recipe"]) == {"recipe": {"text": "answer"}}, "completions survive")
        hold(again.verify() == 1, "the chain goes on")
        again.close()

    def test_threads_and_connections_make_one_chain(self, tmp_path: Path) -> None:
        """Two open stores, each used from two threads, append without losing or breaking anything."""
        stores = [self.open_store(tmp_path), self.open_store(tmp_path)]
        troubles: list[BaseException] = []

        def append(lane: int) -> None:
            try:
                for number in range(25):
                    stores[lane % 2].add(example_evidence(lane * 100 + number))
                    stores[lane % 2].add_completions({f"{lane}-{number}": {"lane": lane}})
            except BaseException as error:  # noqa: BLE001 - handed to the thread that asserts
                troubles.append(error)

        threads = [threading.Thread(target=append, args=(lane,)) for lane in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        hold(not troubles, f"concurrent writers do not fail: {troubles}")
        hold(stores[0].verify() == stores[1].verify() == 4 * 25, "every record of every writer is in one chain")
        for store in stores:
            store.close()


def laws_of_a_store(open_store: Callable[[Path], Store]) -> type[StoreLaws]:
    """Return the laws as a class, which pytest collects where its name begins with `Test`."""

    class TestStoreLaws(StoreLaws):
        def open_store(self, folder: Path) -> Store:
            return open_store(folder)

    return TestStoreLaws
