"""`weighbridge load ADDRESS|REF`: latency and throughput under many users at once, and whether service levels hold."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli import options
from weighbridge.cli.lines.load import against_lines, chart_lines, end_lines, plan_line, point_lines
from weighbridge.cli.progress import progress_on_stderr
from weighbridge.cli.show import in_workspace, print_json, program
from weighbridge.dossier.visible import single_line
from weighbridge.errors import Interrupted

if TYPE_CHECKING:
    from weighbridge.cli.settings import Settings
    from weighbridge.workflow.load.run import Loaded, Order

__all__ = ["command"]

_MET, _UNDECIDED, _NOT_MET = 0, 11, 12
_RATE = click.FloatRange(0.001, 10_000)


@click.command(name="load")
@click.argument("reference", metavar="ADDRESS|REF")
@click.option("--rate", "rates", type=_RATE, multiple=True, metavar="R", help="Requests a second. May be repeated.")
@click.option("--sweep", is_flag=True, help="Raise the rate until the service levels are not met any more.")
@click.option(
    "--slo", "levels", multiple=True, metavar="LEVEL",
    help="Service level: `ttft=0.5s:5%` allows 5% of the requests a longer wait; ttft, tpot, gap or e2e. Or a preset, "
    "such as `mlperf-llama3.1-8b`. May be repeated.",
)  # fmt: skip
@click.option(
    "--mix", "shapes", multiple=True, metavar="IN:OUT[@WEIGHT]", default=("256:128",), show_default=True,
    help="Tokens of prompt and answer. May be repeated.",
)  # fmt: skip
@click.option(
    "--users", type=click.IntRange(0, 4096), default=8, show_default=True,
    help="Users of the closed loop, which sends at most 200 requests, and no more than the lowest rate; 0: none.",
)  # fmt: skip
@click.option(
    "--seconds", type=click.FloatRange(1, 86_400),
    help="Seconds of each rate at most, after the warm-up. Default: 120, or what the service levels need.",
)  # fmt: skip
@click.option(
    "--warm-up", "warmup_s", type=click.FloatRange(0, 3600), default=5.0, show_default=True,
    help="Seconds of each rate that are asked and not counted.",
)  # fmt: skip
@click.option(
    "--block", "block_s", type=click.FloatRange(0.1, 3600), default=5.0, show_default=True,
    help="Seconds of one block: its requests count as one observation. Longer than a queue takes to drain.",
)  # fmt: skip
@click.option(
    "--alpha", type=click.FloatRange(0.001, 0.5), default=0.05, show_default=True, help="Chance of a wrong verdict."
)
@click.option("--against", metavar="OTHER", help="Compare with this model, in turns, at one rate.")
@click.option("--against-engine", metavar="URL", help="Address of the engine that serves the other model.")
@click.option(
    "--slower", type=click.FloatRange(0, 1000), default=20.0, show_default=True,
    help="Percent by which p95 may be slower than the other's.",
)  # fmt: skip
@click.option(
    "--slot", "slot_s", type=click.FloatRange(1, 600), default=10.0, show_default=True,
    help="Seconds of one turn of `--against`.",
)  # fmt: skip
@click.option(
    "--form", type=click.Choice(["chat", "completion"]), default="chat", show_default=True, help="How prompts are sent."
)
@click.option(
    "--shared-prefix", "shared_tokens", type=click.IntRange(0, 10_000_000), default=0, metavar="TOKENS",
    help="Begin all prompts with the same tokens, as a long system prompt would. Default: no prefix is shared.",
)  # fmt: skip
@click.option("--stop-at-eos", is_flag=True, help="Let answers end where the model ends them; ignore_eos is not sent.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Seed of moments and words.")
@click.option("--max-seconds", type=click.FloatRange(1), help="Begin no request after so many seconds in all.")
@click.option("--max-requests", type=click.IntRange(1), help="Send at most this many requests in all.")
@click.option("--max-tokens", type=click.IntRange(1), help="Ask for at most this many tokens in all, in and out.")
@click.option("--on", metavar="DEVICE[:N]|this", help="Devices that serve it: sets its speed beside their roofline.")
@click.option(
    "--weights", metavar="REF", help="The model that an address serves, for the roofline: a config.json will do."
)
@click.option("--quantization", metavar="NAME", help="How its weights are stored, for the roofline (bf16, fp8 ...).")
@click.option(
    "--price", "usd_per_hour", type=click.FloatRange(0, 1e6), metavar="USD", help="Dollars a device hour, for the cost."
)
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing.")
@options.engine
@options.timeout_s
@options.workspace
@options.as_json
@options.no_verdict_code
@click.pass_context
def command(ctx: click.Context, /, reference: str, **given: Any) -> None:
    """Put a served model under load, and say what its users would wait for.

    Requests are due at random moments, whatever the server does, and every time counts from when a request was due: a
    server that stalls cannot hide it. A closed loop of --users stands beside. A service level is decided by a test that
    may be looked at at any time; a rate ends as soon as all levels are decided. Ctrl-C keeps what was measured.

    Exit codes: 0 all levels met (or none asked), 11 undecided or not valid, 12 not met; with --against, whether it is
    slower than allowed at p95.
    """
    from weighbridge.cli.settings import load_settings
    from weighbridge.workflow.load.run import measure_load

    settings = load_settings(weighed=reference, workspace=given["workspace"], engine=given["engine"])
    order = _order(reference, given, settings)
    as_json = given["as_json"]
    if given["dry_run"] and as_json:
        requests, tokens = order.will_send()
        print_json("load-plan", {"requests_at_most": requests, "tokens_at_most": tokens, "closed": order.most_closed})
        return
    click.echo(plan_line(order), err=not given["dry_run"])
    if given["dry_run"]:
        return
    with settings.workspace.store() as store, settings.workspace.digest_cache() as cache:
        loaded = measure_load(order, cache=cache, progress=progress_on_stderr())
        store.add(loaded.evidence)
    for note in loaded.notes:
        click.echo(f"note: {single_line(note)}", err=True)
    if as_json:
        print_json("load", {"id": loaded.evidence.id, **loaded.evidence.to_json()})
    else:
        _tell(loaded, settings)
    if loaded.interrupted:
        raise Interrupted(
            "stopped; what was measured is kept", hint="a run cannot go on later: it would be another hour"
        )
    ctx.exit(0 if given["no_verdict_code"] else _code(loaded.evidence.body))


def _order(reference: str, given: dict[str, Any], settings: Settings) -> Order:
    """Read the options."""
    from weighbridge.engine.limits import Limits
    from weighbridge.evaluation.load.drive import MOST_IN_FLIGHT, Budget
    from weighbridge.evaluation.load.levels import parse_levels
    from weighbridge.evaluation.load.shots import parse_shapes
    from weighbridge.workflow.evaluation.measure import EngineChoice
    from weighbridge.workflow.load.costs import Costs
    from weighbridge.workflow.load.run import Order

    limits = Limits(in_flight=MOST_IN_FLIGHT, timeout_s=given["timeout_s"])
    same = ("sweep", "users", "alpha", "seconds", "warmup_s", "block_s", "slot_s", "form", "shared_tokens", "seed",
            "timeout_s", "rates", "against")  # fmt: skip
    return Order(
        reference,
        date.today(),  # noqa: DTZ011 - evidence is dated by the calendar on the wall
        shapes=parse_shapes(given["shapes"]),
        levels=parse_levels(given["levels"]),
        ignore_eos=not given["stop_at_eos"],
        allowed=1 + given["slower"] / 100,
        budget=Budget(given["max_requests"], given["max_tokens"], given["max_seconds"]),
        engine=EngineChoice(settings.engine, settings.key, limits),
        against_engine=EngineChoice(given["against_engine"], settings.baseline_key, limits),
        costs=Costs(given["usd_per_hour"], given["on"], given["weights"], given["quantization"], settings.knowledge),
        **{name: given[name] for name in same},
    )


def _tell(loaded: Loaded, settings: Settings) -> None:
    """Print the stretches, the chart, what stands beside, and the next command."""
    body = loaded.evidence.body
    click.echo(f"{single_line(loaded.artefact.name)}\n")
    for point in body["points"]:
        for line in point_lines(point):
            click.echo(line)
    for line in (*chart_lines(body), *against_lines(body["against"]), *end_lines(body)):
        click.echo(line)
    shown = f"{program()} evidence show {loaded.evidence.id.removeprefix('sha256:')[:12]}"
    click.echo(f"\nNext: `{shown}{in_workspace(settings.workspace.path)}`")


def _code(body: dict[str, Any]) -> int:
    """Return the exit code."""
    valid, against = body["valid"], body["against"]
    if against is not None:
        valid = valid and against["baseline_point"]["valid"]
        verdicts = {one["verdict"] for one in against["slower"].values()}
    else:
        verdicts = {one["verdict"] for one in body["slo"].values()}
    if not valid:
        return _UNDECIDED
    return _NOT_MET if "not met" in verdicts else _UNDECIDED if "undecided" in verdicts else _MET
