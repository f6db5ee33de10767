"""Files of data sets on a hub, at one commit: plain HTTP, bounded, with the token where it belongs."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote as percent

from weighbridge.errors import HubChanged, HubUnreachable, NotFound, UsageError
from weighbridge.formats.place import quote
from weighbridge.hub.remote.settings import RemoteSettings
from weighbridge.hub.remote.wire import Ask, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from weighbridge.hub.remote.wire import Answer

__all__ = ["DataSet", "fetch_files", "settings_of"]

_MAX_BYTES = 256 << 20  # of one file
_UNAUTHORISED, _FORBIDDEN, _MISSING = 401, 403, 404
_COMMIT = re.compile("[0-9a-f]{40}")
_ADDRESSES = {
    "hf": ("HF_ENDPOINT", "https://huggingface.co", ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")),
    "github": ("WEIGHBRIDGE_GITHUB_ENDPOINT", "https://raw.githubusercontent.com", ()),
}


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set: its hub, its repository, and the commit at which it is read."""

    hub: Literal["hf", "github"]
    repository: str
    commit: str

    def address(self, endpoint: str, path: str) -> str:
        """Return where one of its files is read."""
        if self.hub == "hf":
            return f"{endpoint}/datasets/{self.repository}/resolve/{self.commit}/{percent(path)}"
        return f"{endpoint}/{self.repository}/{self.commit}/{percent(path)}"


def settings_of(hub: Literal["hf", "github"]) -> RemoteSettings:
    """Return the address, the token and the offline switch of a hub, from this process's environment."""
    variable, endpoint, tokens = _ADDRESSES[hub]
    return RemoteSettings.here(variable, endpoint, *tokens)


def fetch_files(
    data: DataSet, files: Mapping[str, str | None], settings: RemoteSettings | None = None
) -> Iterator[tuple[str, bytes, str]]:
    """Yield (path, bytes, SHA-256) of each file; `files` gives the SHA-256 that is expected, or None.

    Raises HubUnreachable where the network is off or silent, NotFound and UsageError for what the hub refuses, and
    HubChanged for a file that is not the one expected.
    """
    settings = settings or settings_of(data.hub)
    if not _COMMIT.fullmatch(data.commit):
        raise UsageError(f"{quote(data.commit)} is no commit: a data set is read at one commit only")
    if settings.is_offline:
        raise HubUnreachable(
            f"{quote(data.repository)} is on a hub, and Weighbridge is told to stay offline",
            hint="unset `WEIGHBRIDGE_OFFLINE` and `HF_HUB_OFFLINE`, or bring the data in a folder",
        )
    with Wire(settings.endpoint, settings.token) as wire:
        for path, expected in files.items():
            answer = wire.get(Ask(data.address(settings.endpoint, path), most=_MAX_BYTES))
            if not answer.is_good:
                raise _refused(data, path, answer)
            sha256 = hashlib.sha256(answer.body).hexdigest()
            if expected is not None and sha256 != expected:
                raise HubChanged(
                    f"{quote(path)} of {quote(data.repository)} is not the file that the recipe pins: its SHA-256 is "
                    f"{sha256}, not {expected}",
                    hint="nothing was kept; something on the way changes files, or the hub lost its history",
                )
            yield path, answer.body, sha256


def _refused(data: DataSet, path: str, answer: Answer) -> NotFound | UsageError:
    """Return the error for an answer that is no success."""
    what = f"{quote(path)} of {quote(data.repository)} at {data.commit[:12]}"
    if answer.status in {_UNAUTHORISED, _FORBIDDEN}:
        return UsageError(f"the hub does not give {what} to you", hint="accept its terms there, and set `HF_TOKEN`")
    if answer.status == _MISSING:
        return NotFound(f"{what} is not there", hint="the data set may have moved: bring it in a folder")
    return NotFound(f"{what} is not given: HTTP {answer.status}", hint="try again later, or bring it in a folder")
