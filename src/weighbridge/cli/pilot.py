"""`weighbridge pilot`: who may use the gateway, how much, what it cost, and how candidates and models do there."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli import options
from weighbridge.cli.pilot_alarms import command as alarms
from weighbridge.cli.pilot_canary import command as canary
from weighbridge.cli.pilot_drift import command as drift
from weighbridge.cli.pilot_rights import form_of, rights_options, seconds_of, warn_of_models
from weighbridge.cli.pilot_routes import command as routes
from weighbridge.cli.pilot_shadow import command as shadow
from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.pilot.access.desk import Issued, KeyDesk
    from weighbridge.pilot.access.keys import Key
    from weighbridge.pilot.state.protocol import PilotState, UsageRow

__all__ = ["command"]

_GROUPS = ("key", "route", "tenant", "day")
_OPERATOR = ""


@click.group(name="pilot")
def command() -> None:
    """Look after a pilot: keys, spending, routes, candidates, drift, alarms.

    A running gateway takes a change in within a second.
    """


command.add_command(alarms)
command.add_command(canary)
command.add_command(drift)
command.add_command(routes)
command.add_command(shadow)


@command.group(name="key")
def key() -> None:
    """Make, list, change, rotate and revoke keys."""


@key.command(name="create")
@click.argument("name")
@click.option("--tenant", metavar="NAME", help="Whose key it is [default: default]; `*` may act for all tenants.")
@rights_options
@options.workspace
@options.as_json
def create(name: str, workspace: str | None, *, as_json: bool, **wishes: Any) -> None:
    """Make a key and print it, once: it is kept nowhere.

    Without --scope it may use models and list them; without a limit or a budget it has none.

    Scopes: inference, models, metrics, admin:keys, admin:routes, audit:read, stop.
    """
    from weighbridge.pilot.access.orders import KeyOrder

    tenant = {"tenant": wishes["tenant"]} if wishes["tenant"] else {}
    order = KeyOrder.read(form_of(wishes, {"name": name, **tenant}))
    with _desk(workspace) as (desk, _):
        _show_issued(desk.create(_OPERATOR, order), as_json=as_json)
    warn_of_models(workspace, wishes)


@key.command(name="change", short_help="Change rights, limits, budget or the end.")
@click.argument("key_id", metavar="ID")
@click.option("--name", metavar="NAME", help="Another name.")
@rights_options
@options.workspace
@options.as_json
def change(key_id: str, workspace: str | None, *, as_json: bool, **wishes: Any) -> None:
    """Change what a key may do; what is not named stays, and `none` takes a limit, a budget or the end away."""
    from weighbridge.cli.show import print_json
    from weighbridge.pilot.access.keys import key_facts
    from weighbridge.pilot.access.orders import KeyPatch

    patch = KeyPatch.read(form_of(wishes, {"name": wishes["name"]} if wishes["name"] else {}))
    if not patch.model_fields_set:
        raise UsageError("nothing was named to change", hint="see `weighbridge pilot key change --help`")
    with _desk(workspace, must_exist=True) as (desk, _):
        changed = desk.change(_OPERATOR, key_id, patch)
    warn_of_models(workspace, wishes)
    if as_json:
        print_json("pilot-key", key_facts(changed, time.time()))
        return
    click.echo(f"{changed.id}: changed")
    click.echo(f"Next: `weighbridge pilot key show {changed.id}`", err=True)


@key.command(name="list")
@click.option("--all", "has_all", is_flag=True, help="Also those that are revoked or have expired.")
@options.workspace
@options.as_json
def list_(workspace: str | None, *, has_all: bool, as_json: bool) -> None:
    """List the keys, without their secrets."""
    from weighbridge.cli.lines.pilot import key_line
    from weighbridge.cli.show import print_json
    from weighbridge.pilot.access.keys import key_facts

    now = time.time()
    with _desk(workspace, must_exist=True) as (desk, _):
        facts = [key_facts(one, now) for one in desk.keys(_OPERATOR) if has_all or one.is_live(now)]
    if as_json:
        print_json("pilot-keys", {"keys": facts})
        return
    if facts:
        click.echo(f"  {'id':<13} {'state':<8} {'ends':<11} {'tenant':<16} name")
    for one in facts:
        click.echo(key_line(one))
    click.echo(f"{len(facts)} key{'s' if len(facts) != 1 else ''}", err=True)
    click.echo("Next: `weighbridge pilot key show ID`", err=True)


@key.command(name="show", short_help="Show what a key may do and has spent.")
@click.argument("key_id", metavar="ID")
@options.workspace
@options.as_json
def show(key_id: str, workspace: str | None, *, as_json: bool) -> None:
    """Show what a key may do, and what its budgets are charged with.

    Charged is what was spent, and what running gateways have leased to spend next; all of it where one was killed.
    """
    from weighbridge.cli.lines.pilot import key_lines
    from weighbridge.cli.show import print_json
    from weighbridge.pilot.access.keys import key_facts
    from weighbridge.pilot.state.protocol import NANO

    with _desk(workspace, must_exist=True) as (desk, state):
        found = desk.key(_OPERATOR, key_id)
        charged = state.spending(found.id, datetime.now(UTC).date())
    facts = key_facts(found, time.time())
    facts["charged_usd"] = {
        "day": charged.day / NANO, "month": charged.month / NANO, "total": charged.total / NANO
    }  # fmt: skip
    if as_json:
        print_json("pilot-key", facts)
        return
    for line in key_lines(facts):
        click.echo(line)
    click.echo(f"Next: `weighbridge pilot key rotate {found.id}` or `revoke`", err=True)


@key.command(name="revoke")
@click.argument("key_id", metavar="ID")
@click.option("--with-minted", is_flag=True, help="Also all keys that it made, and those made.")
@options.workspace
@options.as_json
def revoke(key_id: str, workspace: str | None, *, with_minted: bool, as_json: bool) -> None:
    """End a key. Running gateways refuse it within half a second."""
    from weighbridge.cli.show import print_json
    from weighbridge.pilot.access.orders import Revocation

    with _desk(workspace, must_exist=True) as (desk, _):
        ended = desk.revoke(_OPERATOR, key_id, Revocation(with_minted=with_minted))
    if as_json:
        print_json("pilot-revoked", {"revoked": [one.id for one in ended]})
        return
    for one in ended:
        click.echo(f"{one.id}: revoked")
    if not ended:
        click.echo(f"{key_id} was revoked before", err=True)
    click.echo("Next: `weighbridge pilot key list --all`", err=True)


@key.command(name="rotate")
@click.argument("key_id", metavar="ID")
@click.option("--grace", metavar="SPAN", help="How long the old secret goes on: 1h, 2d; at most 30d. Default: no time.")
@options.workspace
@options.as_json
def rotate(key_id: str, workspace: str | None, *, grace: str | None, as_json: bool) -> None:
    """Give a key a new secret and print it, once. Its id, rights and budgets stay."""
    from weighbridge.pilot.access.orders import Rotation

    how = Rotation.of(grace_s=seconds_of(grace) if grace else 0)
    with _desk(workspace, must_exist=True) as (desk, _):
        _show_issued(desk.rotate(_OPERATOR, key_id, how), as_json=as_json)


@command.command(name="spend", short_help="What was asked of models, and what it cost.")
@click.option("--days", type=click.IntRange(1, 366), default=30, show_default=True, help="Up to today, by UTC.")
@click.option("--by", type=click.Choice(_GROUPS), default="key", show_default=True, help="What to add up by.")
@options.workspace
@options.as_json
def spend(workspace: str | None, *, days: int, by: str, as_json: bool) -> None:
    """Add up what was asked of models, as their servers counted it, and what it cost."""
    from weighbridge.cli.lines.pilot import spend_lines
    from weighbridge.cli.show import print_json

    since = datetime.now(UTC).date() - timedelta(days=days - 1)
    with _desk(workspace, must_exist=True) as (desk, _):
        rows = _summed(desk.usage(_OPERATOR, since), by)
    if as_json:
        print_json("pilot-spend", {"since": since.isoformat(), "by": by, "rows": rows})
        return
    for text in spend_lines(rows, by):
        click.echo(text)
    click.echo(f"since {since} (UTC)", err=True)
    click.echo("Next: `weighbridge pilot key show ID`", err=True)


def _summed(used: list[tuple[Key, UsageRow]], by: str) -> list[dict[str, Any]]:
    """Add usage up, the dearest first."""
    from weighbridge.pilot.state.protocol import NANO

    sums: dict[str, list[int]] = {}
    names = {key.id: {"name": key.name} for key, _ in used} if by == "key" else {}
    for key, row in used:
        group = {"key": key.id, "route": row.route, "tenant": key.rights.tenant, "day": row.day.isoformat()}[by]
        total = sums.setdefault(group, [0, 0, 0, 0])
        for place, number in enumerate((row.requests, row.input_tokens, row.output_tokens, row.nano_usd)):
            total[place] += number
    return [
        {
            by: group,
            **names.get(group, {}),
            "requests": n,
            "input_tokens": told,
            "output_tokens": said,
            "usd": nano / NANO,
        }
        for group, (n, told, said, nano) in sorted(sums.items(), key=lambda item: -item[1][3])
    ]


@contextmanager
def _desk(workspace: str | None, *, must_exist: bool = False) -> Iterator[tuple[KeyDesk, PilotState]]:
    """Open the desk over the state in the workspace; whoever can write there is the operator."""
    from weighbridge.cli.settings import load_settings
    from weighbridge.pilot.access.desk import KeyDesk
    from weighbridge.pilot.access.pepper import pepper_of
    from weighbridge.pilot.state.choose import open_state

    folder = load_settings(workspace=workspace).workspace.path
    state = open_state(folder, must_exist=must_exist)
    try:
        yield KeyDesk(state, pepper_of(state, folder)), state
    finally:
        state.close()


def _show_issued(issued: Issued, *, as_json: bool) -> None:
    """Print a new key, alone on stdout, and say that it is the only time."""
    from weighbridge.cli.show import print_json
    from weighbridge.pilot.access.keys import key_facts

    if as_json:
        print_json("pilot-key", {**key_facts(issued.key, time.time()), "key": issued.text})
        return
    click.echo(issued.text)
    click.echo("this is the only time that it is shown", err=True)
    click.echo(f"Next: `weighbridge pilot key show {issued.key.id}`", err=True)
