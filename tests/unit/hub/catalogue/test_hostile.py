"""What a hub, or whoever answers in its place, may send: refused or dropped field by field, and never guessed."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.hub.catalogue.opening import catalogue_of

from weighbridge.errors import HubUnreachable, WeighbridgeError
from weighbridge.hub.catalogue import huggingface_row, modelscope_row
from weighbridge.hub.catalogue.fields import moment_in, repository_in
from weighbridge.hub.catalogue.protocol import Entry
from weighbridge.hub.catalogue.sorting import sort_rows
from weighbridge.testing.hub_server import Fault, HubServer, RandomFaults

_GOOD: dict[str, Any] = {
    "_id": "680d00000000000000000000",
    "id": "acme/tiny",
    "sha": "a" * 40,
    "createdAt": "2026-01-01T00:00:00.000Z",
    "lastModified": "2026-02-01T00:00:00.000Z",
    "gated": "manual",
    "private": False,
    "disabled": False,
    "downloads": 5,
    "downloadsAllTime": 50,
    "likes": 2,
    "pipeline_tag": "text-generation",
    "library_name": "transformers",
    "tags": ["license:other", "en"],
    "cardData": {"license_name": "acme-1", "license_link": "LICENSE", "language": ["en"]},
    "baseModels": {"relation": "quantized", "models": [{"id": "acme/base"}]},
    "safetensors": {"parameters": {"BF16": 7}, "total": 7},
}
# which fields of an entry come of which fields of a row
_OF = {
    "id": {"_id"}, "commit": {"sha"}, "created_at": {"createdAt"}, "modified_at": {"lastModified"},
    "licence": {"tags", "cardData"}, "licence_name": {"cardData"}, "licence_link": {"cardData"}, "gated": {"gated"},
    "is_private": {"private"}, "is_disabled": {"disabled"}, "downloads": {"downloads"},
    "downloads_all_time": {"downloadsAllTime"}, "likes": {"likes"}, "task": {"pipeline_tag"},
    "library": {"library_name"}, "tags": {"tags"}, "languages": {"cardData"},
    "base_models": {"baseModels", "tags", "cardData"}, "parameters": {"safetensors"},
    "parameters_by_dtype": {"safetensors"}, "repository": {"id"}, "hub": set(),
}  # fmt: skip
_TEXT = st.text(max_size=30) | st.sampled_from(
    [
        "../../etc",
        "acme/..",
        "license:",
        "9999-12-31T23:59:59Z",
        "2026-02-30T00:00:00Z",
        "NaN",
        "\x1b[31m",
        "base_model:",
    ]
)
_SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | _TEXT
_KEYS = st.sampled_from(["id", "models", "relation", "total", "parameters", "license", "language"]) | _TEXT
_JSON = st.recursive(
    _SCALAR, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4), max_leaves=12
)


def _is_sound(entry: Entry) -> bool:
    """Whether every field has its type, and every text can be printed on one line."""
    own = (entry.repository, entry.id, entry.commit, entry.licence, entry.licence_name, entry.licence_link)
    texts = (*own, entry.task, entry.library, *entry.tags, *entry.languages, *sum(entry.base_models, ()))
    counts = (entry.downloads, entry.downloads_all_time, entry.likes, entry.parameters)
    moments = (entry.created_at, entry.modified_at)
    return (
        all(type(text) is str and text.isprintable() and len(text) <= 1000 for text in texts)
        and all(count is None or (type(count) is int and count >= 0) for count in counts)
        and all(m is None or (m.utcoffset() == timedelta(0) and 1990 < m.year < 2200) for m in moments)
        and entry.gated in {"", "auto", "manual", "yes"}
        and all(flag in {None, True, False} for flag in (entry.is_private, entry.is_disabled))
        and repository_in(entry.repository) == entry.repository
    )


@given(st.dictionaries(st.sampled_from(sorted(_GOOD)), _JSON, min_size=1, max_size=4))
def test_a_wrong_field_harms_no_other(wrong: dict[str, Any]) -> None:
    """Any value in any field: no error, every field sound, and those of the untouched parts as they were."""
    good, entry = huggingface_row.read_entry(_GOOD), huggingface_row.read_entry(_GOOD | wrong)
    assert good is not None
    if "id" not in wrong:
        assert entry is not None
    if entry is None:
        return
    assert _is_sound(entry)
    for field in fields(Entry):
        if not _OF[field.name] & set(wrong):
            assert getattr(entry, field.name) == getattr(good, field.name), field.name


@given(st.dictionaries(st.sampled_from(["id", "created_at", "license", "tags", "gated", "tasks", "downloads"]), _JSON),
       st.dictionaries(st.sampled_from(["Id", "BaseModel", "BaseModelRelation", "CreatedTime"]), _JSON))  # fmt: skip
def test_modelscopes_rows_are_read_as_carefully(row: dict[str, Any], older: dict[str, Any]) -> None:
    """Any value in any field of either interface: no error, every field sound."""
    entry = modelscope_row.read_entry({"id": "acme/tiny"} | row, older)
    assert entry is None or _is_sound(entry)


@given(st.lists(_JSON | st.just(_GOOD), max_size=8))
def test_rows_of_any_kind_are_sorted_or_refused(rows: list[Any]) -> None:
    """Each row is an entry or a refusal, or says again what another said."""
    entries, refused = sort_rows("acme", rows, huggingface_row.read_entry)
    assert len(entries) + len(refused) <= len(rows)
    assert all(entry.repository.startswith("acme/") for entry in entries)


@given(_JSON)
def test_verdicts_configuration_and_template_of_any_kind(value: Any) -> None:
    """Verdicts are of files that are there, and words; a template is text."""
    info = {"securityRepoStatus": value, "config": value, "gguf": value}
    verdicts = huggingface_row.read_scans(info, ("a.bin",))
    assert verdicts is None or set(verdicts) <= {"a.bin"}
    assert isinstance(huggingface_row.read_chat_template(info), str | None)
    assert isinstance(huggingface_row.read_config(info), dict | None)


@pytest.mark.parametrize(
    ("issue", "verdicts"),
    [
        ({"path": "a.bin", "level": "unsafe"}, {"a.bin": "unsafe", "b.bin": "safe"}),
        ({"path": "a.bin", "level": {}}, {"a.bin": "unreadable", "b.bin": "safe"}),
        ({"path": "a.bin", "level": "\x1b[2J"}, {"a.bin": "unreadable", "b.bin": "safe"}),
        ({"path": ["a.bin"], "level": "unsafe"}, {}),
        (5, {}),
    ],
)
def test_an_issue_that_cannot_be_read_makes_no_file_safe(issue: object, verdicts: dict[str, str]) -> None:
    """Where nobody knows whose issue it is, no file is called safe."""
    info = {"securityRepoStatus": {"scansDone": True, "filesWithIssues": [issue]}}
    assert huggingface_row.read_scans(info, ("a.bin", "b.bin")) == verdicts


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-02-01T09:30:00.000Z", datetime(2026, 2, 1, 9, 30, tzinfo=UTC)),
        ("2026-02-01T09:30:00+08:00", datetime(2026, 2, 1, 1, 30, tzinfo=UTC)),
        (1_769_938_200, datetime(2026, 2, 1, 9, 30, tzinfo=UTC)),
        (1_769_938_200_000, datetime(2026, 2, 1, 9, 30, tzinfo=UTC)),
        ("2026-02-01T09:30:00", None),  # of which place?
        ("9999-12-31T23:59:59-12:00", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("2026-02-30T00:00:00Z", None),
        (-1e300, None),
        (float("nan"), None),
        (True, None),
        (10**40, None),
    ],
)
def test_moments(value: object, moment: datetime | None) -> None:
    """ISO 8601 with an offset, or an epoch (by RFC 3339 and POSIX, computed by hand); else nothing."""
    assert moment_in(value) == moment


def _rows(*rows: dict[str, Any]) -> bytes:
    return json.dumps(rows).encode()


def test_a_poisoned_listing_shows_nobody_elses_models(hub: HubServer) -> None:
    """Rows of another publisher, without a name, or twice and different are refused, and that is said."""
    evil = [{"id": "evil/tiny"}, {"id": "acme/../evil"}, {}, _GOOD, _GOOD, _GOOD | {"likes": 9}, {"id": "acme/ok"}]
    hub.faults.append(Fault("/api/models", body=_rows(*evil)))
    with catalogue_of(hub) as catalogue:
        shelf = catalogue.shelf("acme")
    assert [entry.repository for entry in shelf.entries] == ["acme/tiny", "acme/ok"]
    assert shelf.entries[0].likes == 2
    assert shelf.refused == (
        "`evil/tiny` is not by `acme`", "row 2 names no repository", "row 3 names no repository",
        "`acme/tiny` is listed twice, and differently",
    )  # fmt: skip


@pytest.mark.parametrize("card", ['{"x": NaN}', '{"x": -Infinity}', '{"license": "\\ud800"}'])
def test_one_odd_card_hides_no_others(hub: HubServer, card: str) -> None:
    """What Python's servers write and JSON does not have takes its own value with it, and no more."""
    row = json.dumps(_GOOD | {"cardData": "CARD"}).replace('"CARD"', card)
    hub.faults.append(Fault("/api/models", body=f'[{row}, {{"id": "acme/two", "likes": 4}}]'.encode()))
    with catalogue_of(hub) as catalogue:
        shelf = catalogue.shelf("acme")
    assert [(entry.repository, entry.likes) for entry in shelf.entries] == [("acme/tiny", 2), ("acme/two", 4)]


@pytest.mark.parametrize(
    "card", ["[" * 100 + "]" * 100, '{"a": 1, "a": 2}', '"' + "x" * (17 << 20) + '"'], ids=["deep", "twice", "long"]
)
def test_a_card_that_cannot_be_read_is_done_without(hub: HubServer, card: str) -> None:
    """A card that breaks the whole answer cannot hide its publisher: the listing is asked for without cards."""
    row = json.dumps(_GOOD | {"cardData": "CARD"}).replace('"CARD"', card)
    hub.faults.append(Fault("expand=cardData", body=f"[{row}]".encode()))
    with catalogue_of(hub) as catalogue:
        shelf = catalogue.shelf("acme")
    assert [entry.repository for entry in shelf.entries] == ["acme/tiny", "acme/old"]
    assert shelf.is_complete
    assert {entry.licence_name for entry in shelf.entries} == {""}


@pytest.mark.parametrize("kind", ["hf", "ms"])
@pytest.mark.parametrize(
    "fault",
    [
        Fault("", headers={"Content-Length": "500000000"}, body=b"[" * 200_000),
        Fault("", body=b"<html>down</html>"),
        Fault("", body=b'"text"'),
        Fault("", body=b"[" * 10_000),
        Fault("", status=302, headers={"Location": "file:///etc/passwd"}),
        Fault("", status=418),
        Fault("", status=0),
    ],
    ids=["500 MB", "page", "text", "deep", "file", "teapot", "reset"],
)
def test_what_is_no_answer_ends_in_words(hub: HubServer, kind: Literal["hf", "ms"], fault: Fault) -> None:
    """Every method ends with an error of this house, and reads no body to its end that is too long."""
    hub.faults.append(fault)
    with catalogue_of(hub, kind) as catalogue:
        for call in (
            lambda: catalogue.shelf("acme"),
            lambda: catalogue.entry("acme/tiny"),
            lambda: catalogue.revision("acme/tiny", "a" * 40),
        ):
            with pytest.raises(WeighbridgeError):
                call()


def test_a_listing_without_end_is_left(hub: HubServer) -> None:
    """A cursor that leads on for ever is followed as far as allowed; one that leads to itself not at all."""
    page = _rows(_GOOD)
    hub.faults.append(Fault("/api/models", headers={"Link": '</api/models?cursor=1>; rel="next"'}, body=page))
    with catalogue_of(hub) as catalogue:
        shelf = catalogue.shelf("acme", most_calls=50)
        assert not shelf.is_complete
        assert shelf.calls == 2
        hub.faults[:] = [Fault("/commits/", headers={"Link": '</x?cursor=1>; rel="next"'}, body=_log())]
        assert len(catalogue.history("acme/tiny", most=10_000)) == 1


def _log() -> bytes:
    return _rows(
        {"id": "a" * 40, "title": "x\n" * 1000, "date": "2026-01-01T00:00:00Z", "authors": [{"user": 5}, None]}
    )


def test_a_revision_of_another_commit_is_refused(hub: HubServer) -> None:
    """What the hub describes must be what was asked for."""
    hub.faults.append(Fault("/revision/", body=json.dumps({"sha": "b" * 40}).encode()))
    with catalogue_of(hub) as catalogue, pytest.raises(WeighbridgeError, match="another commit"):
        catalogue.revision("acme/tiny", "a" * 40)


def test_files_with_harmful_names_are_left_out(hub: HubServer) -> None:
    """They never reach a caller, and the revision says that it is not complete."""
    row = {"type": "file", "path": "../../etc/passwd", "size": 5, "oid": "a" * 40}
    hub.faults.append(Fault("/tree/", body=_rows(row, row | {"path": "README.md"})))
    with catalogue_of(hub) as catalogue:
        revision = catalogue.revision("acme/tiny", hub.commit("acme/tiny"))
    assert set(revision.files) == {"README.md"}
    assert not revision.is_complete


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["hf", "ms"])
def test_passing_faults_change_no_answer(hub: HubServer, kind: Literal["hf", "ms"], seed: int) -> None:
    """Limits, failures, broken and foreign answers on the way: what comes in the end is what a clean run reads."""
    found = []
    for chance in (None, RandomFaults(seed, 0.5)):
        hub.chance = chance
        with catalogue_of(hub, kind) as catalogue:
            shelf, entry = catalogue.shelf("acme"), catalogue.entry("acme/tiny")
            revision = catalogue.revision("acme/tiny", entry.commit)
            text = catalogue.read("acme/tiny", entry.commit, revision.files["LICENSE"], most_bytes=100)
            found.append((shelf.entries, entry, revision, text, catalogue.history("acme/tiny")))
    assert hub.chance is not None
    assert hub.chance.made
    assert found[0] == found[1]


def test_a_hub_that_asks_for_long_patience_is_left(hub: HubServer) -> None:
    """A limit that lasts longer than a call may wait is an error that says so; the next run goes on."""
    limit = {"RateLimit": '"api";r=0;t=290', "Retry-After": "290"}
    hub.faults.append(Fault("", status=429, headers=limit))
    with catalogue_of(hub) as catalogue:
        with pytest.raises(HubUnreachable, match="290 s"):
            catalogue.shelf("acme")
        assert len(hub.seen) == 1
