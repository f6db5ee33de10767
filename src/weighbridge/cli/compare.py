"""`weighbridge compare CANDIDATE BASELINE`: worse by less than a margin, with few calls and a bounded error."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from weighbridge.cli import options
from weighbridge.cli.lines.compare import comparison_lines, flip_lines, forecast_lines, full_verdict, gate_lines
from weighbridge.cli.progress import progress_on_stderr
from weighbridge.cli.show import in_workspace, print_json, program
from weighbridge.core.digest import short
from weighbridge.dossier.visible import single_line
from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from weighbridge.cli.settings import Settings
    from weighbridge.core.evidence import Evidence
    from weighbridge.evaluation.suite import Suite
    from weighbridge.statistics.sequential import Question
    from weighbridge.workflow.evaluation.compare import Compared, Forecast, Match

__all__ = ["command"]

_CODES = {"noninferior": 0, "better": 0, "undecided": 11, "inferior": 12, "worse": 12}
_GATE = {"adopt": 0, "undecided": 11, "block": 12}


@click.command(name="compare")
@click.argument("candidate", metavar="CANDIDATE")
@click.argument("baseline", metavar="BASELINE")
@options.suites
@options.data
@click.option(
    "--margin",
    type=click.FloatRange(0, 100, max_open=True),
    default=3.0,
    show_default=True,
    help="Loss that is accepted, in percentage points of the share right.",
)
@click.option("--better", is_flag=True, help="Ask which of the two is better, without a margin.")
@click.option(
    "--alpha", type=click.FloatRange(0.001, 0.5), default=0.05, show_default=True, help="Chance of a wrong verdict."
)
@click.option("--budget", type=click.IntRange(min=1), help="Draw at most this many questions of each suite.")
@click.option(
    "--full",
    is_flag=True,
    help="Ask both all questions, and give the paired difference: a verdict on questions like these.",
)
@options.again
@options.engine
@click.option("--baseline-engine", metavar="URL", help="Address of the engine that serves the baseline.")
@options.in_flight
@options.timeout_s
@click.option("--flips", type=click.IntRange(min=0), default=3, show_default=True, help="Flips to show of each suite.")
@click.option("--dry-run", is_flag=True, help="Say how many questions it would take, and ask next to nothing.")
@click.option("--task", metavar="NAME", help="Of result files: the one task to compare.")
@click.option(
    "--metric",
    metavar="NAME",
    help="Of result files: the metric or scorer to compare by; A=B where the two have other names.",
)
@options.workspace
@options.as_json
@options.no_verdict_code
@click.pass_context
def command(ctx: click.Context, /, candidate: str, baseline: str, **given: Any) -> None:
    """Compare two models on the same questions, and stop as soon as it is clear.

    Questions are drawn at random, more often where earlier models leave their answer open, and the test may be looked
    at at any time: the chance of a wrong verdict stays below --alpha. Where the store holds the baseline's whole run,
    only the candidate is asked. The plan is written down before the first call.

    Two result files of lm-eval, Inspect, EvalScope or promptfoo, or `id,score` tables, are compared as they are:
    question by question, without a call. `file#model` picks a model of a file that holds several.

    Exit codes: 0 noninferior or better, 11 undecided, 12 inferior or worse.
    """
    _refuse_contradictions(ctx, given)
    from weighbridge.cli.results import compare_files, is_pair_of_files

    if is_pair_of_files(candidate, baseline, given):
        code = compare_files(candidate, baseline, **given)
        ctx.exit(0 if given["no_verdict_code"] else code)
    from weighbridge.cli.settings import load_settings
    from weighbridge.engine.limits import Limits
    from weighbridge.evaluation.compare.terms import Terms
    from weighbridge.workflow.evaluation.compare import Match, compare, forecast
    from weighbridge.workflow.evaluation.measure import EngineChoice

    settings = load_settings(weighed=candidate, workspace=given["workspace"], engine=given["engine"])
    limits = Limits(in_flight=given["in_flight"], timeout_s=given["timeout_s"])
    today = date.today()  # noqa: DTZ011 - evidence is dated by the calendar on the wall
    question: Question = "better" if given["better"] else "noninferior"
    match = Match(
        candidate,
        baseline,
        _suites(given),
        today,
        Terms(question, given["margin"] / 100, given["alpha"], given["budget"]),
        full=given["full"],
        draw=today.toordinal() if given["again"] else 0,
        engine=EngineChoice(settings.engine, settings.key, limits),
        baseline_engine=EngineChoice(given["baseline_engine"], settings.baseline_key, limits),
    )
    quiet = given["as_json"]
    with settings.workspace.store() as store, settings.workspace.digest_cache() as cache:
        shared: dict[str, Any] = {"store": store, "cache": cache, "progress": progress_on_stderr()}
        if given["dry_run"]:
            _tell_forecast(match, forecast(match, **shared), as_json=quiet)
            return
        if not quiet:
            click.echo(f"{single_line(_asks(match))}\n")

        def tell(evidence: Evidence) -> None:
            lines = comparison_lines(evidence.body, match.terms.margin)
            for line in () if quiet else (*lines, *flip_lines(evidence.body, given["flips"])):
                click.echo(line)

        compared = compare(match, settings.workspace.path / "comparisons", tell=tell, **shared)
    _tell_end(compared, settings, as_json=quiet)
    ctx.exit(0 if given["no_verdict_code"] else _code(compared, match.terms.margin))


def _refuse_contradictions(ctx: click.Context, given: dict[str, Any]) -> None:
    """Refuse options that would do nothing beside others."""
    if given["full"] and (given["better"] or given["budget"] or given["dry_run"]):
        raise UsageError("`--full` asks both everything: `--better`, `--budget` and `--dry-run` say nothing there")
    if given["better"] and ctx.get_parameter_source("margin") is not ParameterSource.DEFAULT:
        raise UsageError("`--better` asks without a margin", hint="leave out `--margin`, or `--better`")
    if len(set(given["suites"])) < len(given["suites"]):
        raise UsageError("a suite is given twice", hint="name each suite once")


def _suites(given: dict[str, Any]) -> list[Suite]:
    """Load the suites that are named, or those of general knowledge."""
    from weighbridge.evaluation.suite import find_suite

    names = given["suites"] or ("knowledge-en",)
    if given["data"] is not None and len(names) != 1:
        raise UsageError("`--data` is the data of one suite", hint="name that one with `--suite`")
    suites = [find_suite(name, given["data"]) for name in names]
    for notice in (notice for suite in suites for notice in suite.notices):
        click.echo(f"note: {single_line(notice)}", err=True)
    return suites


def _asks(match: Match) -> str:
    """Return the question in words."""
    if match.full:
        return f"Comparing {match.candidate} with {match.baseline}, all questions"
    if match.terms.question == "better":
        return f"Is {match.candidate} better or worse than {match.baseline}?"
    return f"Is {match.candidate} worse than {match.baseline} by less than {100 * match.terms.margin:g} points?"


def _tell_forecast(match: Match, forecasts: list[Forecast], *, as_json: bool) -> None:
    """Say what the comparison would take."""
    if as_json:
        rows = [
            {
                "suite": one.suite.name,
                "questions": len(one.suite.items),
                "plan": one.plan,
                "baseline_stored": one.baseline_stored,
                "history": one.history,
                "drawn_by_gap": {f"{gap:g}": drawn for gap, drawn in one.drawn_by_gap.items()},
                "detectable": one.detectable,
            }
            for one in forecasts
        ]
        print_json("compare-plan", {"margin": match.terms.margin, "alpha": match.terms.alpha, "suites": rows})
        return
    for one in forecasts:
        for line in forecast_lines(one, match.terms.margin):
            click.echo(line)


def _tell_end(compared: Compared, settings: Settings, *, as_json: bool) -> None:
    """Print what the comparisons say together, what could not be compared, and the next command."""
    together = compared.gate
    if as_json:
        document = {
            "candidate": {"name": compared.candidate.name, "digest": compared.candidate.digest},
            "baseline": {"name": compared.baseline.name, "digest": compared.baseline.digest},
            "comparisons": [{"id": one.id, **one.to_json()} for one in compared.evidence],
            "gate": together
            and {
                "verdict": together.verdict,
                "cleared": list(together.cleared),
                "blamed": list(together.blamed),
                "open": list(together.open),
            },
            "missing": list(compared.missing),
        }
        print_json("compare", document)
        return
    for line in gate_lines(together) if together else ():
        click.echo(line)
    for sentence in compared.missing:
        click.echo(f"  not done    {single_line(sentence)}")
    place = in_workspace(settings.workspace.path)
    if compared.evidence:
        click.echo(
            f"\nNext: `{program()} evidence show {short(compared.evidence[0].id)}{place}`, or ask it in a policy"
        )


def _code(compared: Compared, margin: float) -> int:
    """Return the exit code: of the gate, else the worst of the verdicts."""
    if compared.gate is not None:
        return _GATE[compared.gate.verdict]
    codes = []
    for body in (one.body for one in compared.evidence):
        if ended := body.get("sequential"):
            codes.append(_CODES[ended["verdict"] or "undecided"])
        else:
            codes.append(_CODES[full_verdict(body["difference"], margin).strip().lower()])
    return max(codes, default=0)
