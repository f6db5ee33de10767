"""What a run says of itself while it runs."""

from __future__ import annotations

from datetime import date

from weighbridge.engine.protocol import Completion, EngineIdentity, Outcome
from weighbridge.evaluation.cost import Price
from weighbridge.evaluation.plan import make_plan
from weighbridge.evaluation.run import Run
from weighbridge.evaluation.run.tally import Tally
from weighbridge.evaluation.suite import Item, Suite


def test_the_line_tells_rate_tokens_cost_and_wilsons_interval() -> None:
    """28 right of 30: Wilson's interval is (0.786765, 0.981523), as published in the issue's known answers."""
    items = tuple(Item(f"q{i}", f"Q{i}", answer="A") for i in range(30))
    suite = Suite(
        name="letters", version="1", title="Letters", measures="score/v1", language="en", licence="Apache-2.0",
        source="ours", scorer="exact", chance=0.0, max_tokens=8, forms={"chat": "$question"}, prefix="", system=None,
        items=items, digest="sha256:" + "b" * 64,
    )  # fmt: skip
    plan = make_plan(suite, "sha256:" + "a" * 64, EngineIdentity("e", "m"), "chat")
    run = Run([], date(2026, 11, 22), price=Price(1000.0, 1000.0), seconds=10.0)
    tally = Tally(plan, run, None)
    for index in range(30):
        completion = Completion(Outcome.ANSWERED, "A" if index < 28 else "B", prompt_tokens=90, completion_tokens=10)
        run.bill.add(completion)
        tally.heard(index, completion)
    assert tally.line() == "3/s, 3 k tokens, 3.00 USD, right 93.3% [78.7%, 98.2%]"
