"""`weighbridge contamination REF --suite S`: hints that a model has seen a suite before."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli import options
from weighbridge.cli.layout import line, wrapped
from weighbridge.cli.progress import progress_on_stderr
from weighbridge.cli.show import in_workspace, print_json, program

if TYPE_CHECKING:
    from weighbridge.core.evidence import Evidence

_FEWEST = 30  # questions below which a probe overlooks all but the plainest signs

__all__ = ["command", "contamination_lines"]


@click.command(name="contamination")
@click.argument("model", metavar="REF")
@click.option(
    "--suite",
    "suites",
    multiple=True,
    metavar="NAME|DIR|FILE",
    help="Suite to probe. May be repeated. Default: knowledge-en.",
)
@options.data
@click.option(
    "--control",
    metavar="NAME|DIR|FILE",
    help="Questions like the suite's that the model cannot have seen. Default: those that ship, in English or Chinese.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=10),
    default=60,
    show_default=True,
    help="Questions of each suite to probe; a question takes up to seven requests.",
)
@options.again
@options.engine
@options.in_flight
@options.timeout_s
@options.workspace
@options.as_json
def command(model: str, **given: Any) -> None:
    """Look for hints that a model has seen a suite's questions in training.

    Four probes: does it continue the texts word for word, does it name an option that was left out, is it better with
    the answer at its published letter, and better on the published wording. Each is held against a control, and the
    chance that any of them hints without cause is at most 5%. A hint is no proof, and no hint is no proof either.
    """
    from weighbridge.cli.settings import load_settings
    from weighbridge.engine.limits import Limits
    from weighbridge.evaluation.suite import find_suite
    from weighbridge.workflow.evaluation.contamination import Suspicion, probe
    from weighbridge.workflow.evaluation.measure import EngineChoice

    settings = load_settings(weighed=model, workspace=given["workspace"], engine=given["engine"])
    limits = Limits(in_flight=given["in_flight"], timeout_s=given["timeout_s"])
    today = date.today()  # noqa: DTZ011 - evidence is dated by the calendar on the wall
    suspicion = Suspicion(
        model,
        [find_suite(name, given["data"]) for name in given["suites"] or ("knowledge-en",)],
        today,
        find_suite(given["control"]) if given["control"] else None,
        given["limit"],
        today.toordinal() if given["again"] else 0,
        EngineChoice(settings.engine, settings.key, limits),
    )

    def tell(evidence: Evidence) -> None:
        for one in () if given["as_json"] else contamination_lines(evidence.body):
            click.echo(one)

    with settings.workspace.store() as store, settings.workspace.digest_cache() as cache:
        artefact, found = probe(suspicion, store=store, cache=cache, progress=progress_on_stderr(), tell=tell)
    if given["as_json"]:
        rows = [{"id": one.id, **one.to_json()} for one in found]
        print_json(
            "contamination", {"model": {"name": artefact.name, "digest": artefact.digest}, "contamination": rows}
        )
        return
    click.echo(f"\nNext: `{program()} evidence show {found[-1].id}{in_workspace(settings.workspace.path)}`")


def contamination_lines(body: dict[str, Any]) -> list[str]:
    """Return the lines of a `contamination/v1`."""
    hinting = body["hinting"]
    head = f"HINTS: {', '.join(hinting)}" if hinting else "TOO LITTLE TO SAY" if _is_little(body) else "NO HINT"
    lines = [line("suite", f"{body['suite']['name']}: {head}; a hint is no proof, and none is no proof either")]
    for probe in body["probes"]:
        beside = f" against {_percent(probe['control'])}" if probe["control"] else ""
        if probe["probe"] == "order":
            beside = f", letters dealt anew {_points(probe['difference'])}"
        p = f"p = {probe['adjusted']:.2g}{' HINT' if probe['hints'] else ''}"
        text = f"{probe['probe']:<15} {_percent(probe['found'])}{beside}  n={probe['found']['n']}"
        lines.append(line("", text, p))
        if probe["hints"]:
            lines += wrapped(f"shows: {probe['shows']}")
            for one in probe["examples"]:
                lines.append(line("", f"{one['id']}: {one['said']}"))
    lines += [line("", f"{name:<15} not made: {why}") for name, why in body["not_done"].items()]
    return lines


def _is_little(body: dict[str, Any]) -> bool:
    """Say whether no hint means nothing: most probes were not made, or none of them had questions enough."""
    made, left_out = body["probes"], body["not_done"]
    return len(left_out) > len(made) or max(probe["found"]["n"] for probe in made) < _FEWEST


def _percent(estimate: dict[str, Any]) -> str:
    """Write a share with its interval."""
    return f"{estimate['value']:.1%} [{estimate['low']:.1%}, {estimate['high']:.1%}]"


def _points(estimate: dict[str, Any] | None) -> str:
    """Write what the published order is better by."""
    if estimate is None:
        return "the same"
    return f"{100 * -estimate['value']:+.1f} points [{100 * -estimate['high']:+.1f}, {100 * -estimate['low']:+.1f}]"
