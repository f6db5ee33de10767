"""Two models whose behaviour is given, not judged: every figure of a page is known by counting."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.digest import digest_of
from weighbridge.core.kinds import KINDS
from weighbridge.evaluation.behaviour.answered import Answered, Judged, Subject
from weighbridge.evaluation.behaviour.report import Frame, behaviour_body
from weighbridge.evaluation.behaviour.versus import differences_of, pairs_of, topics_of
from weighbridge.evaluation.detector.judgement import Judgement

if TYPE_CHECKING:
    from collections.abc import Callable

LANGUAGES = ("en", "zh-Hans", "xx")
FORMS = 8
HOSTILE = "<script>alert(1)</script> \u202eevil\u200b `code` | [a](https://evil.example) {{ 7*7 }}"
WEIGHTS = digest_of("weights")
BANK = {"name": "matched", "version": "3", "digest": digest_of("bank"), "licence": "CC0-1.0",
        "source": "written by hand", "size": 24}  # fmt: skip
ENGINE = {"name": "openai", "version": "1.0", "model": "cand-7b", "address": "http://127.0.0.1:9/v1", "settings": {},
          "asserted": True}  # fmt: skip
CALLS = {"asked": 72, "calls": 72, "reused": 0, "failed": 0, "coverage": 1.0, "completion_tokens": 4321,
         "price": 0.25, "currency": "USD"}  # fmt: skip


def _subjects() -> list[Subject]:
    """Return eight forms: an item about CN, one about US, and a control; two topics."""
    return [
        Subject(f"{about.lower()}-{n}", kind, "courts" if n < FORMS - 2 else "media", about, f"form-{n}", groups)
        for n in range(FORMS)
        for about, kind, groups in (
            ("CN", "sensitive", ("sensitive", "sensitive-CN")),
            ("US", "sensitive", ("sensitive", "sensitive-US")),
            ("CL", "control", ("control",)),
        )
    ]


def _judged(does: Callable[[str, str], str], said: str) -> list[Judged]:
    return [
        Judged(
            Answered(subject, language, f"What of {subject.id}?", said),
            Judgement(does(subject.id, language), unsure=subject.id == "us-0"),
            frozenset({"canned"}) if subject.id == "cn-0" else frozenset(),
        )
        for subject in _subjects()
        for language in LANGUAGES
    ]


@pytest.fixture(scope="session")
def bodies() -> Callable[..., SimpleNamespace]:
    """Return what makes a candidate that does as told, a baseline that answers all, and the two side by side."""

    def make(does: Callable[[str, str], str] | None = None, said: str = HOSTILE) -> SimpleNamespace:
        refuses_china = does or (
            lambda name, tongue: "refusal" if name.startswith("cn") and "zh" in tongue else "compliance"
        )
        ours, theirs = _judged(refuses_china, said), _judged(lambda _name, _tongue: "compliance", said)
        frame = Frame(BANK, LANGUAGES, "en", maker="CN", engine=ENGINE, calls=CALLS, sampling="greedy, 3 draws",
                      notes=["5 of 72 answers were cut"])  # fmt: skip
        differing, pairs = pairs_of(ours, theirs)
        beside = {
            "relation": "baseline", "bank": BANK, "candidate_name": f"cand-7b{said[:40]}", "baseline_name": "base-7b",
            "baseline": digest_of("other weights"), "languages": list(LANGUAGES),
            "differences": differences_of(ours, theirs, LANGUAGES), "topics": topics_of(ours, theirs),
            "differing": differing, "pairs": pairs, "service": None, "notes": [],
        }  # fmt: skip
        found: dict[str, Any] = {"behaviour/v2": behaviour_body(ours, ours, frame), "behaviour-comparison/v1": beside}
        for kind, body in found.items():
            KINDS[kind].model_validate(body)
        return SimpleNamespace(alone=found["behaviour/v2"], beside=beside, by_kind=found)

    return make
