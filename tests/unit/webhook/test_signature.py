"""Signatures of webhooks, held against the published example and an independent recomputation."""

from __future__ import annotations

import pytest

from weighbridge.errors import UsageError
from weighbridge.webhook.signature import key_of, signed_headers

_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_ID, _AT, _BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'


def test_the_published_example() -> None:
    """The example in the reference libraries (github.com/standard-webhooks) has this signature."""
    headers = signed_headers(_ID, _AT, _BODY, key_of(_SECRET, "X"))
    assert headers == {
        "webhook-id": _ID,
        "webhook-timestamp": str(_AT),
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize("changed", [(_ID + "x", _AT, _BODY), (_ID, _AT + 1, _BODY), (_ID, _AT, _BODY + b" ")])
def test_id_time_and_body_are_all_signed(changed: tuple[str, int, bytes]) -> None:
    """Whoever changes one of them, or replays it later, has no signature for it."""
    key = key_of(_SECRET, "X")
    ours = signed_headers(_ID, _AT, _BODY, key)["webhook-signature"]
    assert signed_headers(*changed, key)["webhook-signature"] != ours


def test_without_a_key_nothing_is_signed() -> None:
    """A receiver that checks signatures then refuses it, as it should."""
    assert "webhook-signature" not in signed_headers(_ID, _AT, _BODY, b"")


@pytest.mark.parametrize("secret", ["whsec_not base64", "whsec_c2hvcnQ=", "hush"])
def test_a_secret_that_is_none_is_refused_and_not_told(secret: str) -> None:
    """The error names the variable, never what it holds."""
    with pytest.raises(UsageError) as caught:
        key_of(secret, "ALARM_SECRET")
    assert "ALARM_SECRET" in caught.value.message
    assert secret not in caught.value.message


def test_any_long_text_is_a_secret() -> None:
    """Who has no base64 at hand may use a long passphrase."""
    assert key_of("a passphrase of 32 characters ok", "X") == b"a passphrase of 32 characters ok"
