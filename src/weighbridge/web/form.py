"""Forms that pages send, read whole within bounds, or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

__all__ = ["Form", "read_form"]

_MOST_BYTES = 64 << 10
_MOST_FIELDS = 200
_HINT = "use the buttons of the page"


class Form:
    """The fields of a form by name; one that was left empty is not in it."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        self._fields = fields

    def one(self, name: str) -> str:
        """Return the first value of a field without the space around it, "" where there is none."""
        return next(iter(self._fields.get(name, ())), "").strip()

    def every(self, name: str) -> Sequence[str]:
        """Return all values of a field."""
        return self._fields.get(name, ())


async def read_form(request: Request) -> Form:
    """Read a form of 64 KiB and 200 fields at the most; raises UsageError for anything else."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > _MOST_BYTES:
            raise UsageError("the form is too large", hint=_HINT)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise UsageError("that is no form", hint=_HINT)
    try:
        return Form(parse_qs(data.decode("ascii"), errors="strict", max_num_fields=_MOST_FIELDS))
    except ValueError as error:
        raise UsageError("the form cannot be read", hint=_HINT) from error
