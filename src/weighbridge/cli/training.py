"""`weighbridge training REF`: what training a model took, and whether the report's figures agree with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli import options
from weighbridge.cli.layout import line, quantity
from weighbridge.cli.progress import progress_on_stderr
from weighbridge.cli.show import print_json

if TYPE_CHECKING:
    from weighbridge.workflow.inspection.training import Trained

__all__ = ["command"]

_STEPS = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}


class _Amount(click.ParamType[float]):
    """A number with an optional letter: 14.8T, 2.788M, 2788000."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number."""
        text = str(value).strip().upper().replace(",", "").replace("_", "")
        scale = _STEPS.get(text[-1:], 1.0)
        try:
            number = float(text[:-1] if text[-1:] in _STEPS else text) * scale
        except ValueError:
            number = 0.0
        if not 0 < number < 1e30:  # noqa: PLR2004 - beyond any run
            self.fail(f"'{value}' is not a positive number such as 14.8T or 2788000", param, ctx)
        return number


@click.command(name="training")
@click.argument("reference", metavar="REF")
@click.option("--tokens", type=_Amount(), required=True, metavar="N", help="Tokens trained on: `14.8T`.")
@click.option("--sequence", type=click.IntRange(1, 1 << 24), default=4096, show_default=True, help="Training length.")
@click.option(
    "--gpu-hours", "device_hours", type=_Amount(), metavar="N", help="Device hours that were spent: `2.788M`."
)
@click.option("--on", "device", metavar="DEVICE", help="Device, for the utilisation that the hours imply: `h800-sxm`.")
@click.option("--price", "usd_per_hour", type=_Amount(), metavar="USD", help="Dollars a device hour.")
@click.option("--arithmetic", default="bf16", show_default=True, help="Type of the peak: bf16, fp8 ...")
@options.as_json
def command(*, as_json: bool, **given: Any) -> None:
    """Compute what training a model took: FLOPs, dollars, and the utilisation that the stated hours imply.

    A utilisation above 1 means that the stated figures contradict each other.
    """
    from weighbridge.cli.settings import load_settings
    from weighbridge.workflow.inspection.training import Run, trained

    with load_settings().workspace.digest_cache() as cache:
        found = trained(Run(**given), cache=cache, progress=progress_on_stderr())
    if as_json:
        print_json("training", _document(found))
    else:
        _print(found)


def _document(found: Trained) -> dict[str, Any]:
    figures, run = found.figures, found.run
    return {
        "name": found.artefact.name, "digest": found.artefact.digest, "tokens": run.tokens, "sequence": run.sequence,
        "flops": figures.flops, "flops_per_token": figures.flops_per_token, "device_hours": figures.device_hours,
        "usd": figures.usd, "utilisation": figures.utilisation, "arithmetic": run.arithmetic,
        "device": found.device.id if found.device else None,
    }  # fmt: skip


def _print(found: Trained) -> None:
    """Print the figures for a person."""
    figures, run = found.figures, found.run
    click.echo(f"{found.artefact.name}\n")
    said = f"{quantity(run.tokens)} tokens in sequences of {run.sequence:,}"
    click.echo(line("training", said, f"{figures.flops:.3g} FLOPs"))
    click.echo(line("", f"{quantity(figures.flops_per_token)} FLOPs a token, forward and backward"))
    if figures.device_hours is not None:
        cost = f"${figures.usd:,.0f}" if figures.usd is not None else ""
        click.echo(line("spent", f"{quantity(figures.device_hours)} device hours", cost))
    if figures.utilisation is not None and found.device is not None:
        doubt = "  more than there is: the figures contradict each other" if figures.utilisation > 1 else ""
        click.echo(
            line("utilisation", f"{figures.utilisation:.0%} of the {run.arithmetic} peak of {found.device.name}{doubt}")
        )
