"""Orders of keys from outside: what is wrong is said with the field, and with a form that would do."""

from __future__ import annotations

import pytest

from weighbridge.errors import UsageError
from weighbridge.pilot.access.orders import KeyOrder


@pytest.mark.parametrize("name", ["Ж", "团队", "\u0645\u06cc\u200c\u062e\u0648\u0627", "👩\u200d🚀", "a b", "!"])
def test_a_name_may_be_in_any_language(name: str) -> None:
    """Joiners are letters to Persian and to emoji: they stay, unlike what turns text around."""
    assert KeyOrder.of(name=name).name == name


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
