"""`weighbridge serve`: the gateway that passes requests on to admitted models only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli import options
from weighbridge.errors import ExtraMissing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.gateway.server import Listening
    from weighbridge.pilot.admission.configuration.plan import GatewayFile
    from weighbridge.pilot.admission.rows import RouteRow

__all__ = ["command"]

_PARTLY, _UNSERVED = 11, 12
_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_ROUTES = click.Path(path_type=Path, dir_okay=False)


@click.command(name="serve")
@click.option("--config", "path", type=_ROUTES, default="gateway.toml", show_default=True, help="Routes and limits.")
@click.option("--host", metavar="ADDRESS", help="Instead of the file's; 127.0.0.1 is reached from this machine only.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Instead of the file's; 0 takes a free one.")
@click.option("--check", is_flag=True, help="Check file, decisions and what is served, and listen to nobody.")
@click.option("--tls-cert", type=_FILE, help="Certificate (PEM), with those that it rests on.")
@click.option("--tls-key", type=_FILE, help="Its key (PEM).")
@click.option(
    "--behind-proxy", is_flag=True, help="TLS ends at a proxy in front, and nobody reaches this port past it."
)
@click.option("--audit-key", type=_FILE, help="Private key that signs the heads of the audit log.")
@options.as_json
@click.pass_context
def command(
    ctx: click.Context, /, path: Path, *, check: bool, audit_key: Path | None, as_json: bool, **where: Any
) -> None:
    """Serve OpenAI's API, and pass on what asks for a model that a valid decision admits.

    Every request needs a key: `weighbridge pilot key create NAME`. Keys of upstreams come from the environment
    variables that the file names. The file is read again when it changes; a wrong one is refused, the old one stays.

    With --check it leaves with 0 where all is open, with 2 where it would not start, with 12 where a route is served by
    nothing, and with 11 where each is, but not by every leg that it names.
    """
    from weighbridge.pilot.admission.file import load_gateway_file

    file = load_gateway_file(path)
    try:
        from weighbridge.gateway.assembly import assembled
        from weighbridge.gateway.logs import logs_on_stderr
        from weighbridge.gateway.rehearsal import rehearse
        from weighbridge.gateway.server import Listening, may_listen, run
    except ModuleNotFoundError as error:
        raise ExtraMissing(
            f"the gateway needs `{error.name}`, which is not installed", hint="pip install 'weighbridge[gateway]'"
        ) from error
    from weighbridge.cli.key import signing_key
    from weighbridge.cli.settings import read_secret

    listening = _listening(file, Listening, **where)
    key = signing_key(audit_key) if audit_key else None
    if check:
        rehearse(file, listening, read_secret)
        ctx.exit(_check(file, as_json=as_json))
    with logs_on_stderr(as_json=as_json), assembled(file, read_secret, key) as parts:
        may_listen(listening, has_keys=parts.has_keys)
        rows = parts.keeper.rows()
        run(parts.app, listening, parts.bounds, lambda url: _announce(url, rows, parts.has_keys, as_json=as_json))


def _listening(file: GatewayFile, make: type[Listening], **where: Any) -> Listening:
    """Join flags and file."""
    known = {name: value for name, value in where.items() if value is not None}
    return make(**{"host": file.host, "port": file.port, **known})


def _check(file: GatewayFile, *, as_json: bool) -> int:
    """Check everything once, show the table of routes, and return the exit code."""
    from weighbridge.cli.lines.routes import routes_summary
    from weighbridge.cli.progress import progress_on_stderr
    from weighbridge.cli.show import print_json
    from weighbridge.pilot.admission.keeper import Keeper

    rows = Keeper(file).check(progress_on_stderr())
    if as_json:
        print_json("serve-check", {"file": file.digest, "routes": [row.to_json() for row in rows]})
    else:
        _show(rows)
    click.echo(routes_summary(rows), err=True)
    served = {row.route for row in rows if row.is_open and row.serves}
    is_whole = all(row.is_open for row in rows)
    code = _UNSERVED if any(row.route not in served for row in rows) else 0 if is_whole else _PARTLY
    then = "serve" if code != _UNSERVED else "pilot routes"
    click.echo(f"Next: `weighbridge {then} --config {file.path}`", err=True)
    return code


def _announce(url: str, rows: Sequence[RouteRow], has_keys: bool, *, as_json: bool) -> None:
    """Say where the gateway is, once it is there."""
    from weighbridge.cli.show import print_json

    if as_json:
        print_json("serve", {"url": f"{url}/v1", "has_keys": has_keys, "routes": [row.to_json() for row in rows]})
    else:
        _show(rows)
        click.echo(f"The gateway is at: {url}/v1\nStop with Ctrl-C")
    if not has_keys:
        click.echo("Next: `weighbridge pilot key create NAME`: there is no key yet, so nobody is served", err=True)


def _show(rows: Sequence[RouteRow]) -> None:
    """Print the table of routes."""
    from weighbridge.cli.lines.routes import route_lines

    for row in rows:
        for text in route_lines(row):
            click.echo(text)
