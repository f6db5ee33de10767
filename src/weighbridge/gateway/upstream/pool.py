"""One upstream for each place that routes name, made when it is first needed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from weighbridge.errors import UsageError
from weighbridge.gateway.upstream.http import HTTPUpstream
from weighbridge.gateway.upstream.protocol import UpstreamFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from weighbridge.gateway.upstream.protocol import Upstream
    from weighbridge.pilot.route import UpstreamSettings

__all__ = ["Upstreams"]

_log = logging.getLogger("weighbridge.gateway")


class Upstreams:
    """The upstreams in use; `secret` returns the key that a variable holds, `allowed` are addresses that may be asked.

    (`allowed` lists exceptions to `upstream.address.is_blocked`.)
    """

    def __init__(self, secret: Callable[[str], str | None], allowed: Collection[str] = ()) -> None:
        self._secret = secret
        self._allowed = frozenset(allowed)
        self._made: dict[UpstreamSettings, Upstream] = {}
        self._last: tuple[UpstreamSettings, Upstream] | None = None  # most ask for one: hashing settings costs 1 us

    def at(self, settings: UpstreamSettings) -> Upstream:
        """Return the upstream of a leg; raises UpstreamFailure where its address or its key cannot be used."""
        if self._last is not None and self._last[0] is settings:
            return self._last[1]
        found = self._made.get(settings)
        if found is None:
            try:
                found = self._made[settings] = self._make(settings)
            except UsageError as error:
                _log.error("%s", error.message)
                raise UpstreamFailure("blocked", error.message) from error
        self._last = (settings, found)
        return found

    def check(self, settings: UpstreamSettings) -> None:
        """See that an upstream can be asked at all; raises UsageError for its address or its key."""
        self._make(settings)

    def keep(self, wanted: Collection[UpstreamSettings]) -> None:
        """Forget the others, and their keys; from any thread. Their connections close when they have been idle."""
        self._made = {settings: upstream for settings, upstream in tuple(self._made.items()) if settings in wanted}
        self._last = None

    def _make(self, settings: UpstreamSettings) -> HTTPUpstream:
        """Make an upstream with the key that its variable holds."""
        name = settings.key_variable
        key = self._secret(name) if name else None
        if name and key is None:
            raise UsageError(
                f"the upstream `{settings.url}` needs a key, and `{name}` is not set", hint=f"set `{name}`"
            )
        return HTTPUpstream(settings, key, self._allowed)

    def close(self) -> None:
        """Close all idle connections."""
        made, self._made, self._last = self._made, {}, None
        for upstream in made.values():
            upstream.close()
