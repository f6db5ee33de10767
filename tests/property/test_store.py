from __future__ import annotations

from contextlib import closing
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.core.evidence import Evidence, Producer
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.testing.store_laws import example_evidence

LIMIT = 2**53 - 1
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-LIMIT, LIMIT)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
BODIES = st.dictionaries(st.text(), VALUES, max_size=5)
DIGESTS = st.integers(0, 2**256 - 1).map(lambda number: f"sha256:{number:064x}")
EVIDENCE = st.builds(
    Evidence,
    subject=DIGESTS,
    kind=st.text(min_size=1),
    body=BODIES,
    inputs=st.lists(DIGESTS, max_size=3).map(tuple),
    producer=st.builds(Producer, st.text(), st.text()),
    made_on=st.dates(),
)


@settings(deadline=None)
@given(st.lists(EVIDENCE, max_size=6))
def test_any_statement_comes_back_and_the_chain_holds(statements: list[Evidence]) -> None:
    """Whatever the body, what comes back is equal and has the id it was added under."""
    with TemporaryDirectory() as folder, closing(SQLiteStore(Path(folder) / "evidence.db")) as store:
        for evidence in statements:
            added = store.add(evidence)
            assert added == evidence.id
            found = store.get(added)
            assert found == evidence
            assert found.id == added
        distinct = list({evidence.id: evidence for evidence in statements}.values())
        assert list(store.select()) == distinct
        assert store.verify() == len(distinct)


@settings(deadline=None)
@given(st.dictionaries(st.text(), BODIES, max_size=6), st.dictionaries(st.text(), BODIES, max_size=6))
def test_any_completion_comes_back_and_the_first_stays(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Two batches with any recipes and bodies: what was kept first is what there is."""
    with TemporaryDirectory() as folder, closing(SQLiteStore(Path(folder) / "evidence.db")) as store:
        store.add_completions(first)
        store.add_completions(second)
        assert store.completions([*first, *second]) == {**second, **first}


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), max_size=20))
def test_the_order_is_that_of_the_first_adding(numbers: list[int]) -> None:
    """However often statements are repeated, each stands where it was first."""
    with TemporaryDirectory() as folder, closing(SQLiteStore(Path(folder) / "evidence.db")) as store:
        for number in numbers:
            store.add(example_evidence(number, made_on=date(2026, 1, 1 + number)))
        assert [evidence.body["number"] for evidence in store.select()] == list(dict.fromkeys(numbers))
