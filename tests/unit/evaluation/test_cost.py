"""Tokens and prices: what is counted, what is not known, and a span that holds real tokenizers' counts."""

from __future__ import annotations

import pytest

from weighbridge.engine.protocol import Completion, Outcome, Request
from weighbridge.errors import UsageError
from weighbridge.evaluation.cost import Bill, Price, prompt_token_span


def test_a_price_is_that_of_both_directions() -> None:
    """A million of each cost the sum of both prices."""
    price = Price.parse("0.25, 1.25")
    assert price.of(1_000_000, 1_000_000) == pytest.approx(1.5)
    assert price.currency == "USD"
    assert Price.parse("2,8,CNY").currency == "CNY"


@pytest.mark.parametrize("text", ["", "1", "1,2,3", "a,b", "-1,2", "1;2", "nan,1", "1e3,2"])
def test_what_is_no_price_is_refused(text: str) -> None:
    """Two plain numbers, or an error that shows how."""
    with pytest.raises(UsageError, match="is no price"):
        Price.parse(text)


def test_a_bill_with_an_uncounted_answer_is_not_known() -> None:
    """A sum that leaves one answer out would be a wrong figure: None stands in its place."""
    bill = Bill()
    bill.add(Completion(Outcome.ANSWERED, "A", prompt_tokens=10, completion_tokens=2))
    assert bill.to_json(Price(1, 1))["price"] == pytest.approx(12e-6)
    bill.add(Completion(Outcome.FAILED, detail="HTTP 500"))  # nothing came, nothing is counted
    assert bill.to_json(None)["prompt_tokens"] == 10
    bill.add(Completion(Outcome.ANSWERED, "A"))
    assert bill.to_json(Price(1, 1)) == dict.fromkeys(
        ("prompt_tokens", "cached_tokens", "completion_tokens", "price", "currency")
    )


@pytest.mark.parametrize(
    ("text", "tokens"),
    [  # counts of OpenAI's cl100k_base, as its cookbook and tokenizer page print them
        ("tiktoken is great!", 6),
        ("antidisestablishmentarianism", 6),
        ("2 + 2 = 4", 7),
        ("お誕生日おめでとう", 9),
    ],
)
def test_the_span_holds_published_counts(text: str, tokens: int) -> None:
    """The counts of the OpenAI cookbook ("How to count tokens with tiktoken") lie within the span."""
    fewest, most = prompt_token_span([Request("completion", text, 1)])
    assert fewest <= tokens <= most
