"""Data sets over HTTP: at one commit, with the digest that was expected, or not at all."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import TYPE_CHECKING

import pytest

from weighbridge.errors import HubChanged, HubUnreachable, NotFound, UsageError
from weighbridge.evaluation.suite import find_suite, shipped_recipes
from weighbridge.evaluation.suite.file import read_suite_file
from weighbridge.evaluation.suite.shelf import Shelf
from weighbridge.hub.datasets import DataSet, fetch_files, settings_of
from weighbridge.hub.remote.settings import RemoteSettings
from weighbridge.testing.fault_server import FaultServer, http, start_in_thread
from weighbridge.workflow.evaluation.suites import fetch_copy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMIT = "a" * 40
BODY = b'{"question": "2+2?", "answer": "#### 4"}\n'
SHA256 = hashlib.sha256(BODY).hexdigest()
DATA = DataSet("github", "maker/set", COMMIT)


@pytest.fixture
def asked() -> list[str]:
    """Return the addresses that were asked for."""
    return []


@pytest.fixture
def settings(asked: list[str]) -> Iterator[RemoteSettings]:
    """Serve one file at any repository's commit, and refusals beside it."""

    def answer(_number: int, path: str) -> bytes:
        asked.append(path)
        if path.endswith("/gated.jsonl"):
            return http(b"", status="401 Unauthorized")
        return http(BODY) if path.endswith("test.jsonl") else http(b"", status="404 Not Found")

    server = FaultServer(answer)
    stop = start_in_thread(server)
    yield RemoteSettings(server.url.removesuffix("/v1"))
    stop()


def test_a_file_is_read_at_its_commit(settings: RemoteSettings, asked: list[str]) -> None:
    """The address holds the commit, on GitHub and on Hugging Face; the SHA-256 comes with the bytes."""
    for data in (DATA, DataSet("hf", "maker/set", COMMIT)):
        assert list(fetch_files(data, {"a b/test.jsonl": SHA256}, settings)) == [("a b/test.jsonl", BODY, SHA256)]
    assert asked == [
        f"/maker/set/{COMMIT}/a%20b/test.jsonl", f"/datasets/maker/set/resolve/{COMMIT}/a%20b/test.jsonl",
    ]  # fmt: skip


def test_another_file_than_the_pinned_one_is_refused(settings: RemoteSettings) -> None:
    """A mirror that serves other bytes is caught."""
    with pytest.raises(HubChanged, match="is not the file that the recipe pins"):
        list(fetch_files(DATA, {"test.jsonl": "0" * 64}, settings))


@pytest.mark.parametrize(("path", "error"), [("none.jsonl", NotFound), ("gated.jsonl", UsageError)])
def test_refusals_of_the_hub(settings: RemoteSettings, path: str, error: type[Exception]) -> None:
    """What is not there and what is not given are told apart."""
    with pytest.raises(error):
        list(fetch_files(DATA, {path: None}, settings))


def test_offline_means_offline(settings: RemoteSettings, asked: list[str]) -> None:
    """The switch stops everything before the first call; a branch is no commit."""
    with pytest.raises(HubUnreachable, match="stay offline"):
        list(fetch_files(DATA, {"test.jsonl": None}, RemoteSettings(settings.endpoint, is_offline=True)))
    with pytest.raises(UsageError, match="is no commit"):
        list(fetch_files(DataSet("hf", "maker/set", "main"), {"test.jsonl": None}, settings))
    assert asked == []


def test_addresses_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mirrors are named as for models; the token of Hugging Face never goes to GitHub."""
    monkeypatch.setenv("HF_ENDPOINT", "http://mirror:1")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("WEIGHBRIDGE_GITHUB_ENDPOINT", "http://mirror:2")
    assert (settings_of("hf").endpoint, settings_of("hf").token) == ("http://mirror:1", "hf_secret")
    assert (settings_of("github").endpoint, settings_of("github").token) == ("http://mirror:2", None)


def test_a_recipe_is_fetched_kept_and_found(
    settings: RemoteSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the licence accepted: files lie on the shelf under their commit, and the note says whence they came."""
    recipe = read_suite_file(shipped_recipes()["gsm8k"])
    assert recipe.fetch is not None
    pinned = recipe.fetch.model_copy(update={"files": {"test.jsonl": ["grade_school_math/data/test.jsonl", SHA256]}})
    changed = recipe.model_copy(update={"fetch": pinned})
    monkeypatch.setattr("weighbridge.workflow.evaluation.suites.read_suite_file", lambda _place: changed)
    shelf = Shelf(tmp_path)
    _, note = fetch_copy("gsm8k", " mit ", shelf, date(2026, 11, 22), settings)
    assert note.source == f"github:openai/grade-school-math@{recipe.fetch.commit}"
    assert note.files == {"test.jsonl": SHA256}
    assert (tmp_path / "gsm8k" / recipe.fetch.commit / "test.jsonl").read_bytes() == BODY
    assert find_suite("gsm8k", shelf=shelf).items[0].answer == "4"
