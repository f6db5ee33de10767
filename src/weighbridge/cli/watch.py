"""`weighbridge watch`: follow publishers, families and models on the hubs, and log what they change."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli import options, watch_digest, watch_plan, watch_queue, watch_serve

if TYPE_CHECKING:
    from weighbridge.cli.settings import Settings
    from weighbridge.knowledge.load import Knowledge
    from weighbridge.workflow.watch import Report, Watcher

__all__ = ["command"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LEAST_S = 60
_WINDOW_S = 300  # of Hugging Face's limits
_LEFT_OVER = 4  # exit code: given up for now, what was done is kept

_since = click.option(
    "--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), metavar="DATE", help="From this day on (UTC)."
)


@click.group(name="watch")
def command() -> None:
    """Follow what makers release and change on Hugging Face and ModelScope.

    Polling costs one call a publisher, and no call of it counts as a download. The log is `watch.sqlite` in the
    workspace.
    """


for _of_its_own in (watch_digest, watch_queue, watch_plan, watch_serve):
    command.add_command(_of_its_own.command)


@command.command(name="add")
@click.argument("references", metavar="REF...", nargs=-1, required=True)
@options.workspace
@options.as_json
def add(references: tuple[str, ...], workspace: str | None, *, as_json: bool) -> None:
    """Follow publishers (`hf:Qwen`, `ms:Qwen`), models (`hf:Qwen/Qwen3-8B`) or families (`family:DeepSeek`).

    A family is followed at its maker's namespace on both hubs.
    """
    from weighbridge.cli.show import in_workspace, print_json
    from weighbridge.workflow.watch import like_names, subscribe

    settings = _settings(workspace)
    known = _known(settings)
    added = subscribe(settings.workspace.path, references, known)
    warnings = like_names(references, known)
    if as_json:
        rows = [{"reference": one.reference, "is_new": is_new} for one, is_new in added]
        print_json("watch-added", {"subscriptions": rows, "warnings": warnings})
        return
    for one, is_new in added:
        click.echo(f"  {one.reference:<40} {'followed from now on' if is_new else 'was followed already'}")
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"Next: `weighbridge watch run --once{in_workspace(settings.workspace.path)}`", err=True)


@command.command(name="list")
@options.workspace
@options.as_json
def list_(workspace: str | None, *, as_json: bool) -> None:
    """List what is followed, whom that asks, and when it was last looked at without a gap."""
    from weighbridge.cli.layout import plain
    from weighbridge.cli.show import in_workspace, print_json
    from weighbridge.workflow.watch import subscriptions

    settings = _settings(workspace)
    rows = subscriptions(settings.workspace.path, _known(settings))
    if as_json:
        print_json("watch-list", {"subscriptions": rows})
        return
    for row in rows:
        looked = (row["looked_at"] or "not looked at yet")[:19]
        click.echo(f"  {plain(row['follows']):<40} {looked:<20} asks {', '.join(row['asks'])}")
    step = "run --once" if rows else "add hf:Qwen"
    click.echo(f"Next: `weighbridge watch {step}{in_workspace(settings.workspace.path)}`", err=True)


@command.command(name="remove")
@click.argument("references", metavar="REF...", nargs=-1, required=True)
@options.workspace
def remove(references: tuple[str, ...], workspace: str | None) -> None:
    """Follow something no longer. What happened stays in the log."""
    from weighbridge.cli.show import in_workspace
    from weighbridge.workflow.watch import unsubscribe

    settings = _settings(workspace)
    unsubscribe(settings.workspace.path, references, _known(settings))
    for reference in references:
        click.echo(f"  {reference:<40} no longer followed")
    click.echo(f"Next: `weighbridge watch list{in_workspace(settings.workspace.path)}`", err=True)


@command.command(name="run")
@click.option("--once", is_flag=True, help="Look once at everything that is followed, now, and end.")
@click.option("--every", metavar="30m|6h|1d", default="6h", show_default=True, help="Pause between rounds.")
@click.option("--all", "whole", is_flag=True, help="Show silent events and notes too.")
@_since
@options.workspace
@options.as_json
def run(every: str, since: datetime | None, workspace: str | None, *, once: bool, whole: bool, as_json: bool) -> None:
    """Look at everything that is followed, log what changed, and print it.

    The first look at a publisher is where its story begins: what was there is no event, but for what `--since` asks
    for, by the hub's date of creation. What limits or faults leave over comes first in the next round; with `--once`
    that is exit code 4. Without `--once` it goes on until it is stopped, and with `--json` prints a line a round.
    """
    from weighbridge.cli.progress import progress_on_stderr
    from weighbridge.workflow.watch import Watcher

    pause_s = _seconds(every)
    settings = _settings(workspace)
    watcher = Watcher(settings.workspace.path, _known(settings), progress=progress_on_stderr())
    moment = since.replace(tzinfo=UTC) if since else None
    if once:
        report = watcher.run(since=moment)
        _show(report, settings, whole=whole, as_json=as_json)
        sys.exit(0 if report.is_whole else _LEFT_OVER)
    _go_on(watcher, settings, moment, pause_s, {"whole": whole, "as_json": as_json})


@command.command(name="events")
@_since
@click.option("--subject", metavar="REF", help="Of this repository only, as `hf:Qwen/Qwen3-8B`.")
@click.option("--all", "whole", is_flag=True, help="Show silent events and notes too.")
@options.workspace
@options.as_json
def events(since: datetime | None, subject: str | None, workspace: str | None, *, whole: bool, as_json: bool) -> None:
    """Show the log: what happened, in the order in which this watch saw it."""
    from weighbridge.cli.lines.watch import event_lines
    from weighbridge.cli.show import in_workspace, print_json
    from weighbridge.watch.log import EventLog, event_to_json

    settings = _settings(workspace)
    with EventLog(settings.workspace.path) as log:
        found = list(log.events(since.replace(tzinfo=UTC) if since else None, subject))
    if as_json:
        print_json("watch-events", {"events": [event_to_json(event) for event in found]})
        return
    for text in event_lines(found, whole=whole):
        click.echo(text)
    click.echo(_counted(len(found), sum(event.severity == "silent" for event in found), whole=whole), err=True)
    click.echo(f"Next: `weighbridge watch run --once{in_workspace(settings.workspace.path)}`", err=True)


def _go_on(watcher: Watcher, settings: Settings, since: datetime | None, pause_s: int, how: dict[str, bool]) -> None:
    """Look round after round; a hub that cannot be reached is tried again after the pause."""
    from weighbridge.errors import HubUnreachable

    while True:
        rest_s = min(pause_s, _WINDOW_S)  # what limits leave over need not wait for the whole pause
        try:
            report = watcher.run(since=since)
        except HubUnreachable as error:
            click.echo(f"warning: {error.message}", err=True)
        else:
            _show(report, settings, **how, is_line=True)
            rest_s = pause_s if report.is_whole else rest_s
        time.sleep(rest_s)


def _show(report: Report, settings: Settings, *, whole: bool, as_json: bool, is_line: bool = False) -> None:
    """Print what a round brought."""
    from weighbridge.cli.layout import plain
    from weighbridge.cli.lines.watch import event_lines
    from weighbridge.cli.show import in_workspace, print_json

    watch_digest.mark_overtaken(settings)
    if as_json:
        content = _content(report)
        if is_line:
            click.echo(json.dumps({"schema": "weighbridge/watch-round/v1", **content}))
        else:
            print_json("watch-round", content)
        return
    for text in event_lines(report.events, whole=whole):
        click.echo(text)
    for words in report.unknown:
        click.echo(f"not known: {plain(words)}", err=True)
    models = sum(look.models for look in report.looks)
    first = sum(look.is_first for look in report.looks)
    begun = f", {first} of them for the first time" if first else ""
    click.echo(f"{len(report.looks)} looked at{begun}: {models} models, {report.calls} calls", err=True)
    silent = sum(event.severity == "silent" for event in report.events)
    click.echo(_counted(len(report.events), silent, whole=whole), err=True)
    step = "watch events" if report.is_whole else "watch run --once"
    click.echo(f"Next: `weighbridge {step}{in_workspace(settings.workspace.path)}`", err=True)


def _content(report: Report) -> dict[str, Any]:
    """Return a round for machines."""
    from weighbridge.watch.log import event_to_json

    polled = [
        {"target": look.target, "models": look.models, "calls": look.calls, "is_first": look.is_first,
         "is_complete": look.is_complete, "events": len(look.events), "pending": look.pending}
        for look in report.looks
    ]  # fmt: skip
    return {
        "events": [event_to_json(event) for event in report.events],
        "calls": report.calls,
        "polled": polled,
        "skipped": [{"target": name, "why": why} for name, why in sorted(report.skipped.items())],
        "unknown": report.unknown,
        "is_whole": report.is_whole,
    }


def _counted(n: int, silent: int, *, whole: bool) -> str:
    """Say how many events there are, and how many are not shown."""
    hidden = f", {silent} of them silent and not shown (`--all`)" if silent and not whole else ""
    return f"{n} event{'' if n == 1 else 's'}{hidden}"


def _seconds(text: str) -> int:
    """Read a pause such as `30m`; raises BadParameter."""
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS or not (number.isascii() and number.isdigit()) or len(number) > 6:  # noqa: PLR2004 - digits
        raise click.BadParameter("write it like `30m`, `6h` or `1d`", param_hint="--every")
    if (seconds := int(number) * _UNITS[unit]) < _LEAST_S:
        raise click.BadParameter("a minute is the least", param_hint="--every")
    return seconds


def _settings(workspace: str | None) -> Settings:
    from weighbridge.cli.settings import load_settings

    return load_settings(workspace=workspace)


def _known(settings: Settings) -> Knowledge:
    from weighbridge.knowledge.load import load_knowledge

    return load_knowledge(settings.knowledge)
