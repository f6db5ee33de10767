"""What two stored runs say together: known answers, and what missing marks do to a verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from weighbridge.evaluation.imports.imported import Asked, Gathering, ImportedRun, Marked, Source
from weighbridge.evaluation.imports.paired import PairedResult, compare_pairs
from weighbridge.evaluation.imports.pairs import pair_items


def run(marks: list[float | None], groups: list[str] | None = None) -> ImportedRun:
    """Return a run with these marks."""
    gathering = Gathering(Source(Path("a.jsonl"), "sha256:0", "table"), repeats=False)
    for number, mark in enumerate(marks):
        group = groups[number] if groups else ""
        gathering.add("line", str(number), Asked(f"q{number}", group=group), f"said {mark}", {"s": Marked(mark)})
    (only,) = gathering.runs("t", "m")
    return only


def compare(
    ours: list[float | None], theirs: list[float | None], margin: float = 0.03, groups: list[str] | None = None
) -> PairedResult:
    """Compare two lists of marks."""
    left, right = run(ours, groups), run(theirs, groups)
    return compare_pairs(left, right, pair_items(left, right), margin, 0.05)


def table(both: int, left: int, right: int, neither: int) -> tuple[list[float | None], list[float | None]]:
    """Return marks that give a fourfold table."""
    ours: list[float | None] = [*[1.0] * (both + left), *[0.0] * (right + neither)]
    theirs: list[float | None] = [*[1.0] * both, *[0.0] * left, *[1.0] * right, *[0.0] * neither]
    return ours, theirs


def test_mcnemar_and_newcombe_of_a_published_table() -> None:
    """Exact McNemar of 12 against 5 is 0.14346313; Newcombe 1998, table II (a): 36, 12, 2, 0 gives 0.0569 to 0.3404."""
    assert compare(*table(20, 12, 5, 3)).p_value == pytest.approx(0.14346313, abs=1e-8)
    result = compare(*table(36, 12, 2, 0))
    assert result.cells == (36, 12, 2, 0)
    assert result.difference is not None
    assert (result.difference.value, result.difference.low, result.difference.high) == pytest.approx(
        (0.2, 0.0569, 0.3404), abs=5e-5
    )


def test_the_verdict_holds_at_the_margin() -> None:
    """900 alike of 1,000 and 50 to 50 flips: noninferior at 3 points, undecided at 1; 0 to 100 is inferior."""
    assert compare(*table(700, 50, 50, 200), margin=0.03).verdict == "noninferior"
    assert compare(*table(700, 50, 50, 200), margin=0.01).verdict == "undecided"
    assert compare(*table(700, 0, 100, 200), margin=0.03).verdict == "inferior"


def test_missing_marks_count_against_either_verdict() -> None:
    """40 failed requests of the candidate: no longer noninferior; of the baseline's, no longer inferior."""
    ours, theirs = table(700, 50, 50, 200)
    result = compare([*[None] * 40, *ours[40:]], theirs)
    assert (result.verdict, result.n, result.unmarked) == ("undecided", 960, 40)
    assert (result.worst, result.best, result.observed) == pytest.approx((-0.04, 0.0, 0.0))
    ours, theirs = table(650, 20, 80, 250)
    assert compare(ours, theirs).verdict == "inferior"
    assert compare([*ours[:-60], *[None] * 60], theirs).verdict == "undecided"


def test_groups_that_err_together_widen_the_interval() -> None:
    """Ten passages of ten questions, each right or wrong as a whole: Newcombe takes 100 for independent."""
    ours: list[float | None] = [float(n // 10 in {0, 1, 2, 3}) for n in range(100)]
    theirs: list[float | None] = [float(n // 10 in {3, 4, 5}) for n in range(100)]
    result = compare(ours, theirs, groups=[str(n // 10) for n in range(100)])
    assert result.difference is not None
    assert result.clustered is not None
    assert result.groups == 10
    assert result.clustered.high - result.clustered.low > 2 * (result.difference.high - result.difference.low)


def test_scores_between_are_compared_by_their_mean() -> None:
    """Miller's interval of the mean difference; the sign test of 3 against 0 is 2 / 8."""
    result = compare([0.5, 0.75, 1.0, 0.25], [0.25, 0.5, 0.5, 0.25])
    assert result.cells is None
    assert result.observed == pytest.approx(0.25)
    assert result.p_value == pytest.approx(0.25)
    assert result.difference is not None
    assert result.difference.method == "Miller"
    assert len(result.flips) == 3


def test_scores_that_never_differ_decide_nothing() -> None:
    """Four equal shares say nothing of the spread: no interval, no verdict, and no error."""
    result = compare([0.5, 0.5, 0.5, 0.5], [0.5, 0.5, 0.5, 0.5])
    assert (result.difference, result.verdict, result.p_value) == (None, "undecided", 1.0)


def test_losses_stand_before_gains_with_both_answers() -> None:
    """What a reader wants to see first."""
    result = compare([1.0, 0.0, 1.0], [0.0, 1.0, 1.0])
    assert [(ours.id, ours.text, theirs.text) for ours, theirs in result.flips] == [
        ("1", "said 0.0", "said 1.0"),
        ("0", "said 1.0", "said 0.0"),
    ]


def test_nothing_marked_in_both_is_an_error() -> None:
    """No figure is made of nothing."""
    with pytest.raises(ValueError, match="no question has a mark in both"):
        compare([None, 1.0], [1.0, None])


def test_the_result_is_plain_json_and_says_whose_marks_they_are() -> None:
    """What goes to machines holds every count, and the notes that limit it."""
    document = compare([1.0, None], [0.0, 1.0]).to_json()
    assert (document["n"], document["unmarked"], document["unpaired_share"]) == (1, 1, 0.5)
    assert document["candidate"]["missing"] == {"not scored": 1}
    assert any("nothing was marked again" in note for note in document["notes"])
