"""One upstream for each place that routes name, made when it is first needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.gateway.upstream.http import HTTPUpstream

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from weighbridge.gateway.upstream.protocol import Upstream
    from weighbridge.pilot.route import UpstreamSettings

__all__ = ["Upstreams"]


class Upstreams:
    """The upstreams in use; `secret` returns the key that a variable holds, `allowed` are addresses that may be asked.

    (`allowed` lists exceptions to `upstream.address.is_blocked`.)
    """

    def __init__(self, secret: Callable[[str], str | None], allowed: Collection[str] = ()) -> None:
        self._secret = secret
        self._allowed = frozenset(allowed)
        self._made: dict[UpstreamSettings, Upstream] = {}

    def at(self, settings: UpstreamSettings) -> Upstream:
        """Return the upstream of a leg."""
        found = self._made.get(settings)
        if found is None:
            key = self._secret(settings.key_variable) if settings.key_variable else None
            found = self._made[settings] = HTTPUpstream(settings, key, self._allowed)
        return found

    def close(self) -> None:
        """Close all idle connections."""
        made, self._made = self._made, {}
        for upstream in made.values():
            upstream.close()
