"""Waiting and giving up."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from weighbridge.engine.limits import Limits, Retries, is_retried, retry_after_s


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        ("0.2", 0.2),
        ("-5", 0.0),
        ("Wed, 21 Oct 2015 07:28:10 GMT", 10.0),
        ("soon", None),
        ("nan", None),
        ("Mon, 01 Jan 99999999999 00:00:00 GMT", None),
        (None, None),
    ],
)
def test_retry_after_is_read_in_both_forms(header: str | None, seconds: float | None) -> None:
    """Seconds and HTTP dates (the example date of RFC 9110, 10.2.3) are understood; anything else is ignored."""
    assert retry_after_s(header, datetime(2015, 10, 21, 7, 28, tzinfo=UTC)) == seconds


def test_a_run_has_a_budget_of_retries() -> None:
    """Retries are a share of the requests, beside a reserve for the first ones; then nothing is tried again."""
    retries = Retries(Limits(retry_reserve=2, retry_share=0.5), requests=4)
    waits = [retries.wait_s(1, None) is None for _ in range(6)]
    assert waits == [False, False, False, False, True, True]


def test_waits_double_and_never_undercut_the_server() -> None:
    """The wait grows with the attempt, and is at least what Retry-After asks for."""
    retries = Retries(Limits(attempts=9))
    first, fourth = retries.wait_s(1, None), retries.wait_s(4, None)
    assert first is not None
    assert fourth is not None
    assert first < fourth
    assert (retries.wait_s(1, 7.0) or 0) >= 7.0


def test_only_later_is_tried_again() -> None:
    """Overload and rate limits are; mistakes of the request are not."""
    assert {status for status in (400, 401, 404, 422, 429, 500, 502, 503, 504) if is_retried(status)} == {
        429,
        500,
        502,
        503,
        504,
    }


def test_waits_follow_the_endpoint_not_the_request() -> None:
    """Among answers a chance failure is retried at once and a refusal soon; a dead endpoint has longer to come back."""
    retries = Retries(Limits())
    assert retries.wait_s(1, None, usual_s=0.02, in_a_row=1) == 0.0
    assert 0.05 <= (retries.wait_s(1, None, refused=1, usual_s=0.1, in_a_row=1) or 0) <= 0.075
    assert 0.05 <= (retries.wait_s(3, None, refused=3, usual_s=0.1, in_a_row=1) or 0) <= 0.075
    assert 0.01 <= (retries.wait_s(3, None, refused=3, usual_s=0.02, in_a_row=1) or 0) <= 0.015
    assert 0.005 <= (retries.wait_s(1, None, refused=1, usual_s=0.001, in_a_row=1) or 0) <= 0.0075
    assert (retries.wait_s(1, None, usual_s=0.02, in_a_row=9) or 0) >= 0.025
    assert (retries.wait_s(6, None, usual_s=0.02, in_a_row=30) or 0) >= 0.5
    assert (retries.wait_s(1, 0.2, usual_s=0.02, in_a_row=1) or 0) >= 0.2
