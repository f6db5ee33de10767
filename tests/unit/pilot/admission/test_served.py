"""Whether what is served is what was decided on: address, mirror and fingerprint, changed under our feet."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.engine.discovery.capabilities import Capabilities
from weighbridge.engine.discovery.fingerprint import Fingerprint, compare_fingerprints
from weighbridge.errors import EngineUnreachable, WeighbridgeError
from weighbridge.hub.mirror.manifest import MANIFEST
from weighbridge.pilot.admission.file import load_gateway_file
from weighbridge.pilot.admission.keeper import Keeper
from weighbridge.pilot.admission.likeness import probe_with
from weighbridge.pilot.route import UpstreamSettings
from weighbridge.testing.fault_server import http

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from weighbridge.pilot.journal.protocol import Entry

HOUR = 3600.0
ALLOW = 'unverified = "allow"\nunverified_because = "we run it"\nunverified_until = 2026-11-30\n'


def test_nothing_that_ties_a_server_to_files_is_refused(scene: Any) -> None:
    """Unless the route says so, with a reason and a last day, which every table shows."""
    decision = scene.decide()
    scene.one_route(decision[7:])
    assert "name `mirror` or `fingerprint`" in scene.row().why
    scene.one_route(decision[7:], ALLOW)
    row = scene.row()
    assert row.is_open
    assert "served unverified until 2026-11-30 because `we run it`" in row.unverified
    scene.now += 9 * 24 * HOUR
    assert "allowed to be served unverified until 2026-11-30" in scene.row().why


def test_an_endpoint_is_its_address(scene: Any) -> None:
    """A decision about an address admits that address and name alone; being allowed unverified does not widen it."""
    decision = scene.decide(scene.ADDRESS, has_files=False)
    scene.one_route(decision[7:])
    row = scene.row()
    assert (row.is_open, row.reference) == (True, f"{scene.URL}#{scene.MODEL}")
    scene.one_route("latest", f'reference = "{scene.URL}#{scene.MODEL}"\npolicy = "gate"')
    assert scene.row().is_open
    for other in ({"url": "http://127.0.0.1:8001/v1"}, {"model": "tiny2"}):
        scene.one_route(decision[7:], ALLOW, **other)
        assert "another address or model name was decided on" in scene.row().why


def _same_size_and_time(path: Path) -> None:
    """Write other weights over a file in place, and give it its old time back."""
    before = path.stat()
    with path.open("r+b") as stream:
        stream.write(b"WEIGHTS"[: before.st_size])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "written over": (lambda root: (root / "model.safetensors").write_bytes(b"other"), "changed `model.safetensors`"),
    "same size and time": (lambda root: _same_size_and_time(root / "model.safetensors"), "changed `model.safetensors`"),
    "gone": (lambda root: (root / "config.json").unlink(), "missing `config.json`"),
    "added": (lambda root: (root / "extra.py").write_bytes(b"1"), "extra `extra.py`"),
    "moved": (lambda root: root.rename(root.with_name("elsewhere")), "there is no folder where `mirror` says"),
    "no manifest": (lambda root: (root / MANIFEST).unlink(), "no manifest"),
    "manifest edited": (lambda root: (root / MANIFEST).write_bytes(b"{}"), "no manifest"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_mirror_that_changed_is_seen_within_the_hour(scene: Any, ask: Any, name: str) -> None:
    """Also where size, inode and time are what they were; being allowed unverified does not help."""
    change, why = CHANGES[name]
    decision = scene.decide()
    scene.one_route(decision[7:], 'mirror = "mirror"\n' + ALLOW)
    keeper = scene.keeper()
    for path in scene.mirror.iterdir():  # long ago, so that digests are remembered
        os.utime(path, (1_700_000_000, 1_700_000_000))
    assert keeper.check()[0].is_open
    change(scene.mirror)
    scene.now += HOUR - 60
    assert keeper.check()[0].is_open
    scene.now += 120
    row = keeper.check()[0]
    assert not row.is_open
    assert why in row.why
    assert not ask(keeper).is_open


def test_a_mirror_of_another_artefact(scene: Any) -> None:
    """A whole mirror, but not of what was decided on; the message says which."""
    decision = scene.decide()
    scene.make_mirror(b"newer weights")
    scene.one_route(decision[7:], 'mirror = "mirror"')
    assert "the mirror holds another artefact" in scene.row().why


def test_a_fingerprint_is_held_to(scene: Any) -> None:
    """Same answers open; other answers, another model's fingerprint, none at all, and silence do not."""
    subject = scene.make_mirror()
    taken = scene.fingerprint(subject)
    decision = scene.decide(subject)
    for wanted in (taken[7:], "weighed"):
        scene.one_route(decision[7:], f'fingerprint = "{wanted}"')
        scene.served = scene.print_of()
        assert scene.row().is_open, wanted
        scene.served = scene.print_of(2.0)
        assert "the server answers otherwise than what was weighed" in scene.row().why
        scene.served = None
        assert "cannot be taken (EngineUnreachable)" in scene.row().why
    scene.served = scene.print_of()
    scene.one_route(decision[7:], f'fingerprint = "{scene.fingerprint(scene.ADDRESS)[7:]}"')
    assert "taken of another model" in scene.row().why
    scene.one_route(decision[7:], f'fingerprint = "{decision[7:]}"')
    assert "what `fingerprint` names is none" in scene.row().why


def test_what_only_chats_show_closes_and_every_check_goes_into_the_journal(scene: Any) -> None:
    """A changed template leaves completions as they were: the fingerprint of chats tells; the journal gets figures."""
    subject = scene.make_mirror()
    raw: Fingerprint = replace(scene.print_of(), form="completion")
    taken = scene.fingerprint(subject, fingerprint=raw.to_json(), chat_fingerprint=scene.print_of().to_json())
    decision = scene.decide(subject)
    scene.one_route(decision[7:], f'fingerprint = "{taken[7:]}"')
    chats: Fingerprint = scene.print_of()

    def probe(_upstream: UpstreamSettings, can: Capabilities, _advance: Any) -> Fingerprint:
        return raw if can.completion is not False else chats

    entries: list[Entry] = []
    file = load_gateway_file(scene.folder / "gateway.toml")
    keeper = Keeper(file, clock=lambda: scene.now, probe=probe, put=entries.append)
    assert keeper.check()[0].is_open
    chats = scene.print_of(2.0)
    scene.now += HOUR
    assert "answers otherwise" in keeper.check()[0].why
    assert [(one.kind, one.route, one.at) for one in entries] == [
        ("probe", "tiny", scene.now - HOUR),
        ("probe", "tiny", scene.now),
    ]
    assert [one.facts["verdict"] for one in entries] == ["same", "differs"]
    assert entries[0].facts["distances"] == {"completion": 0.0, "chat": 0.0}
    assert entries[1].facts["distances"]["completion"] == 0.0 < entries[1].facts["distances"]["chat"]
    assert {(one.facts["leg"], one.facts["decision"], one.facts["reference"]) for one in entries} == {
        ("primary", decision, taken)
    }


def test_a_moment_of_noise_closes_nothing(scene: Any) -> None:
    """What differs is asked again at once: once is noise, twice is another model; the journal has the first time."""
    subject = scene.make_mirror()
    taken = scene.fingerprint(subject)
    decision = scene.decide(subject)
    scene.one_route(decision[7:], f'fingerprint = "{taken[7:]}"')
    answers = [scene.print_of(2.0), scene.print_of(), scene.print_of(2.0), scene.print_of(2.0)]
    entries: list[Entry] = []
    file = load_gateway_file(scene.folder / "gateway.toml")
    keeper = Keeper(file, clock=lambda: scene.now, probe=lambda *_: answers.pop(0), put=entries.append)
    assert keeper.check()[0].is_open
    scene.now += HOUR
    assert not keeper.check()[0].is_open
    assert [(one.facts["verdict"], one.facts["distances"]["chat"] > 0.1) for one in entries] == [
        ("same", True),
        ("differs", True),
    ]


def test_who_falls_silent_when_asked_again_has_differed(scene: Any) -> None:
    """Another model behind the address cannot stay open on the check of an hour ago by refusing the second round."""
    subject = scene.make_mirror()
    taken = scene.fingerprint(subject)
    decision = scene.decide(subject)
    scene.one_route(decision[7:], f'fingerprint = "{taken[7:]}"')
    answers = [scene.print_of(), scene.print_of(2.0)]

    def probe(*_: object) -> Fingerprint:
        if not answers:
            raise EngineUnreachable("silence")
        taken: Fingerprint = answers.pop(0)
        return taken

    keeper = Keeper(load_gateway_file(scene.folder / "gateway.toml"), clock=lambda: scene.now, probe=probe)
    assert keeper.check()[0].is_open
    scene.now += HOUR + 1
    assert "answers otherwise" in keeper.check()[0].why


def test_weighed_is_what_the_decision_saw(scene: Any) -> None:
    """A fingerprint that was taken after the decision, of a model that was swapped, is not what was weighed."""
    subject = scene.make_mirror()
    scene.fingerprint(subject)
    decision = scene.decide(subject)
    scene.fingerprint(subject, shift=2.0, on=scene.TODAY + timedelta(days=1))
    scene.one_route(decision[7:], 'fingerprint = "weighed"')
    scene.served = scene.print_of(2.0)
    assert not scene.row().is_open


def test_a_server_that_is_down_keeps_its_check_for_two_hours(scene: Any, ask: Any) -> None:
    """It is asked again every minute; the check of before counts until it is too old, by the clock alone."""
    subject = scene.make_mirror()
    scene.fingerprint(subject)
    decision = scene.decide(subject)
    scene.one_route(decision[7:], 'fingerprint = "weighed"')
    scene.served = scene.print_of()
    keeper = scene.keeper()
    assert keeper.check()[0].is_open
    scene.served = None
    scene.now += HOUR + 1
    assert keeper.check()[0].is_open
    scene.served = scene.print_of(2.0)
    scene.now += 61
    assert "answers otherwise" in keeper.check()[0].why
    scene.served = scene.print_of()
    scene.now += 301
    assert keeper.check()[0].is_open
    scene.now += 2 * HOUR
    assert "2 hours ago, and not since" in ask(keeper).refused
    scene.served = None
    assert "cannot be taken" in keeper.check()[0].why


def test_a_check_of_what_was_decided_before_counts_no_more(scene: Any) -> None:
    """Decided anew while the server was asked: what it answered is held against the new decision only."""
    subject = scene.make_mirror()
    scene.fingerprint(subject)
    scene.decide(subject)
    scene.one_route("latest", 'fingerprint = "weighed"\nreference = "hf:acme/tiny"\npolicy = "gate"')
    keeper = scene.keeper()
    asked: list[str] = []

    def probe(*_: object) -> Fingerprint:
        if not asked:
            scene.fingerprint(subject, shift=2.0, on=scene.TODAY)
            scene.decide(subject)
            keeper._refresh()
        asked.append("")
        taken: Fingerprint = scene.print_of()
        return taken

    keeper._examiner._probe = probe
    assert "answers otherwise" in keeper.check()[0].why
    assert len(asked) == 3  # for the old decision once, for the new one twice, since it differs


def _endpoint(shift: float) -> Callable[[int, str], bytes | None]:
    """Return a scripted server that answers chats with log-probabilities."""
    top = [{"token": "a", "logprob": -0.5 - shift}, {"token": "b", "logprob": -1.5}]
    choice = {"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "length",
              "logprobs": {"content": [{"token": "a", "logprob": -0.5 - shift, "top_logprobs": top}]}}  # fmt: skip
    body = json.dumps({"id": "1", "object": "chat.completion", "model": "tiny", "choices": [choice]}).encode()
    return lambda _number, _path: http(body)


def test_a_real_endpoint_is_asked(serve: Any) -> None:
    """Over HTTP: 50 requests with the key of the named variable; a swapped model differs, silence is an error."""
    can = Capabilities(chat=True, chat_logprobs=20)
    ask_upstream = probe_with({"TINY_KEY": "the-key"}.get)
    counted: list[int] = []
    first, second = serve(_endpoint(0.0)), serve(_endpoint(2.0))
    one = ask_upstream(UpstreamSettings(first.url, "tiny", "TINY_KEY"), can, counted.append)
    other = ask_upstream(UpstreamSettings(second.url, "tiny"), can, lambda _one: None)
    assert compare_fingerprints(one, one).verdict == "same"
    assert compare_fingerprints(one, other).verdict == "differs"
    assert len(first.paths) == sum(counted) == 50
    assert all(b"authorization: bearer the-key" in head.lower() for head in first.heads)
    assert not any(b"the-key" in head for head in second.heads)
    with pytest.raises(WeighbridgeError):
        ask_upstream(UpstreamSettings("http://127.0.0.1:9/v1", "tiny"), can, lambda _one: None)
