"""What is said of a chat template whose text is not known."""

from __future__ import annotations

import hashlib

from weighbridge.hub.catalogue.protocol import Entry, Revision
from weighbridge.hub.remote.listing import RemoteFile
from weighbridge.watch.diff.whole import compare_snapshots
from weighbridge.watch.snapshot import Snapshot


def _look(commit: str, name: str, text: str, *, is_read: bool = True) -> Snapshot:
    file = RemoteFile(name, len(text), hashlib.sha256(text.encode()).hexdigest())
    revision = Revision(commit * 40, {name: file})
    return Snapshot(Entry("hf", "acme/m", id="1", commit=commit * 40), revision, {name: text} if is_read else {})


def test_a_template_that_could_not_be_read_is_noted_at_the_tokenizer() -> None:
    """A gate that closed with the change: the configuration may hold another template, or the same."""
    name = "tokenizer_config.json"
    before = _look("1", name, '{"chat_template": "a"}')
    (change,) = compare_snapshots(before, _look("2", name, '{"chat_template": "b"}', is_read=False))
    assert change.kind == "tokenizer"
    assert "chat template" in change.notes[0]


def test_a_tokenizer_that_holds_no_template_says_nothing_of_one() -> None:
    """A vocabulary alone changed."""
    (change,) = compare_snapshots(_look("1", "tokenizer.json", "a"), _look("2", "tokenizer.json", "b"))
    assert change.notes == ()
