"""`weighbridge pilot alarms`: what the monitors of the gateway raised, and what was found out about it."""

from __future__ import annotations

import time
from contextlib import closing

import click

from weighbridge.cli import options
from weighbridge.cli.operator import operator_name

__all__ = ["command"]


@click.group(name="alarms", invoke_without_command=True, short_help="What monitors raised, and answers to it.")
@click.option("--all", "has_all", is_flag=True, help="Also those that were answered.")
@options.lang
@options.workspace
@options.as_json
@click.pass_context
def command(ctx: click.Context, /, *, has_all: bool, as_json: bool, **given: str | None) -> None:
    """List the alarms and warnings that nobody has answered, the newest first.

    An alarm re-opens the decision: the model is served for 72 hours more (`grace_hours`), or no more where another one
    answers than was weighed. `weighbridge decide` in view of it makes the decision again. A warning does not.
    """
    if ctx.invoked_subcommand is not None:
        return
    from weighbridge.cli.lines.pilot import alarm_lines
    from weighbridge.cli.settings import load_settings
    from weighbridge.cli.show import print_json
    from weighbridge.dossier.locale import load_locale
    from weighbridge.pilot.alarm.alarms import read_alarms

    settings = load_settings(**given)
    with settings.workspace.store(read_only=True) as store:
        found = [one for one in read_alarms(store) if has_all or one.is_open]
    if as_json:
        print_json("pilot-alarms", {"alarms": [one.to_json() for one in found]})
        return
    t = load_locale(settings.language)
    for one in found:
        for text in alarm_lines(one, t):
            click.echo(text)
    count = sum(one.is_open for one in found)
    click.echo(f"{count} open", err=True)
    click.echo(f"Next: `weighbridge pilot alarms {'acknowledge ID --because TEXT' if count else '--all'}`", err=True)


@command.command(name="acknowledge", short_help="Answer an alarm with what was found out.")
@click.argument("alarm_id", metavar="ID")
@click.option("--because", required=True, metavar="TEXT", help="What was found out; it becomes evidence.")
@options.workspace
@options.as_json
def acknowledge(alarm_id: str, because: str, workspace: str | None, *, as_json: bool) -> None:
    """Answer an alarm, so that its monitor begins anew; the decision stays to be made again.

    ID is that of the alarm's statement, 12 digits or more.
    """
    from weighbridge.cli.settings import load_settings
    from weighbridge.cli.show import print_json
    from weighbridge.core.digest import short
    from weighbridge.pilot.alarm.alarms import answer_alarm
    from weighbridge.pilot.state.choose import open_state

    workplace = load_settings(workspace=workspace).workspace
    with workplace.store() as store, closing(open_state(workplace.path)) as state:
        answered = answer_alarm(store, state, alarm_id, because, operator_name(), time.time())
    if as_json:
        print_json("pilot-alarm", answered.to_json())
        return
    click.echo(f"{short(answered.id)}: answered")
    # a warning re-opened nothing
    again = f"decide {answered.subject} --policy NAME` makes the decision again"
    click.echo(f"Next: `weighbridge {again if answered.severity == 'alarm' else 'pilot alarms`'}", err=True)
