"""Orders of keys from outside: what is wrong is said with the field, and with a form that would do."""

from __future__ import annotations

import pytest

from weighbridge.errors import UsageError
from weighbridge.pilot.access.orders import KeyOrder


@pytest.mark.parametrize(
    ("body", "message", "hint"),
    [
        (b'{"name": "a\\u0007"}', "the field `name` has a form that is not allowed", "on one line"),
        (b'{"name": "a", "tenant": "A B"}', "the field `tenant` has a form that is not allowed", "small letters"),
        (b"[]", "the body cannot be taken", ""),
    ],
)
def test_a_form_that_is_not_allowed_is_said_with_one_that_is(body: bytes, message: str, hint: str) -> None:
    """Found by a user: "a form that is not allowed" without any, and "the field `the body`"."""
    with pytest.raises(UsageError) as caught:
        KeyOrder.read(body)
    assert caught.value.message.startswith(message)
    assert hint in (caught.value.hint or "")
