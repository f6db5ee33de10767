"""What the tests of decisions share: a policy with one rule, and a statement about one model."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.evidence import Evidence, Producer

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD = """
[policy]
name = "house"
version = "1"
title = "House rules"
valid_days = 90
[use]
description = "Tests"
audience = "internal"
"""
RULE: dict[str, Any] = {
    "id": "knowledge-en",
    "kind": "score/v1",
    "where": {"suite.name": "knowledge-en"},
    "measure": "accuracy",
    "operator": "at-least",
    "value": 0.4,
    "on_fail": "reject",
    "because": "guessing gives 0.25",
}


@pytest.fixture
def policy_text() -> Callable[..., str]:
    """Return a writer of a policy with one rule; keys change or (None) leave out what RULE holds."""

    def write(*, more: str = "", **changes: Any) -> str:
        rule = {key: value for key, value in {**RULE, **changes}.items() if value is not None}
        where = ", ".join(f"{json.dumps(path)} = {json.dumps(value)}" for path, value in rule.pop("where", {}).items())
        keys = "\n".join(f"{key} = {json.dumps(value)}" for key, value in rule.items())
        return f"{HEAD}\n[[rule]]\nwhere = {{ {where} }}\n{keys}\n{more}"

    return write


@pytest.fixture
def score() -> Callable[..., Evidence]:
    """Return a maker of a score on `knowledge-en` with an interval."""

    def make(low: Any, high: Any, *, n: Any = 120, made_on: date = date(2026, 11, 1), **body: Any) -> Evidence:
        value = (low + high) / 2
        accuracy = {"value": value, "low": low, "high": high, "n": n, "method": "Wilson", "level": 0.95, "unscored": 0}
        return Evidence(
            subject="sha256:" + "a" * 64,
            kind="score/v1",
            body={"suite": {"name": "knowledge-en"}, "accuracy": accuracy, **body},
            inputs=(),
            producer=Producer("weighbridge", "0.1.0"),
            made_on=made_on,
        )

    return make
