from __future__ import annotations

from collections import Counter

import pytest

from weighbridge.core.finding import Effect, Finding, Looked, Severity
from weighbridge.core.kinds import SafetyV1
from weighbridge.inspection.safety.run import Ran
from weighbridge.inspection.safety.verdict import judge


def _found(effect: Effect | None, place: str = "a") -> Finding:
    return Finding("c", Severity.HIGH, place, "seen", effect=effect)


def _ran(*findings: Finding, looked: tuple[Looked, ...] = ()) -> Ran:
    counts = Counter(one.check for one in looked)
    return Ran(effects=list(findings), looked=dict(counts), settled={one.place for one in looked if one.settles})


def _judge(formats: dict[str, str], ran: Ran) -> SafetyV1:
    return SafetyV1.model_validate(judge(formats, ran))


def test_an_unread_file_is_never_nothing_found() -> None:
    """Silence about a file settles nothing: a check that settles must have read it."""
    body = _judge({"a": "unknown", "b": "gguf", "c": "text"}, _ran(looked=(Looked("c", "b"), Looked("c", "c", False))))
    assert {file.path: file.verdict for file in body.files} == {
        "a": "unknown", "b": "nothing found", "c": "unknown",
    }  # fmt: skip
    assert body.verdict == "unknown"
    assert (body.counts.unknown, body.counts.nothing_found) == (2, 1)


@pytest.mark.parametrize(
    ("effects", "verdict"),
    [
        ([Effect.UNKNOWN, Effect.RUNS_CODE, Effect.BREAKS_FORMAT], "runs code on load"),
        ([Effect.BREAKS_FORMAT, Effect.ASKS_TRUST], "asks for trust"),
        ([Effect.UNKNOWN, Effect.BREAKS_FORMAT], "breaks the format"),
        ([Effect.UNKNOWN], "unknown"),
        ([None], "nothing found"),
    ],
)
def test_the_worst_effect_is_the_verdict(effects: list[Effect | None], verdict: str) -> None:
    """The grammar of issue 4: runs code, asks for trust, breaks the format, unknown, nothing found."""
    body = _judge(
        {"a": "pickle"}, _ran(*(one for one in map(_found, effects) if one.effect), looked=(Looked("c", "a"),))
    )
    assert body.files[0].verdict == body.verdict == verdict


def test_a_check_that_read_nothing_shows_no_zero() -> None:
    """`0` is looked at and nothing found; a check without files to look at has None, shown as `-`."""
    ran = _ran(_found(Effect.RUNS_CODE), looked=(Looked("c", "a"), Looked("d", "a")))
    ran.looks_at = {"c": "x", "d": "y", "e": "z"}
    body = _judge({"a": "pickle"}, ran)
    assert [(one.check, one.looks_at, one.looked, one.found) for one in body.checks] == [
        ("c", "x", 1, 1), ("d", "y", 1, 0), ("e", "z", 0, None),
    ]  # fmt: skip
