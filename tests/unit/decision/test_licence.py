"""A policy asks the clauses of a licence about its own intended use."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds.licence import GateBody, LicenceV1, ThresholdBody, WhenBody
from weighbridge.decision.decide import decide
from weighbridge.decision.policy import parse_policy
from weighbridge.decision.shipped import load_policy
from weighbridge.decision.use import parse_use
from weighbridge.errors import PolicyError
from weighbridge.inspection.licence.chain.force import in_force
from weighbridge.inspection.licence.chain.sources import Given, Text

if TYPE_CHECKING:
    from collections.abc import Callable

SUBJECT = "sha256:" + "a" * 64
DAY = date(2026, 11, 1)
ABOVE = WhenBody(
    above=[ThresholdBody(subject="group", measure="annual revenue", amount=1e6, unit="USD", moment="ongoing")]
)
ASKED = {"kind": "licence/v1", "where": None, "measure": "answer", "operator": "in", "value": ["allowed"]}


def _stated(*gates: GateBody, **changed: Any) -> Evidence:
    body = LicenceV1(text_found=True, gates=list(gates), **changed)
    return Evidence(SUBJECT, "licence/v1", body.model_dump(mode="json"), (), OURS, DAY)


def _ruling(text: str, use: str, statement: Evidence) -> tuple[str, Any]:
    text = text.replace('audience = "internal"\n', f'audience = "internal"\n{use}\n')
    [ruling] = decide(parse_policy(text, "policy.toml"), [statement], subject=SUBJECT, on=DAY).rulings
    return ruling.outcome, ruling.observed


def test_the_answer_is_that_for_the_policys_use(policy_text: Callable[..., str]) -> None:
    """One clause, three uses: below the figure, above it, and not said; the last is no pass."""
    statement = _stated(GateBody(term="revenue_threshold", effect="needs-licence", says="x", when=ABOVE))
    text = policy_text(**ASKED)
    assert _ruling(text, "group_revenue_usd = 10", statement) == ("pass", "allowed")
    assert _ruling(text, "group_revenue_usd = 1000001", statement) == ("fail", "needs a licence")
    assert _ruling(text, "", statement) == ("fail", "a human must decide")


def test_an_answer_in_evidence_is_not_taken(policy_text: Callable[..., str]) -> None:
    """Whoever writes `allowed` into a statement changes nothing: the clauses are judged at the decision."""
    statement = _stated(GateBody(term="commercial_use", effect="forbidden", says="x"), answer="allowed")
    assert _ruling(policy_text(**ASKED), "", statement) == ("fail", "forbidden")


def test_a_body_that_is_none_is_not_known(policy_text: Callable[..., str]) -> None:
    """Evidence that does not have the kind's form says nothing, whatever it claims."""
    broken = Evidence(SUBJECT, "licence/v1", {"answer": "allowed"}, (), OURS, DAY)
    assert _ruling(policy_text(**ASKED), "", broken)[0] == "unknown"


@pytest.mark.parametrize("name", ["internal-tool", "customer-facing-eu"])
def test_shipped_policies_ask_the_text_and_not_the_tag(name: str) -> None:
    """A tag alone is held; a licence that leaves the Union out is held for customers there."""
    policy = load_policy(name)
    hunyuan = "This licence does not apply in the European Union.\n\nYou must not use the model for military work.\n"
    for given in (Given("model", tag="mit"), Given("model", (Text("LICENSE", hunyuan),))):
        body = in_force(given).model_dump(mode="json")
        statement = Evidence(SUBJECT, "licence/v1", body, (), OURS, DAY)
        rulings = {one.rule: one for one in decide(policy, [statement], subject=SUBJECT, on=DAY).rulings}
        assert rulings["licence-permits"].outcome == "fail"
        assert rulings["licence-permits"].effect == "hold"


def test_a_use_file_says_only_what_stands_in_it() -> None:
    """Keys alone or under `[use]`; nothing is taken for said that is not."""
    use = parse_use('[use]\noffer = "hosted-api"\nseat = "DE"\ngroup_revenue_usd = 5', "use.toml")
    assert (use.offer, use.seat, use.group_revenue_usd) == ("hosted-api", "DE", 5)
    assert (use.fine_tunes, use.fields, use.users, use.trains_models) == (None, None, None, None)
    assert parse_use('countries = ["DE"]', "use.toml").offer is None
    assert parse_use('audience = "public"', "use.toml").is_commercial is True


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('fields = ["militry"]', "`militry` is no field of use"),
        ('offer = "gift"', "`offer` cannot be `gift`"),
        ('colour = "red"', "key `colour` is not known"),
        ("use = 1", "not written as a table"),
        ('seat = "Germany"', "key `seat`"),
        ("= 1", "is not TOML"),
    ],
)
def test_a_slip_in_a_use_file_is_said(text: str, said: str) -> None:
    """The file and the key are named."""
    with pytest.raises(PolicyError, match=r"use\.toml") as caught:
        parse_use(text, "use.toml")
    assert said in caught.value.message
