from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from weighbridge.decision.decide import decide
from weighbridge.decision.policy import MAX_BYTES, parse_policy
from weighbridge.decision.shipped import load_policy, shipped_policies
from weighbridge.errors import NotFound, PolicyError
from weighbridge.evaluation.suite import find_suite

if TYPE_CHECKING:
    from weighbridge.core.evidence import Evidence

Write = Callable[..., str]
NAMES = (
    "behaviour-eu-customer-facing",
    "behaviour-gbt-45654",
    "behaviour-internal-coding",
    "customer-facing-eu",
    "internal-tool",
    "starter",
)
HOWTO = Path(__file__).parents[3] / "docs" / "howto" / "write-a-policy.md"


def test_six_policies_ship() -> None:
    """They are found by the name that stands in them."""
    assert tuple(shipped_policies()) == NAMES
    assert [load_policy(name).name for name in NAMES] == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_policy_can_be_followed(name: str) -> None:
    """Its suites ship and give the kind that the rule asks for; `because` is a whole sentence; no waiver ships."""
    policy = load_policy(name)
    for rule in policy.rules:
        assert re.fullmatch(r"[A-Z0-9].{20,}\.", rule.because)
        if suite := rule.where.get("suite.name"):
            assert rule.kind in {find_suite(suite).measures, "comparison/v1"}
    assert policy.waivers == ()


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_policy_holds_what_nobody_looked_at(name: str) -> None:
    """Without evidence nothing that ships admits a model."""
    decision = decide(load_policy(name), [], subject="sha256:" + "a" * 64, on=date(2026, 11, 1))
    assert decision.verdict in {"hold", "reject"}


def test_knowledge_near_chance_is_rejected_by_the_starter_policy(score: Callable[..., Evidence]) -> None:
    """A model at 28 % of 120 questions, Wilson interval 20 to 37 %, fails a threshold of 40 %."""
    statement = score(0.204, 0.366)
    decision = decide(load_policy("starter"), [statement], subject=statement.subject, on=date(2026, 11, 1))
    assert decision.verdict == "reject"
    assert [ruling.rule for ruling in decision.decisive] == ["knowledge-en"]


def test_a_policy_file_is_loaded_by_path(tmp_path: Path, policy_text: Write) -> None:
    """A byte order mark and Windows line ends are no obstacle."""
    path = tmp_path / "policy.toml"
    path.write_bytes(b"\xef\xbb\xbf" + policy_text().replace("\n", "\r\n").encode())
    assert load_policy(str(path)) == parse_policy(policy_text(), "policy.toml")


def test_what_is_no_policy_file_is_said(tmp_path: Path, policy_text: Write) -> None:
    """A name with a slip is not found; a file that is too large or not UTF-8 is refused; a pipe is not read."""
    with pytest.raises(NotFound) as caught:
        load_policy("startr")
    assert caught.value.hint == "did you mean `starter`?"
    os.mkfifo(tmp_path / "pipe")
    for name in (str(tmp_path), str(tmp_path / "pipe"), "x" * 5000, "nul\0nul"):
        with pytest.raises(NotFound):
            load_policy(name)
    path = tmp_path / "policy.toml"
    path.write_bytes(b"\xff")
    with pytest.raises(PolicyError, match="not UTF-8"):
        load_policy(str(path))
    path.write_bytes(policy_text().encode() + b"#" * MAX_BYTES)
    with pytest.raises(PolicyError, match="larger than 1 MiB"):
        load_policy(str(path))


def test_the_guide_shows_a_policy_that_can_be_loaded() -> None:
    """The TOML blocks of the guide, one after the other, are one policy."""
    blocks = re.findall(r"```toml\n(.*?)```", HOWTO.read_text(encoding="utf-8"), re.DOTALL)
    text = "\n".join(blocks)
    assert set(tomllib.loads(text)) == {"policy", "use", "rule", "waiver"}
    policy = parse_policy(text, "write-a-policy.md")
    assert policy.rules
    assert policy.waivers
