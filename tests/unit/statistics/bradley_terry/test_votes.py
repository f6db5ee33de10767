"""Votes as columns and cells, and the graph they draw."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components

from weighbridge.errors import UsageError
from weighbridge.statistics.bradley_terry import collect, count_cells, require_connected, strong_groups
from weighbridge.statistics.bradley_terry.votes import half_wins


def test_columns_become_cells() -> None:
    """Models are sorted by name; a cell counts by place and outcome; both places join in the half wins."""
    votes = collect(["b", "a", "a"], ["a", "b", "b"], ["first", "second", "tie"], ["p", "p", "q"])
    cells = count_cells(votes)
    assert votes.models == ("a", "b")
    assert votes.prompt.tolist() == [0, 0, 1]
    assert cells[1, 0].tolist() == [1, 0, 0]
    assert cells[0, 1].tolist() == [0, 1, 1]
    assert half_wins(cells).tolist() == [[0.0, 0.5], [2.5, 0.0]]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([], [], []), "0 to 0 entries"),
        ((["a"], ["b", "c"], ["tie"]), "1 to 2 entries"),
        ((["a"], ["b"], ["A wins"]), "a vote says 'A wins'"),
        ((["a"], ["a"], ["tie"]), "a is compared with itself"),
    ],
)
def test_votes_that_are_none_are_refused(columns: tuple[list[str], list[str], list[str]], message: str) -> None:
    """Each mistake is named, with what to do."""
    with pytest.raises(UsageError, match=message) as caught:
        collect(*columns)
    assert caught.value.hint


@given(
    st.integers(1, 9).flatmap(
        lambda k: st.lists(st.tuples(st.integers(0, k - 1), st.integers(0, k - 1))).map(lambda e: (k, e))
    )
)
def test_the_groups_are_scipys_strong_components(graph: tuple[int, list[tuple[int, int]]]) -> None:
    """Models are in one group exactly where scipy's strongly connected components say so."""
    k, edges = graph
    wins = np.zeros((k, k))
    for i, j in edges:
        wins[i, j] = 1
    number, labels = connected_components(wins, directed=True, connection="strong")
    groups = strong_groups(wins)
    assert len(groups) == number
    assert all(len({int(labels[i]) for i in group}) == 1 for group in groups)
    assert sorted(i for group in groups for i in group) == list(range(k))


def test_a_disconnected_graph_is_refused_by_name() -> None:
    """Two islands have no common scale, with or without a ridge; the islands are named."""
    votes = collect(["a", "b", "c", "d"], ["b", "a", "d", "c"], ["first"] * 4)
    for ridge in (0.0, 1.0):
        with pytest.raises(UsageError, match=r"no votes join all models.*a, b; c, d"):
            require_connected(count_cells(votes), ridge=ridge, names=votes.models)


def test_a_model_that_never_lost_needs_a_ridge() -> None:
    """Its rating is infinite; a ridge is a stated prior that makes it finite, and a tie joins both ways."""
    cells = np.zeros((2, 2, 3))
    cells[0, 1, 0] = 5
    with pytest.raises(UsageError, match="no wins both ways") as caught:
        require_connected(cells)
    assert "ridge" in str(caught.value.hint)
    require_connected(cells, ridge=0.1)
    cells[0, 1, 2] = 1
    require_connected(cells)
