"""What both catalogues share: whom one may ask about, and what counts as the hub's own answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from weighbridge.errors import BadReference, HubUnreachable, UsageError
from weighbridge.formats.place import quote
from weighbridge.hub.catalogue.counted import counts_as_download
from weighbridge.hub.catalogue.fields import repository_in
from weighbridge.hub.remote.host import Unreadable, fetch_json
from weighbridge.hub.remote.wire import TooLong

if TYPE_CHECKING:
    from weighbridge.hub.remote.listing import RemoteFile
    from weighbridge.hub.remote.wire import Answer, Wire

__all__ = ["ask_hub", "check_named", "check_publisher", "check_readable", "check_repository"]


def ask_hub(wire: Wire, path: str, variable: str) -> tuple[Answer, Any]:
    """Return the answer of a hub's interface and the JSON in it (None for a refusal), of its own origin only.

    Raises Unreadable for an answer without end or without JSON, and HubUnreachable for one from elsewhere.
    """
    try:
        answer, value = fetch_json(wire, path, variable, of_strangers=True)
    except TooLong as error:
        raise Unreadable(error.message, hint=error.hint) from error
    if urlsplit(answer.url)[:2] != urlsplit(wire.endpoint)[:2]:
        raise HubUnreachable(f"{quote(wire.endpoint)} sends its callers to another host", hint=f"look at `{variable}`")
    return answer, value


def check_publisher(name: str) -> None:
    """Refuse what no publisher is called."""
    if not repository_in(f"{name}/x"):
        raise BadReference(f"{quote(name)} is not a publisher's name", hint="write `maker`, as in `hf:maker/model`")


def check_repository(name: str) -> None:
    """Refuse what no repository is called."""
    if not repository_in(name):
        raise BadReference(f"{quote(name)} is not a repository's name", hint="write `maker/model`")


def check_named(asked: str, named: str, answer: Answer) -> None:
    """Refuse an answer about another repository than the one asked for, unless a redirect says that it was renamed."""
    if named.casefold() != asked.casefold() and len(answer.hops) == 1:
        raise HubUnreachable(f"the hub answers for {quote(asked)} with {quote(named)}", hint="do not trust this hub")


def check_readable(file: RemoteFile, library: str, most_bytes: int) -> None:
    """Refuse a file that is too long, or whose reading counts as a download."""
    if counts_as_download(file.name, library):
        raise UsageError(
            f"{quote(file.name)} is not read: that counts as a download",
            hint="take what the hub's interface says of it",
        )
    if file.size > most_bytes:
        raise UsageError(f"{quote(file.name)} holds {file.size} bytes; at most {most_bytes} are read")
