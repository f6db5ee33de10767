"""`weighbridge watch plan`: when each family is expected to release, beside when our decisions end."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from weighbridge.cli import options
from weighbridge.cli.watch_digest import store_in

__all__ = ["command"]


@click.command(name="plan")
@click.option(
    "--ics", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write a calendar (iCalendar)."
)
@options.lang
@options.workspace
@options.as_json
def command(ics: Path | None, *, as_json: bool, **given: Any) -> None:
    """Plan evaluations: each family's rhythm and expected window, and which decisions end before or after it.

    A window is where the next release falls by the gaps so far, with the probability stated; a silent family has none.
    """
    from weighbridge.cli.lines.digest import plan_lines
    from weighbridge.cli.settings import load_settings
    from weighbridge.cli.show import in_workspace, print_json, program
    from weighbridge.dossier.digest.calendar import calendar
    from weighbridge.dossier.digest.document import plan_json
    from weighbridge.dossier.locale import load_locale
    from weighbridge.knowledge.load import load_knowledge
    from weighbridge.watch.digest.windows import plan_of, watched_families
    from weighbridge.workflow.digest import followed
    from weighbridge.workflow.following.stakes import stakes_of
    from weighbridge.workflow.workspace import write_whole

    settings = load_settings(workspace=given["workspace"], language=given["language"])
    known, now = load_knowledge(settings.knowledge), datetime.now(UTC)
    with store_in(settings) as store:
        stakes = stakes_of(store) if store is not None else ()
    plans = plan_of(stakes, watched_families(followed(settings.workspace.path), known), known, now.date())
    if ics is not None:
        write_whole(ics, calendar(plans, now))
    if as_json:
        print_json("watch-plan", {"families": [plan_json(plan) for plan in plans]})
        return
    for text in plan_lines(plans, load_locale(settings.language)):
        click.echo(text)
    if not plans:
        click.echo("Nothing to plan: no family is watched, and none of your decisions is about a known one.")
    click.echo(f"Next: `{program()} watch digest{in_workspace(settings.workspace.path)}`", err=True)
