"""`weighbridge fit REF`: does it run there, with how many sequences, at which context; or where does it run."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import click

from weighbridge.cli import options
from weighbridge.cli.progress import progress_on_stderr

__all__ = ["command"]

_MOST_TOKENS = 1 << 24
_CODES = {"fits": 0, "unknown": 11, "does not fit": 12}


@click.command(name="fit")
@click.argument("reference", metavar="REF")
@click.option("--on", metavar="DEVICE[:N]|this", help="Device and how many: `h100-sxm:8`; `this` reads the machine.")
@click.option(
    "--context", type=click.IntRange(1, _MOST_TOKENS), default=8192, show_default=True, help="Tokens of one sequence."
)
@click.option("--sequences", type=click.IntRange(1, 1 << 20), default=1, show_default=True, help="Sequences at once.")
@click.option(
    "--engine", metavar="NAME", help="llama.cpp, vllm, sglang or transformers. Default: the device's usual one."
)
@click.option(
    "--quantization", metavar="NAME", help="Weigh it so (bf16, fp8, awq-4, q4_k_m ...). Default: as published."
)
@click.option("--kv-dtype", "cache_type", metavar="TYPE", help="Type of the cache: bf16, fp8, q8_0, q4_0 ...")
@click.option("--tp", type=click.IntRange(1, 4096), help="Devices that share every layer.")
@click.option("--pp", type=click.IntRange(1, 4096), help="Stages that share the layers.")
@click.option("--ep", type=click.IntRange(1, 4096), help="Devices over which experts are spread.")
@click.option("--devices", type=click.Path(path_type=Path), metavar="FILE", help="Devices of your own (TOML).")
@click.option(
    "--price", "usd_per_hour", type=click.FloatRange(0, 1e6), metavar="USD", help="Dollars a device hour, for the cost."
)
@click.option("--keep", is_flag=True, help="Keep the verdict as evidence, for policies to ask.")
@options.workspace
@options.as_json
@options.no_verdict_code
@click.pass_context
def command(
    ctx: click.Context, /, *, keep: bool, workspace: str | None, as_json: bool, no_verdict_code: bool, **given: Any
) -> None:
    """Say whether a model fits on devices: weights, cache, working memory, and what is left.

    Without --on, rank all devices: the fewest of each on which it runs in 16, 8 and 4 bits a weight.

    Leaves with 0 where it fits, 11 where that is unknown, 12 where it does not fit.
    """
    from weighbridge.cli.lines.fit import print_placed
    from weighbridge.cli.settings import load_settings
    from weighbridge.workflow.inspection.fit import Asked, fit_evidence, place

    settings = load_settings(workspace=workspace)
    with settings.workspace.digest_cache() as cache:
        placed = place(Asked(**given, knowledge=settings.knowledge), cache=cache, progress=progress_on_stderr())
    if keep:
        with settings.workspace.store() as store:
            store.add(fit_evidence(placed, date.today()))  # noqa: DTZ011 - evidence is dated by the calendar on the wall
    print_placed(placed, as_json=as_json)
    verdict = "unknown" if placed.reason else placed.fit.verdict if placed.fit else "fits"
    ctx.exit(0 if no_verdict_code else _CODES[verdict])
