"""`weighbridge precision QUANTIZED ORIGINAL`: what a coarser number format costs."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli import options
from weighbridge.cli.layout import line
from weighbridge.cli.lines.compare import comparison_lines
from weighbridge.cli.progress import progress_on_stderr
from weighbridge.cli.results import CODES
from weighbridge.cli.show import in_workspace, print_json, program
from weighbridge.dossier.visible import single_line

if TYPE_CHECKING:
    from weighbridge.core.evidence import Evidence
    from weighbridge.workflow.evaluation.compare import Compared

__all__ = ["command", "precision_lines"]

_OF_GATE = {"adopt": CODES["noninferior"], "undecided": CODES["undecided"], "block": CODES["inferior"]}


@click.command(name="precision")
@click.argument("quantized", metavar="QUANTIZED")
@click.argument("original", metavar="ORIGINAL")
@click.option(
    "--suite",
    "suites",
    multiple=True,
    metavar="NAME|DIR|FILE",
    help="Also compare the share right on this suite, until it is clear. May be repeated.",
)
@options.data
@click.option(
    "--text",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Text of your own to read instead of the texts that ship.",
)
@click.option(
    "--margin",
    type=click.FloatRange(0, 100, max_open=True),
    default=3.0,
    show_default=True,
    help="Loss on a suite that is accepted, in percentage points.",
)
@options.again
@options.engine
@click.option("--original-engine", metavar="URL", help="Address of the engine that serves the original.")
@options.in_flight
@options.timeout_s
@options.workspace
@options.as_json
@options.no_verdict_code
@click.pass_context
def command(ctx: click.Context, /, quantized: str, original: str, **given: Any) -> None:
    """Measure what a quantized model lost against its original.

    At some 200 positions of texts in several languages, code and numbers both give their next-token distribution. The
    divergence is a lower bound, over the tokens that both report; the original is asked twice, and what lies within
    its distance from itself is noise. `--suite` adds the paired difference in the share right.

    Exit codes with --suite: 0 not worse than allowed on any, 12 worse on one, 11 undecided; without it 0.
    """
    from weighbridge.cli.settings import load_settings
    from weighbridge.engine.limits import Limits
    from weighbridge.evaluation.compare.terms import Terms
    from weighbridge.evaluation.suite import find_suite
    from weighbridge.workflow.evaluation.compare import Match
    from weighbridge.workflow.evaluation.measure import EngineChoice
    from weighbridge.workflow.evaluation.precision import measure_loss

    settings = load_settings(weighed=quantized, workspace=given["workspace"], engine=given["engine"])
    limits = Limits(in_flight=given["in_flight"], timeout_s=given["timeout_s"])
    today = date.today()  # noqa: DTZ011 - evidence is dated by the calendar on the wall
    match = Match(
        quantized,
        original,
        [find_suite(name, given["data"]) for name in given["suites"]],
        today,
        Terms(margin=given["margin"] / 100),
        draw=today.toordinal() if given["again"] else 0,
        engine=EngineChoice(settings.engine, settings.key, limits),
        baseline_engine=EngineChoice(given["original_engine"], settings.baseline_key, limits),
    )

    def tell(evidence: Evidence) -> None:
        write = precision_lines if evidence.kind == "precision/v1" else comparison_lines
        for one in () if given["as_json"] else write(evidence.body):
            click.echo(one)

    with settings.workspace.store() as store, settings.workspace.digest_cache() as cache:
        found = measure_loss(
            match,
            settings.workspace.path / "comparisons",
            text=given["text"],
            store=store,
            cache=cache,
            progress=progress_on_stderr(),
            tell=tell,
        )
    compared = found.compared
    if given["as_json"]:
        comparisons = [{"id": one.id, **one.to_json()} for one in compared.evidence] if compared else []
        document = {
            "precision": {"id": found.evidence.id, **found.evidence.to_json()},
            "comparisons": comparisons,
            "missing": list(compared.missing) if compared else [],
        }
        print_json("precision", document)
        ctx.exit(0 if given["no_verdict_code"] else _code(compared))
    for sentence in compared.missing if compared else ():
        click.echo(f"  not done    {single_line(sentence)}")
    place = in_workspace(settings.workspace.path)
    click.echo(f"\nNext: `{program()} evidence show {found.evidence.id}{place}`")
    ctx.exit(0 if given["no_verdict_code"] else _code(compared))


def _code(compared: Compared | None) -> int:
    """Return the exit code, as `weighbridge compare` does: a suite that could not be compared is undecided."""
    if compared is None:
        return 0
    if compared.gate is not None:
        return _OF_GATE[compared.gate.verdict]
    codes = [
        CODES[one.body["sequential"]["verdict"] or "undecided"]
        for one in compared.evidence
        if one.body.get("sequential")
    ]
    return max([*codes, *(CODES["undecided"] for _ in compared.missing)], default=CODES["undecided"])


def precision_lines(body: dict[str, Any]) -> list[str]:
    """Return the lines of a `precision/v1`."""
    n = body["positions"]
    lost = f"{body['unanswered']} without an answer" if body["unanswered"] else ""
    lines = [line("positions", f"{n} of {body['texts_name']}, {body['top_tokens']} tokens each", lost)]
    if body["identical"] == n:
        lines.append(line("", f"the same distribution to the last digit at all {n} positions"))
    else:
        verdict = "BEYOND NOISE" if body["differs"] else "WITHIN NOISE"
        lines += [
            line("divergence", f"KL at least {_nats(body['kl'])}", verdict),
            line("", f"median {body['kl_median']:.4f}, worst {body['kl_worst']:.3f}; sees {body['seen']:.0%}"),
            line("", f"original beside itself {_itself(body)}"),
        ]
    lines.append(line("flips", f"likeliest token changed {_percent(body['flips'])}", _noise_of_flips(body)))
    if (ratio := body["perplexity_ratio"]) is not None:
        bound = f"at least: {body['capped']} capped" if body["capped"] else ""
        lines.append(line("perplexity", f"{ratio['value']:.3f} times [{ratio['low']:.3f}, {ratio['high']:.3f}]", bound))
    return lines


def _nats(estimate: dict[str, Any] | None) -> str:
    """Write a divergence with its interval."""
    if estimate is None:
        return "not known"
    return f"{estimate['value']:.4f} nats [{estimate['low']:.4f}, {estimate['high']:.4f}]"


def _itself(body: dict[str, Any]) -> str:
    """Say how far the original is from itself."""
    same = f"{body['noise_identical']} of {body['positions']} positions the same to the last digit"
    return _nats(body["noise_kl"]) if body["noise_kl"] else same


def _percent(estimate: dict[str, Any]) -> str:
    """Write a share with its interval."""
    return f"{estimate['value']:.1%} [{estimate['low']:.1%}, {estimate['high']:.1%}]"


def _noise_of_flips(body: dict[str, Any]) -> str:
    """Say how many flips the original shows against itself."""
    found = body["noise_flips"]
    return "" if found is None else f"original against itself {found['value']:.1%}"
