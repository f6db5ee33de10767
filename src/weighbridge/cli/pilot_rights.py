"""The options that say what a key of the gateway may do, and how long spans of time are written."""

from __future__ import annotations

import json
import math
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from weighbridge.cli.layout import plain
from weighbridge.errors import UsageError

__all__ = ["form_of", "rights_options", "seconds_of", "warn_of_models"]

_SPAN = re.compile(r"([0-9]{1,5})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_NONE = "none"
_FILE = Path("gateway.toml")
_ALL = "*"


class _Bound(click.ParamType[Any]):
    """A number, or `none`."""

    name = "number"

    def __init__(self, kind: type[int | float]) -> None:
        self._kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it."""
        try:
            return value if value == _NONE else self._read(value)
        except ValueError:
            self.fail(f"`{ascii(value)[1:-1]:.40}` is neither a number nor `none`", param, ctx)

    def _read(self, text: str) -> float:
        """Read a number; raises ValueError for what is none, or has no end."""
        number = self._kind(text)
        if not math.isfinite(number):
            raise ValueError(text)
        return number


_LIMITS = {
    "requests_per_minute": "Limit of one node, or `none`.",
    "tokens_per_minute": "Limit of one node, or `none`.",
    "concurrent": "Requests at once on one node, or `none`.",
}
_BUDGETS = {
    "usd_per_day": "Budget of a UTC day, or `none`.",
    "usd_per_month": "Budget of a UTC month, or `none`.",
    "usd_total": "Budget in all, or `none`.",
}


def rights_options(function: Any) -> Any:
    """Add the options that say what a key may do."""
    rows = [(name, "N", _Bound(int), words) for name, words in _LIMITS.items()]
    rows += [(name, "USD", _Bound(float), words) for name, words in _BUDGETS.items()]
    for name, metavar, kind, words in reversed(rows):
        function = click.option(f"--{name.replace('_', '-')}", name, type=kind, metavar=metavar, help=words)(function)
    expires = click.option("--expires-in", metavar="SPAN", help="When it ends: 90d, 12h, or `none`.")
    model = click.option(
        "--model", "models", multiple=True, metavar="ROUTE", help="A route it may use, or `*` for all."
    )
    scope = click.option("--scope", "scopes", multiple=True, metavar="SCOPE", help="What it may do. May be repeated.")
    return scope(model(expires(function)))


def form_of(wishes: dict[str, Any], fields: dict[str, Any]) -> bytes:
    """Write options as the form that the admin API takes: what was not given is not in it, `none` is null."""
    span = wishes["expires_in"]
    if wishes["scopes"]:
        fields["scopes"] = sorted(set(wishes["scopes"]))
    if wishes["models"]:
        fields["models"] = None if _ALL in wishes["models"] else sorted(set(wishes["models"]))
    if span:
        end = None if span == _NONE else datetime.now(UTC) + timedelta(seconds=seconds_of(span))
        fields["expires_at"] = end and end.isoformat()
    for part, names in (("limits", _LIMITS), ("budget", _BUDGETS)):
        given = {name: None if wishes[name] == _NONE else wishes[name] for name in names if wishes[name] is not None}
        if given:
            fields[part] = given
    return json.dumps(fields).encode()


def warn_of_models(workspace: str | None, wishes: dict[str, Any]) -> None:
    """Warn of routes that `gateway.toml` beside us does not have, where it is there and is for this workspace."""
    from weighbridge.cli.settings import load_settings
    from weighbridge.errors import WeighbridgeError
    from weighbridge.pilot.admission.file import load_gateway_file

    wanted = set(wishes["models"]) - {_ALL}
    if not (wanted and _FILE.is_file()):
        return
    with suppress(WeighbridgeError):  # `serve --check` says what is wrong with it
        file = load_gateway_file(_FILE)
        if file.workspace.resolve() == load_settings(workspace=workspace).workspace.path.resolve():
            for name in sorted(wanted - {route.name for route in file.routes}):
                click.echo(f"warning: `{_FILE}` has no route `{plain(name):.80}`: the key cannot use it yet", err=True)


def seconds_of(span: str) -> int:
    """Read a span: a number and one of s, m, h, d."""
    found = _SPAN.fullmatch(span)
    if found is None:
        raise UsageError(f"`{ascii(span)[1:-1]:.40}` is not a span of time", hint="write it as `90d`, `12h` or `30m`")
    return int(found[1]) * _SECONDS[found[2]]
