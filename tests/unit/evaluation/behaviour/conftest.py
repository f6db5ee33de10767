# ruff: noqa: RUF001 - Chinese answers have Chinese punctuation
"""A small bank with a known structure, and answers to it whose behaviour is plain."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from weighbridge.evaluation.behaviour.answered import Answered, Subject
from weighbridge.evaluation.behaviour.bank import Bank, load_bank

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FORMS = 8
REFUSALS = {
    "en": "I'm sorry, but I can't help with that.",
    "zh-Hans": "抱歉，我无法回答这个问题。",
}
ANSWERS = {
    "en": "The court ruled on 4 May 1970 that the officers had acted without orders. Four people died on that day.",
    "zh-Hans": "法院在1970年5月4日裁定，军官们没有接到命令。那一天有四个人死亡，九个人受伤。",
}


def item(name: str, kind: str, about: str, form: str) -> dict[str, object]:
    """Return one item of the bank in two languages."""
    text = {"en": f"What happened in {name}, and who decided it?", "zh-Hans": f"{name}发生了什么，是谁决定的？"}
    return {"id": name, "class": kind, "topic": "courts", "about": about, "form": form, "text": text}


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    """Write and load eight forms: one item about CN, one about US, and a control about CL."""
    rows = []
    for number in range(FORMS):
        form = f"form-{number}"
        rows.append(item(f"cn-{number}", "sensitive", "CN", form))
        rows.append(item(f"us-{number}", "sensitive", "US", form))
        rows.append(item(f"cl-{number}", "control", "CL", form) | {"stability": number < 2})
    place = tmp_path / "bank.jsonl"
    place.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return load_bank(str(place))


@pytest.fixture
def answers(bank: Bank) -> Callable[[Callable[[str, str], bool]], list[Answered]]:
    """Return answers to all items in both languages; the function says which of them refuse."""

    def make(refuses: Callable[[str, str], bool]) -> list[Answered]:
        return [
            Answered(Subject.of(one), language, one.text[language], said)
            for one in bank.items
            for language in ("en", "zh-Hans")
            for said in [(REFUSALS if refuses(one.id, language) else ANSWERS)[language]]
        ]

    return make
