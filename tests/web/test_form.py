"""Forms as browsers send them (application/x-www-form-urlencoded, WHATWG URL), and what is refused."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import Request

from weighbridge.errors import UsageError
from weighbridge.web.form import Form, read_form

_KIND = "application/x-www-form-urlencoded"


def _read(body: bytes, kind: str = _KIND) -> Form:
    """Read a body that comes in two pieces."""
    pieces = [body[:7], body[7:]]

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", kind.encode())]}
    return asyncio.run(read_form(Request(scope, receive)))


def test_fields_are_read_by_name() -> None:
    """The first value without the space around it, or all of them; an empty field is none."""
    form = _read(b"because=+caf%C3%A9+&scope=a&scope=b&empty=", f"{_KIND}; charset=UTF-8")
    assert form.one("because") == "caf\u00e9"
    assert form.every("scope") == ["a", "b"]
    assert (form.one("empty"), form.one("missing"), list(form.every("missing"))) == ("", "", [])


@pytest.mark.parametrize(
    ("body", "kind", "why"),
    [
        (b"a=" + b"x" * (64 << 10), _KIND, "too large"),
        (b"&".join(b"a=1" for _ in range(201)), _KIND, "cannot be read"),
        (b"a=%FF", _KIND, "cannot be read"),
        ("a=\u00e9".encode(), _KIND, "cannot be read"),
        (b"a=1", "multipart/form-data; boundary=x", "no form"),
        (b"a=1", "", "no form"),
    ],
)
def test_what_no_page_sends_is_refused(body: bytes, kind: str, why: str) -> None:
    """Too long, too many fields, not UTF-8 once decoded, or of another kind."""
    with pytest.raises(UsageError, match=why):
        _read(body, kind)
