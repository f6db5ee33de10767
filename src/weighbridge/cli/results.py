"""`weighbridge results`: runs that other tools have stored; `weighbridge compare` uses this for two such files."""

from __future__ import annotations

import shlex
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli import options

if TYPE_CHECKING:
    from weighbridge.workflow.evaluation.imports import ComparedRuns

__all__ = ["command", "compare_files", "is_pair_of_files"]

_OF_CALLS = ("data", "better", "budget", "full", "again", "engine", "baseline_engine", "dry_run")
CODES = {"noninferior": 0, "undecided": 11, "inferior": 12}
_task = click.option("--task", metavar="NAME", help="The one task of the file to take.")
_metric = click.option("--metric", metavar="NAME", help="The metric or scorer to take; default: the first.")


@click.group(name="results")
def command() -> None:
    """Use runs that lm-eval, Inspect, EvalScope, promptfoo or a table of your own hold."""


@command.command(name="import")
@click.argument("file", metavar="FILE")
@click.option("--suite", "suite_name", metavar="NAME|DIR|FILE", required=True, help="The suite that was run.")
@options.data
@click.option("--model", metavar="NAME", required=True, help="The model that was run, as people call it.")
@click.option("--subject", metavar="DIGEST", help="The model's digest, if it is pinned; default: that of the file.")
@_task
@_metric
@options.workspace
@options.as_json
def import_(file: str, suite_name: str, model: str, *, as_json: bool, **given: Any) -> None:
    """Keep a stored run as outcomes by question, so that the next comparison on this suite needs fewer calls.

    Rows are matched to the suite by the words of their questions. The error rate of a comparison never depends on
    what is imported, only the number of its calls.
    """
    from weighbridge.cli.lines.results import outcome_lines
    from weighbridge.cli.settings import load_settings
    from weighbridge.cli.show import in_workspace, print_json, program
    from weighbridge.dossier.visible import single_line
    from weighbridge.evaluation.suite import find_suite
    from weighbridge.workflow.evaluation.imports import import_outcomes

    settings = load_settings(workspace=given["workspace"])
    suite = find_suite(suite_name, given["data"])
    today = date.today()  # noqa: DTZ011 - evidence is dated by the calendar on the wall
    wanted = {name: given[name] for name in ("subject", "task", "metric")}
    with settings.workspace.store() as store:
        kept = import_outcomes(file, suite, model, today, store=store, **wanted)
    if as_json:
        counts = {name: getattr(kept, name) for name in ("size", "matched", "marked", "strangers", "unclear")}
        print_json("results-import", {"evidence": {"id": kept.evidence.id, **kept.evidence.to_json()}, **counts})
        return
    for text in outcome_lines(kept):
        click.echo(text)
    place = in_workspace(settings.workspace.path)
    of_data = f" --data {shlex.quote(str(given['data']))}" if given["data"] else ""
    asked = f"--suite {shlex.quote(single_line(suite_name))}{of_data}{place}"
    click.echo(f"\nNext: `{program()} compare CANDIDATE BASELINE {asked}`", err=True)


def is_pair_of_files(candidate: str, baseline: str, given: dict[str, Any]) -> bool:
    """Say whether both are result files; raises UsageError where one is, or an option asks for calls.

    Raises NotFound where one is, and the other is named like one and is not there.
    """
    from weighbridge.errors import NotFound, UsageError
    from weighbridge.evaluation.imports import is_results, names_results

    found = [is_results(place) for place in (candidate, baseline)]
    names = {"suites": "--suite", "task": "--task", "metric": "--metric"}
    if all(found):
        used = next((name for name in ("suites", *_OF_CALLS) if given[name]), None)
        if used is not None:
            option = names.get(used, f"--{used.replace('_', '-')}")
            raise UsageError(f"`{option}` is for models: two result files are compared without a call")
        return True
    lost = next((place for place in (candidate, baseline) if names_results(place) and not is_results(place)), None)
    if any(found) and lost is not None and not Path(lost.partition("#")[0]).exists():
        raise NotFound(f"there is no file `{lost}`", hint="give two models, or two result files")
    if (
        alone := next((place for place, is_one in zip((candidate, baseline), found, strict=True) if is_one), None)
    ) and (Path(alone.partition("#")[0]).is_file()):
        raise UsageError(
            f"`{alone}` is a result file and the other is none", hint="give two models, or two result files"
        )
    if used := next((name for name in ("task", "metric") if given[name]), None):
        raise UsageError(f"`{names[used]}` is for two result files", hint="models are compared by `--suite`")
    return False


def compare_files(candidate: str, baseline: str, *, as_json: bool, **given: Any) -> int:
    """Compare two result files for `weighbridge compare`, print what was found, and return the exit code."""
    from weighbridge.cli.lines.results import run_lines, together_lines
    from weighbridge.cli.show import print_json, program
    from weighbridge.dossier.visible import single_line
    from weighbridge.workflow.evaluation.imports import compare_runs

    wanted = {name: given[name] for name in ("task", "metric", "alpha")}
    compared: ComparedRuns = compare_runs(candidate, baseline, margin=given["margin"] / 100, **wanted)
    if as_json:
        print_json("compare-runs", compared.to_json())
        return CODES[compared.verdict]
    for result in compared.results:
        for text in (*run_lines(result, given["flips"]), ""):
            click.echo(text)
    for text in together_lines(compared, given["alpha"]):
        click.echo(text)
    file = shlex.quote(single_line(candidate))
    click.echo(f"Next: `{program()} results import {file} --suite NAME --model NAME`", err=True)
    return CODES[compared.verdict]
