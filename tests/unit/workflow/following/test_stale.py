"""Decisions that events overtake: said once, seen by who serves the model, cleared by deciding anew."""

from __future__ import annotations

import runpy
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from weighbridge.cli.lines.digest import queue_lines
from weighbridge.core.artefact import FileEntry, digest_of_files
from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import StaleV1
from weighbridge.decision.shipped import load_policy
from weighbridge.decision.staleness import stale_of
from weighbridge.dossier.locale import load_locale
from weighbridge.hub.mirror.manifest import MANIFEST, Manifest, Origin
from weighbridge.inspection.licence.answer.use import IntendedUse
from weighbridge.knowledge.load import load_knowledge
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.web.app import create_app
from weighbridge.workflow import digest
from weighbridge.workflow.digest import view_of
from weighbridge.workflow.following.history import history_of
from weighbridge.workflow.following.mirrors import mirrors_in, with_mirrors
from weighbridge.workflow.following.origin import Told, place_of
from weighbridge.workflow.following.stakes import stakes_of
from weighbridge.workflow.judge import dossier_of, judge

if TYPE_CHECKING:
    from collections.abc import Iterator

S = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[2] / "watch" / "digest" / "scene.py")))
_TODAY = date(2026, 11, 22)


def refresh_stale(events: Any, store: SQLiteStore, known: Any) -> list[Evidence]:
    """Mark what the events overtake, as every command does."""
    return digest.refresh_stale(events, store, view_of(store, known))


def waiting(store: SQLiteStore, known: Any, today: date) -> list[Any]:
    """Return the queue."""
    return digest.waiting(store, view_of(store, known), today)


@pytest.fixture
def ids(tmp_path: Path) -> Any:
    """Fill the store of a workspace with one adopted model."""
    return S.fill_store(tmp_path)


@pytest.fixture
def store(tmp_path: Path, ids: Any) -> Iterator[SQLiteStore]:  # noqa: ARG001 - filled first
    """Open it."""
    with closing(SQLiteStore(tmp_path / "evidence.sqlite")) as opened:
        yield opened


def test_a_stake_is_read_from_a_store(store: SQLiteStore, ids: Any) -> None:
    """Repository and pin come from the origin, the base from the card, demands and use from the decision."""
    (stake,) = (one for one in stakes_of(store) if one.decision)
    assert (stake.repository, stake.commit, stake.standing) == (f"hf:{S.REPOSITORY}", S.PIN, "adopted")
    assert stake.bases == (S.BASE,)
    assert (stake.subject, stake.decision) == (ids.subject, ids.decision)
    assert "knowledge-en" in stake.suites
    assert stake.use is not None


def test_an_event_makes_a_decision_stale_once(store: SQLiteStore, ids: Any) -> None:
    """Two changes of the push count, its card does not; a second reading of the log adds nothing."""
    made = refresh_stale(S.events(), store, load_knowledge())
    assert sorted(one.body["event_kind"] for one in made) == ["licence-tag", "weights"]
    assert {(one.subject, one.inputs) for one in made} == {(ids.subject, (ids.decision,))}
    assert refresh_stale(S.events(), store, load_knowledge()) == []
    for one in made:
        assert StaleV1.model_validate(one.body).decision == ids.decision
    store.verify()


def test_who_serves_the_model_sees_the_worst(store: SQLiteStore, ids: Any) -> None:
    """Before the events nothing is stale; then the licence weighs more than the weights."""
    assert stale_of(store, ids.subject) is None
    refresh_stale(S.events(), store, load_knowledge())
    found = stale_of(store, ids.subject)
    assert found is not None
    assert (found.event_kind, found.next_step, found.severity) == ("licence-tag", "legal review", "high")
    assert stale_of(store, "sha256:" + "0" * 64) is None
    assert dossier_of(store.get(ids.decision), store).stale == found


def test_the_queue_is_cleared_by_deciding_in_view_of_it(store: SQLiteStore, ids: Any) -> None:
    """A new decision that had the statements before it takes it off, and the same events do not bring it back."""
    known = load_knowledge()
    refresh_stale(S.events(), store, known)
    (row,) = waiting(store, known, _TODAY)
    assert row.reasons == ("licence-tag", "weights")
    assert {one.suite for one in row.suites} >= {"knowledge-en", "refusals-en"}
    stale = [one.id for one in store.select(kind="stale/v1")]
    old = store.get(ids.decision)
    store.add(replace(old, inputs=(*old.inputs, *stale)))
    assert refresh_stale(S.events(), store, known) == []
    assert waiting(store, known, _TODAY) == []
    assert stale_of(store, ids.subject) is None
    again = [S.event("chat-template", seen_at=datetime(2026, 11, 23, tzinfo=UTC))]
    assert [one.body["event_kind"] for one in refresh_stale(again, store, known)] == ["chat-template"]


def test_every_open_step_of_a_decision_is_named(store: SQLiteStore) -> None:
    """One push moves the licence and the template: counsel and engineer both read their step, the gravest first."""
    known = load_knowledge()
    push = [
        S.event("chat-template", before={"lines": 3}, after={"lines": 4}),
        S.event("licence-tag", before={"licence": "mit"}, after={"licence": "other"}),
    ]
    refresh_stale(push, store, known)
    (row,) = waiting(store, known, _TODAY)
    assert row.next_steps == ("legal review", "re-evaluate")
    assert row.next_step == row.next_steps[0]
    assert row.reasons == ("licence-tag", "chat-template")
    assert len(row.whys) == 2
    assert [command.split()[1] for command in row.commands] == ["licence", "mirror", "weigh"]
    told = " ".join(" ".join(queue_lines([row], load_locale("en"))).split())
    assert "Legal review; Evaluate again" in told
    assert all(why in told for why in row.whys)
    home = TestClient(create_app(store, lambda: _TODAY), base_url="http://127.0.0.1").get("/").text
    assert "Overtaken: licence tag changed, chat template changed. Next: Legal review; Evaluate again" in home


def test_two_rules_for_one_event_leave_two_steps(store: SQLiteStore) -> None:
    """Terms that exclude our use: the revision is kept, and counsel still has to read; neither is said twice."""
    view = view_of(store, load_knowledge())
    use = IntendedUse(offer="internal", commercial=True, fields=())
    view = replace(view, stakes=[replace(stake, use=use) for stake in view.stakes])
    moved = [S.event("licence-tag", before={"licence": "mit"}, after={"licence": "cc-by-nc-4.0"})]
    digest.refresh_stale(moved, store, view)
    assert digest.refresh_stale(moved, store, view) == []
    (row,) = digest.waiting(store, view, _TODAY)
    (item,) = digest.make_digest(moved, view, (None, S.SEEN)).items
    assert row.next_steps == (item.next_step, *item.also) == ("freeze", "legal review")
    assert len(row.events) == 1


def test_deciding_on_the_same_day_answers_every_event(store: SQLiteStore, ids: Any) -> None:
    """The real way: `judge` takes both statements in view, so none of the day's events comes back."""
    known = load_knowledge()
    refresh_stale(S.events(), store, known)
    _, decided = judge(load_policy("starter"), ids.subject, store=store, on=S.SEEN.date())
    assert {one.id for one in store.select(kind="stale/v1")} <= set(decided.inputs)
    assert refresh_stale(S.events(), store, known) == []
    assert waiting(store, known, _TODAY) == []


@pytest.mark.parametrize(
    ("kind", "subject", "is_stale"),
    [
        ("deletion", f"hf:{S.REPOSITORY}", True),
        ("history-rewritten", f"hf:{S.REPOSITORY}", True),
        ("licence-tag", f"hf:{S.BASE}", True),
        ("weights", f"hf:{S.BASE}", False),
        ("card", f"hf:{S.REPOSITORY}", False),
        ("release", "hf:HuggingFaceTB/SmolLM4-1B", False),
        ("weights", "hf:someone/SmolLM2-135M-Instruct", False),
        ("weights", f"ms:{S.REPOSITORY}", False),
    ],
)
def test_what_touches_a_decision(store: SQLiteStore, kind: str, subject: str, *, is_stale: bool) -> None:
    """The own repository and the terms of the base do; edits, relatives and namesakes do not."""
    event = S.event(kind, subject, {"licence": "apache-2.0"}, {"licence": "mit"})
    assert bool(refresh_stale([event], store, load_knowledge())) is is_stale


def test_what_has_expired_waits_too(store: SQLiteStore) -> None:
    """Without any event: the last day has passed."""
    (row,) = waiting(store, load_knowledge(), date(2027, 6, 1))
    assert row.has_expired
    assert row.next_step == "re-evaluate"
    assert waiting(store, load_knowledge(), _TODAY) == []


def test_a_verified_copy_is_known_by_its_manifest(tmp_path: Path) -> None:
    """Where the manifest lists what was weighed, origin and copy are known; for anything else it is only a folder."""
    files = (FileEntry("model.gguf", 3, "5" * 64),)
    manifest = Manifest(
        Origin("hf:a/b", "hf", "https://huggingface.co", "a/b", S.PIN), files, {}, (), "2026-11-01T00:00:00Z",
        "2026-11-01T00:00:00Z", "weighbridge",
    )  # fmt: skip
    (tmp_path / MANIFEST).write_bytes(manifest.to_bytes())
    found = place_of(digest_of_files(files), Told(reference=str(tmp_path)))
    assert (found.repository, found.commit, found.copy) == ("hf:a/b", S.PIN, "verified")
    other = place_of("sha256:" + "7" * 64, Told(reference=str(tmp_path)))
    assert (other.repository, other.copy) == ("", "local")
    (tmp_path / MANIFEST).write_bytes(b"{" * 100_000)
    assert place_of(digest_of_files(files), Told(reference=str(tmp_path))).copy == "local"


@pytest.mark.parametrize(
    ("told", "repository", "commit"),
    [
        (Told(reference="hf:a/b"), "hf:a/b", ""),
        (Told(reference=f"hf:a/b@{S.PIN}"), "hf:a/b", S.PIN),
        (Told(reference="ms:a/b@main", commit=S.PIN), "ms:a/b", S.PIN),
        (Told(reference=f"/c/models--a--b/snapshots/{S.PIN}"), "hf:a/b", S.PIN),
        (Told(reference="http://127.0.0.1:8000/v1#a/b"), "hf:a/b", ""),
        (Told(reference="http://127.0.0.1:8000/v1#chat"), "", ""),
        (Told(reference="./somewhere", hub="hf", repository="a/b", commit=S.PIN), "hf:a/b", S.PIN),
        (Told(served_as="a/b"), "hf:a/b", ""),
        (Told(), "", ""),
    ],
)
def test_where_a_model_came_from(told: Told, repository: str, commit: str) -> None:
    """References, cache folders, origins and served names tell; a moving name is no pin."""
    found = place_of("sha256:" + "1" * 64, told)
    assert (found.repository, found.commit) == (repository, commit)


def test_what_strangers_wrote_into_a_store_breaks_nothing(store: SQLiteStore) -> None:
    """Bodies of no kind are read past."""
    for kind in ("files/v1", "provenance/v1", "card/v1", "lineage/v1", "decision/v1", "stale/v1", "endpoint/v1"):
        body = {"files": 7, "base_models": "x", "bases": [1], "engine": [], "decision": {"x": 1}, "name": 3}
        store.add(Evidence("sha256:" + "3" * 64, kind, body, (), OURS, _TODAY))
    assert len([one for one in stakes_of(store) if one.decision]) == 1
    assert stale_of(store, "sha256:" + "3" * 64) is None


def test_mirrors_are_stakes_and_save_pins(store: SQLiteStore, tmp_path: Path) -> None:
    """A mirror of the pinned commit makes its loss milder; one that nobody decided on is ours all the same."""
    for number, repository in enumerate((S.REPOSITORY, "acme/other")):
        files = (FileEntry("model.gguf", 3, f"{number}" * 64),)
        manifest = Manifest(
            Origin(f"hf:{repository}", "hf", "https://huggingface.co", repository, S.PIN), files, {}, (),
            "2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z", "weighbridge",
        )  # fmt: skip
        place = tmp_path / "mirror" / "hf" / repository / S.PIN
        place.mkdir(parents=True)
        (place / MANIFEST).write_bytes(manifest.to_bytes())
    found = with_mirrors(stakes_of(store), mirrors_in([tmp_path / "mirror", tmp_path / "nothing"]))
    kept = {stake.repository: (stake.copy, stake.standing) for stake in found if stake.repository}
    assert kept == {f"hf:{S.REPOSITORY}": ("verified", "adopted"), "hf:acme/other": ("verified", "undecided")}
    gone = [S.event("deletion")]
    view = view_of(store, load_knowledge(), [tmp_path / "mirror"])
    (statement,) = digest.refresh_stale(gone, store, view)
    assert statement.body["severity"] == "high"
    assert with_mirrors(stakes_of(store), []) == stakes_of(store)


def test_past_runs_are_read_from_the_store(store: SQLiteStore) -> None:
    """The weighing asked 152 questions of one suite for two models; a shipped suite that nobody ran has its items."""
    found = history_of(store, {"knowledge-en", "needle-4k", "nobody-knows-it"})
    assert [run.asked for run in found.runs["knowledge-en"]] == [152, 152]
    assert found.items["knowledge-en"] == 152
    assert found.runs.keys() == {"knowledge-en"}
    assert found.items["needle-4k"] > 0
    assert "nobody-knows-it" not in found.items


def test_a_role_reads_what_is_for_it(store: SQLiteStore) -> None:
    """The lawyer has the licence that moved; nobody has less than is for anybody."""
    view = view_of(store, load_knowledge())
    whole = digest.make_digest(S.events(), view, (None, S.SEEN))
    read = {role: digest.make_digest(S.events(), view, (None, S.SEEN), role=role).items for role in digest.ROLE_NAMES}
    assert [item.subject for item in read["lawyer"]] == [f"hf:{S.REPOSITORY}"]
    assert {item.id for items in read.values() for item in items} == {item.id for item in whole.items}
