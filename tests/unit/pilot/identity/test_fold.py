"""The identity monitor: quiet on what is usual, loud on another model, the same for every node, answered by orders."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from weighbridge.pilot.identity.fold import CHECKS, USUAL, IdentityFold, identity_folds
from weighbridge.pilot.journal.protocol import Entry
from weighbridge.pilot.route import CanarySettings, CanaryTerms, Leg, Route, UpstreamSettings

LEG = Leg(UpstreamSettings("http://127.0.0.1:8000/v1", "m"), "sha256:d", fingerprint="sha256:f")
HOUR = 3600.0


def _probe(number: int, distances: dict[str, float], verdict: str = "same") -> Entry:
    facts = {"leg": "primary", "decision": "sha256:d", "reference": "sha256:f", "verdict": verdict, "why": "because",
             "prompts": 25, "distances": distances}  # fmt: skip
    return Entry(number * HOUR, "qwen", "probe", facts, number)


def _after(entries: list[Entry], fold: IdentityFold | None = None) -> tuple[Any, list[Any]]:
    """Fold entries one by one, each document through JSON as the database keeps it."""
    fold = fold or IdentityFold("qwen", "primary", LEG)
    body: Any = fold.begin()
    notices: list[Any] = []
    for entry in entries:
        body, raised = fold.take(json.loads(json.dumps(body)), [entry])
        notices += raised
    return body, notices


def test_what_is_usual_raises_nothing_in_a_year() -> None:
    """A year of hourly checks whose distances have just the mean that is allowed, and are as wild as can be."""
    far = np.random.default_rng(5).random(8760) < USUAL["completion"]
    entries = [_probe(n, {"completion": float(one)}) for n, one in enumerate(far, 1)]
    body, notices = _after(entries)
    assert notices == []
    assert body["checks"] == len(entries)


@pytest.mark.parametrize(
    ("stream", "distance", "most"),
    [
        ("completion", 0.30, 8),
        ("chat", 0.30, 8),
        ("completion", 0.10, 18),
        ("completion", 0.06, 35),
        ("texts", 0.90, 24),
    ],
)
def test_another_model_is_noticed_after_some_checks(stream: str, distance: float, most: int) -> None:
    """Figures that docs/howto/drift.md states; one notice, however long it goes on."""
    quiet = [_probe(n, {"completion": 0.0, stream: 0.0}) for n in range(1, 200)]
    loud = [_probe(n, {"completion": 0.0, stream: distance}) for n in range(200, 300)]
    _, notices = _after(quiet + loud)
    (alarm,) = [one for one in notices if one.severity == "alarm"]
    assert (alarm.event, alarm.subject, alarm.route) == ("identity.changed", "sha256:d", "qwen")
    assert alarm.at / HOUR - 199 <= most
    assert alarm.facts["false_alarm_every_checks"] == CHECKS
    assert alarm.facts["distances"][stream] == distance


def test_a_check_that_differs_is_told_once_as_long_as_it_lasts() -> None:
    """The leg is closed by the keeper; the webhook hears of it when it begins, and when it begins again."""
    verdicts = ["same", "differs", "differs", "consistent", "differs"]
    _, notices = _after([_probe(n, {"completion": 0.0}, verdict) for n, verdict in enumerate(verdicts, 1)])
    assert [(one.event, one.severity, one.at / HOUR) for one in notices] == [
        ("identity.differs", "warning", 2.0),
        ("identity.differs", "warning", 5.0),
    ]


def test_an_answer_begins_anew_and_another_answer_does_not() -> None:
    """The order names the alarm; afterwards the same change is an alarm again."""
    loud = [_probe(n, {"chat": 0.9}) for n in range(1, 30)]
    _, (first,) = _after(loud)
    order = {"to": "identity", "do": "acknowledge", "alarm": first.id}
    for facts, count in ((order, 2), ({**order, "alarm": "x"}, 1), ({**order, "to": "drift"}, 1), ({"do": "stop"}, 1)):
        entries = [
            *loud,
            Entry(30 * HOUR, "qwen", "order", facts, 30),
            *[_probe(n, {"chat": 0.9}) for n in range(31, 60)],
        ]
        _, notices = _after(entries)
        assert len({one.id for one in notices}) == len(notices) == count


def test_only_its_own_leg_counts() -> None:
    """Checks of another leg, of an earlier decision or against another fingerprint say nothing of this one."""
    entries = []
    for n, (name, value) in enumerate({"leg": "canary", "decision": "sha256:old", "reference": "sha256:x"}.items(), 1):
        probe = _probe(n, {"chat": 1.0}, "differs")
        entries.append(Entry(probe.at, probe.route, "probe", {**probe.facts, name: value}, n))
    entries.append(Entry(9.0, "qwen", "seen", {"leg": "primary"}, 9))
    body, notices = _after(entries)
    assert (body["checks"], notices) == (0, [])


def test_batches_of_any_size_come_to_the_same() -> None:
    """Whichever node folds how many entries at once."""
    entries = [_probe(n, {"chat": 0.5, "completion": 0.01}) for n in range(1, 20)]
    fold = IdentityFold("qwen", "primary", LEG)
    assert fold.take(fold.begin(), entries)[0] == _after(entries)[0]
    assert [one.id for one in fold.take(fold.begin(), entries)[1]] == [one.id for one in _after(entries)[1]]


def test_each_fingerprinted_leg_has_a_monitor_of_its_own() -> None:
    """Another decision, fingerprint or upstream is another monitor; a leg without a fingerprint has none."""
    other = Leg(UpstreamSettings("http://127.0.0.1:8001/v1", "m"), "sha256:d", fingerprint="sha256:f")
    plain = Leg(UpstreamSettings("http://127.0.0.1:8002/v1", "m"), "sha256:d")
    route = Route("qwen", LEG, fallbacks=(plain, other), canary=CanarySettings(other, CanaryTerms((0.1,))))
    names = [fold.name for fold in identity_folds(route)]
    assert len(set(names)) == 3
    assert all(name.startswith("identity/qwen/") for name in names)
    assert names == [fold.name for fold in identity_folds(route)]


@pytest.mark.parametrize("facts", [{}, {"distances": 3}, {"distances": {"chat": "far"}}, {"distances": {"chat": None}}])
def test_a_check_of_another_version_is_passed_over(facts: dict[str, Any]) -> None:
    """An entry that this version cannot read must not put the monitor aside: the checks after it count."""
    odd = Entry(HOUR, "qwen", "probe", {"leg": "primary", "decision": "sha256:d", "reference": "sha256:f", **facts}, 1)
    body, notices = _after([odd, _probe(2, {"chat": 0.01})])
    assert (body["checks"], body["verdict"], body["distances"]) == (1, "same", {"chat": 0.01})
    assert notices == []
