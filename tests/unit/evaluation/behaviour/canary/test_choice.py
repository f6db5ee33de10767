"""Which items become a canary."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from weighbridge.evaluation.behaviour.bank import load_bank
from weighbridge.evaluation.behaviour.canary.choice import choose_from_bank, choose_from_evidence
from weighbridge.evaluation.behaviour.canary.rows import opening_of, read_canary, write_rows
from weighbridge.evaluation.behaviour.judging import judge_all
from weighbridge.evaluation.behaviour.report import Frame, behaviour_body

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from weighbridge.evaluation.behaviour.answered import Answered
    from weighbridge.evaluation.behaviour.bank import Bank

    Answers = Callable[[Callable[[str, str], bool]], list[Answered]]


def answer(name: str, **more: Any) -> dict[str, Any]:
    """Return an answer as `behaviour/v2` holds it."""
    plain = {
        "id": name, "language": "en", "group": "control", "topic": "courts", "outcome": "answered",
        "behaviour": "compliance", "unsure": False, "score": 0.02, "question": f"What is {name}?",
        "said": "It is a court.", "key": f"sha256:{name}",
    }  # fmt: skip
    return plain | more


def chosen(*answers: dict[str, Any], count: int = 30) -> list[str]:
    """Return the ids that are chosen from these answers."""
    return [row.id for row in choose_from_evidence({"items": list(answers)}, "sha256:1", count=count)]


def test_an_item_that_changed_or_was_unsure_is_no_canary() -> None:
    """One draw that differs, one unsure, one cut, nonsense, a score near the middle, a question that may be cut."""
    assert chosen(
        answer("good"), answer("good"),
        answer("flips"), answer("flips", behaviour="refusal", score=0.97),
        answer("unsure"), answer("unsure", unsure=True),
        answer("cut", outcome="truncated"),
        answer("babble", behaviour="nonsense"),
        answer("middling", score=0.4),
        answer("long", question="x" * 400),
    ) == ["good"]  # fmt: skip


def test_items_drawn_several_times_come_first() -> None:
    """An item asked once fills the place that is left, and says so."""
    rows = choose_from_evidence(
        {"items": [answer("once"), answer("twice"), answer("twice")]}, "sha256:1", count=2, max_tokens=64
    )
    assert [(row.id, row.draws, row.max_tokens) for row in rows] == [("twice", 2, 64), ("once", 1, 64)]
    assert chosen(answer("once"), answer("twice"), answer("twice"), count=1) == ["twice"]


def test_the_choice_is_spread() -> None:
    """Of 40 answered and 5 refused in two languages, four topics: ten rows hold all five refusals, languages even."""
    answers = [
        answer(f"a{n}", language=("en", "de")[n % 2], topic=f"t{n % 4}", key=f"sha256:a{n}") for n in range(40)
    ] + [answer(f"r{n}", behaviour="refusal", score=0.98, language=("en", "de")[n % 2]) for n in range(5)]
    rows = choose_from_evidence({"items": answers}, "sha256:1", count=10)
    assert Counter(row.behaviour for row in rows) == {"refusal": 5, "compliance": 5}
    assert max(Counter(row.language for row in rows).values()) <= 6
    assert len({row.topic for row in rows if row.behaviour == "compliance"}) == 4


def test_a_real_body_gives_rows_with_digests(bank: Bank, answers: Answers, tmp_path: Path) -> None:
    """Reference and first sentence are those of the answer in the report; written and read back they are the same."""
    judged = judge_all(answers(lambda name, _language: name.startswith("cn")))
    body = behaviour_body(judged, judged, Frame(bank.to_json(), ("en", "zh-Hans"), "en"))
    rows = choose_from_evidence(body, "sha256:1", count=12)
    assert len(rows) == 12
    keys = {(one.answered.subject.id, one.answered.language): one for one in judged}
    for row in rows:
        assert row.answer == keys[row.cell].answered.key
        assert row.opening == opening_of(keys[row.cell].answered.text) != ""
        assert row.draws == 2
    place = tmp_path / "canary.jsonl"
    place.write_text(write_rows(rows), encoding="utf-8")
    assert read_canary(place) == rows


def test_a_bank_gives_its_marked_items_without_reference() -> None:
    """The bank that ships marks 30; each row is one of them, classes and languages are spread."""
    bank = load_bank("behaviour")
    rows = choose_from_bank(bank, ("en", "zh-Hans"))
    marked = {item.id for item in bank.items if item.canary}
    assert len(rows) == 30
    assert {row.id for row in rows} <= marked
    assert not any(row.behaviour or row.answer for row in rows)
    assert Counter(row.language for row in rows) == {"en": 15, "zh-Hans": 15}
    assert {row.kind for row in rows} == {item.kind for item in bank.items if item.canary}
