"""`weighbridge watch queue`: which decisions wait to be made again."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli import options
from weighbridge.cli.watch_digest import events_in, mirror_folders, store_in
from weighbridge.errors import NotFound

if TYPE_CHECKING:
    from weighbridge.workflow.digest import Waiting

__all__ = ["command"]


@click.command(name="queue")
@options.lang
@options.workspace
@options.as_json
def command(*, as_json: bool, **given: Any) -> None:
    """List the decisions that an event has overtaken, or that have expired: the next step, and what it takes.

    A newer decision about the same repository by the same policy takes it off the list.
    """
    from weighbridge.cli.lines.digest import queue_lines
    from weighbridge.cli.settings import load_settings
    from weighbridge.cli.show import in_workspace, print_json, program
    from weighbridge.dossier.locale import load_locale
    from weighbridge.knowledge.load import load_knowledge
    from weighbridge.workflow.digest import refresh_stale, view_of, waiting

    settings = load_settings(workspace=given["workspace"], language=given["language"])
    known, today = load_knowledge(settings.knowledge), date.today()  # noqa: DTZ011 - decisions end by the calendar
    found: list[Waiting] = []
    with store_in(settings) as store:
        if store is not None:
            view = view_of(store, known, mirror_folders(settings))
            with suppress(NotFound):  # nothing is watched yet: what has expired waits all the same
                refresh_stale(events_in(settings), store, view)
            found = waiting(store, view, today)
    if as_json:
        print_json("watch-queue", {"waiting": [_row(one) for one in found]})
        return
    for text in queue_lines(found, load_locale(settings.language)):
        click.echo(text)
    if not found:
        click.echo("Nothing waits: no event touches what you decided on, and no decision has expired.")
    click.echo(f"Next: `{program()} watch plan{in_workspace(settings.workspace.path)}`", err=True)


def _row(one: Waiting) -> dict[str, Any]:
    from weighbridge.dossier.digest.document import cost_json, rhythm_json
    from weighbridge.watch.digest.cost import total_cost

    stake, total = one.stake, total_cost(one.suites)
    rhythm = rhythm_json(one.rhythm) if one.rhythm else None
    return {
        "decision": stake.decision,
        "subject": stake.subject,
        "name": stake.name,
        "reference": stake.repository or stake.reference,
        "commit": stake.commit or None,
        "policy": stake.policy,
        "standing": stake.standing,
        "expires_on": stake.expires_on.isoformat() if stake.expires_on else None,
        "expired": one.has_expired,
        "severity": one.severity,
        "reasons": list(one.reasons),
        "events": list(one.events),
        "why": one.why or None,
        "whys": list(one.whys),
        "next_step": one.next_step,
        "next_steps": list(one.next_steps),
        "suites": [cost_json(cost) for cost in one.suites],
        "estimate": cost_json(total) if total else None,
        "commands": list(one.commands),
        "window": rhythm["window"] if rhythm else None,
        "family": rhythm["family"] if rhythm else None,
    }
