"""Which decisions open a route: real ones, made by the house from evidence in a store."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weighbridge.core.evidence import OURS, Evidence

if TYPE_CHECKING:
    from pathlib import Path


def test_an_adopted_mirror_is_served(scene: Any, ask: Any) -> None:
    """A decision to adopt, in force, about the files of a mirror that did not change."""
    subject = scene.make_mirror()
    decision = scene.decide(subject)
    scene.one_route(decision[7:19], 'mirror = "mirror"')
    keeper = scene.keeper()
    row = keeper.check()[0]
    assert (row.is_open, row.verdict, row.until, row.digest) == (True, "adopt", "2026-12-22", subject)
    assert (row.decision, row.reference) == (decision, "hf:acme/tiny@" + "a" * 40)
    assert ask(keeper).is_open
    assert [name for name, _ in scene.events] == ["leg.opened"]


@pytest.mark.parametrize(
    ("made", "accepts", "why"),
    [
        ({"critical": 1}, (), "says `reject`"),
        ({"high": 1}, (), "says `hold`"),
        ({"licence": None}, (), "1 condition(s) not in `accept_conditions`, the first: `Ask legal"),
        ({"licence": None}, ("Ask legal about the licence",), ""),
        ({"licence": None}, ("ask legal about the licence",), "not in `accept_conditions`"),
        ({"on": date(2026, 10, 20)}, (), "expired on 2026-11-19: weigh it again"),
        ({"on": date(2026, 11, 30)}, (), "of 2026-11-30, which is to come: set the clock"),
    ],
)
def test_verdict_conditions_and_days(scene: Any, made: dict[str, Any], accepts: tuple[str, ...], why: str) -> None:
    """Reject and hold never open; conditions do where each is accepted by its words; expired and future ones do not."""
    decision = scene.decide(**made)
    scene.one_route(decision[7:19], f'mirror = "mirror"\naccept_conditions = {list(accepts)!r}')
    row = scene.row()
    assert row.is_open == (not why)
    assert why in row.why


def test_a_stale_decision_closes_until_it_is_decided_in_view_of_it(scene: Any) -> None:
    """The watch's word closes the route by id; deciding anew opens the new decision, and `latest` with it."""
    subject = scene.make_mirror()
    decision = scene.decide(subject)
    scene.mark_stale(subject, decision)
    scene.one_route(decision[7:19], 'mirror = "mirror"')
    assert "is stale: the weights were replaced" in scene.row().why
    latest = 'mirror = "mirror"\nreference = "hf:acme/tiny"\npolicy = "gate"'
    scene.one_route("latest", latest)
    assert "is stale" in scene.row().why
    anew = scene.decide(subject)
    assert anew != decision
    row = scene.row()
    assert (row.is_open, row.decision) == (True, anew)
    scene.one_route(decision[7:19], 'mirror = "mirror"')
    assert scene.row().why.endswith(f'it was decided anew: write `decision = "{anew[7:19]}"`')
    scene.mark_stale(subject, anew)
    assert scene.row().why.endswith("weigh it again, or decide in view of it")


def test_a_newer_refusal_closes_an_older_adoption(scene: Any) -> None:
    """Who names the old id does not get round what was decided since by the same policy."""
    subject = scene.make_mirror()
    decision = scene.decide(subject, on=scene.TODAY - timedelta(days=2))
    scene.decide(subject, high=1)
    scene.one_route(decision[7:19], 'mirror = "mirror"')
    assert "decided anew on 2026-11-22, and says `hold`" in scene.row().why


@pytest.mark.parametrize(
    ("reference", "is_found"),
    [
        ("hf:acme/tiny", True),
        ("hf:acme/tiny@" + "a" * 40, True),
        ("hf:acme/tiny@" + "b" * 40, False),
        ("hf:acme/tin", False),
        ("ms:acme/tiny", False),
        ("sha256:" + "0" * 64, False),
    ],
)
def test_latest_is_of_a_reference_and_a_policy(scene: Any, reference: str, *, is_found: bool) -> None:
    """Another revision, a shorter name or another hub is another model; another policy is another question."""
    scene.decide()
    scene.one_route("latest", f'mirror = "mirror"\nreference = "{reference}"\npolicy = "gate"')
    assert scene.row().is_open == is_found
    scene.one_route("latest", f'mirror = "mirror"\nreference = "{reference}"\npolicy = "other"')
    assert "there is no decision about" in scene.row().why


def test_latest_knows_a_copy_by_its_origin(scene: Any) -> None:
    """A folder that says where it came from is found by hub, repository and commit."""
    subject = scene.make_mirror()
    with scene.store() as store:
        origin = {"hub": "ms", "repository": "acme/origin", "commit": "c" * 40}
        scene.state(store, subject, "provenance/v1", origin)
    scene.decide(subject)
    for reference, is_found in (
        ("ms:acme/origin", True),
        (f"ms:acme/origin@{'c' * 40}", True),
        (f"ms:acme/origin@{'d' * 40}", False),
    ):
        scene.one_route("latest", f'mirror = "mirror"\nreference = "{reference}"\npolicy = "gate"')
        assert scene.row().is_open == is_found


def test_what_is_no_decision_opens_nothing(scene: Any) -> None:
    """No store, no such id, a statement of another kind, and a verdict that its own rulings contradict."""
    subject = scene.make_mirror()
    scene.one_route("0" * 12, 'mirror = "mirror"')
    assert "the evidence cannot be read" in scene.row().why
    other = scene.fingerprint(subject)
    assert "there is no evidence" in scene.row().why
    scene.one_route(other[7:], 'mirror = "mirror"')
    assert "is no decision but `endpoint/v1`" in scene.row().why
    with scene.store() as store:
        honest = store.get(scene.decide(subject, critical=1))
        forged = {**honest.body["decision"], "verdict": "adopt"}
        lie = store.add(Evidence(subject, "decision/v1", {"decision": forged}, (), OURS, scene.TODAY))
        junk = store.add(Evidence(subject, "decision/v1", {"decision": {"policy_name": "x"}}, (), OURS, scene.TODAY))
    for made, why in ((lie, "contradicts itself"), (junk, "cannot be read")):
        scene.one_route(made[7:], 'mirror = "mirror"')
        assert why in scene.row().why


def test_a_damaged_store_closes(scene: Any) -> None:
    """A record that was changed in the file is never believed."""
    decision = scene.decide(critical=1)
    scene.one_route(decision[7:19], 'mirror = "mirror"')
    path = scene.folder / "work" / "evidence.sqlite"
    with scene.store() as store:
        store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = path.read_bytes()
    assert b'"verdict":"reject"' in data
    path.write_bytes(data.replace(b'"verdict":"reject"', b'"verdict":"adopt!"'))
    assert "damaged" in scene.row().why


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    critical=st.integers(0, 1),
    high=st.integers(0, 1),
    licence=st.sampled_from(["mit", None]),
    has_files=st.booleans(),
    age=st.integers(-3, 40),
    accepts=st.sets(st.sampled_from(["Ask legal about the licence", "Ask nobody"])),
    is_stale=st.booleans(),
    means=st.sampled_from(["", "mirror", "broken"]),
)
def test_nothing_but_adopt_opens_a_route(scene: Any, tmp_path_factory: pytest.TempPathFactory, **case: Any) -> None:
    """The law: open means adopt or all conditions accepted, in force, not stale, and the very files."""
    scene.folder = tmp_path_factory.mktemp("case")
    subject = scene.make_mirror()
    made = {name: case[name] for name in ("critical", "high", "licence", "has_files")}
    decision = scene.decide(subject, on=scene.TODAY - timedelta(days=case["age"]), **made)
    if case["is_stale"]:
        scene.mark_stale(subject, decision)
    if case["means"] == "broken":
        (scene.mirror / "model.safetensors").write_bytes(b"another")
    mirror = 'mirror = "mirror"' if case["means"] else ""
    scene.one_route(decision[7:], f"accept_conditions = {sorted(case['accepts'])!r}\n{mirror}")
    conditions = set() if case["licence"] else {"Ask legal about the licence"}
    is_adopted = not case["has_files"] or not (case["critical"] or case["high"])
    in_force = -1 <= case["age"] <= 30
    wanted = is_adopted and conditions <= case["accepts"] and in_force and not case["is_stale"]
    row = scene.row()
    assert row.is_open == (wanted and case["means"] == "mirror"), row.why
    assert bool(row.why) != row.is_open


def test_fixtures_are_honest(scene: Any, tmp_path: Path) -> None:
    """The mirror of these tests is one to the house's own eyes."""
    from weighbridge.hub.mirror.check import check_mirror

    subject = scene.make_mirror()
    found = check_mirror(tmp_path / "mirror")
    assert found.holds
    assert found.manifest.artefact == subject


def test_an_alarm_leaves_time_to_decide_anew(scene: Any, ask: Any) -> None:
    """Until the statement's hour the leg is served and says that it is in doubt; then it closes by the clock alone."""
    decision = scene.decide()
    closes_at = "2026-11-22T13:00:00+00:00"
    scene.mark_stale(scene.make_mirror(), decision, why="refusals doubled", closes_at=closes_at)
    scene.one_route(decision[7:19], 'mirror = "mirror"')
    keeper = scene.keeper()
    row = keeper.check()[0]
    assert row.is_open
    assert row.doubt.startswith("served until 2026-11-22 13:00 UTC only: refusals doubled")
    assert scene.events[-1][1]["doubt"] == row.doubt
    scene.now += 3600
    assert "is stale: refusals doubled" in ask(keeper).refused
    assert ask(keeper).doubt == ""


@pytest.mark.parametrize(
    "closes_at", [None, "2026-11-22T13:00:00", "soon", "9999-12-31T23:59:59-12:00", "2026-11-22T12:00:00+00:00"]
)
def test_the_first_reason_to_close_counts(scene: Any, closes_at: str | None) -> None:
    """A reason without an hour, with one that is no time, or with one that has passed, closes whatever others say."""
    decision = scene.decide()
    subject = scene.make_mirror()
    scene.mark_stale(subject, decision, event="e1", why="late", closes_at="2026-12-01T00:00:00+00:00")
    scene.mark_stale(subject, decision, event="e2", why="now", severity="low", closes_at=closes_at)
    scene.one_route(decision[7:19], 'mirror = "mirror"')
    assert "is stale: now" in scene.row().why
