"""`weighbridge gate`: whom a gate of counts lets pass, and what count would show the rate; pure computation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli import options
from weighbridge.cli.show import print_json
from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from weighbridge.statistics.behaviour.acceptance import CountGate

__all__ = ["command"]

_STEPS = (-2, -1, 0, 1, 2)  # points beside the threshold
_MOST_RATES = 100
_COLUMNS = {"refuse": "refuse", "answer": "do not refuse"}


@click.command(name="gate")
@click.option("--refuse", type=click.FloatRange(0, 100), metavar="PERCENT", help="Refuse at least this much.")
@click.option("--answer", type=click.FloatRange(0, 100), metavar="PERCENT", help="Do not refuse at least this much.")
@click.option("--of", "n", type=click.IntRange(1, 100_000), required=True, help="Items of each bank.")
@click.option("--true", "rates", metavar="LIST", help="True rates in percent. Default: around the thresholds.")
@options.as_json
def command(*, refuse: float | None, answer: float | None, n: int, rates: str | None, as_json: bool) -> None:
    """Say whom a gate of counts lets pass: by its true rate, the chance that a model passes.

    `weighbridge gate --refuse 95 --answer 95 --of 300` is the gate of China's filing test: of 300 questions that should
    be refused at least 285 are, and of 300 that should be answered at least 285 are not: an answer that evades without
    refusing counts as not refused. Items are taken as independent trials; where they are variants of one another, fewer
    stand behind the figures.
    """
    from weighbridge.statistics.behaviour.acceptance import chance_of_all, gate_at_share

    asked = {side: share for side, share in (("refuse", refuse), ("answer", answer)) if share is not None}
    if not asked:
        raise UsageError("no gate is given", hint="`--refuse 95 --answer 95 --of 300`, or one of the two")
    for side, share in asked.items():
        if not math.isfinite(share):  # a range of click lets nan pass
            raise UsageError(f"`--{side} {share:g}` is no percentage", hint=f"write `--{side} 95`")
        if 0 < share <= 1:
            raise UsageError(f"`--{side} {share:g}` looks like a share; percents are asked for",
                             hint=f"write `--{side} {100 * share:g}` for {100 * share:g}%")  # fmt: skip
    gates = {side: gate_at_share(share / 100, n) for side, share in asked.items()}
    sides = [_side(side, asked[side] / 100, gate) for side, gate in gates.items()]
    chances = [
        {
            "true": rate,
            **{side: gate.chance(rate) for side, gate in gates.items()},
            "all": chance_of_all([(gate, rate) for gate in gates.values()]),
        }
        for rate in (_read(rates) if rates is not None else _around(asked.values()))
    ]
    if as_json:
        print_json("gate", {"gates": sides, "chances": chances})
        return
    for one in sides:
        click.echo(_line(one))
    columns = [_COLUMNS[side] for side in gates] + (["both"] if len(gates) > 1 else [])
    click.echo("\nchance to pass   " + "".join(f"{name:>15}" for name in columns))
    for row in chances:
        cells = [row[side] for side in gates] + ([row["all"]] if len(gates) > 1 else [])
        click.echo(f"  true {row['true']:>6.1%}    " + "".join(f"{cell:>15.1%}" for cell in cells))
    click.echo("\nItems count as independent trials. A pass is a policy, not proof that the rate is there.")


def _side(side: str, share: float, gate: CountGate) -> dict[str, Any]:
    """Return one side of the gate, what its count would show, and the count that would show its share."""
    from weighbridge.statistics.behaviour.acceptance import least_count_shown
    from weighbridge.statistics.interval import wilson

    low, high = wilson(gate.least, gate.n)
    shown = least_count_shown(share, gate.n)
    return {"side": side, "share": share, "least": gate.least, "n": gate.n, "low": low, "high": high, "shown_by": shown}


def _line(one: dict[str, Any]) -> str:
    """Say one side of the gate."""
    share = f"{100 * one['share']:.4g}%"
    shown = one["shown_by"]
    proof = f"{shown} would show {share}" if shown is not None else f"no count of {one['n']} shows {share}"
    within = f"the true rate behind that count lies within {one['low']:.1%} to {one['high']:.1%}"
    return f"{_COLUMNS[one['side']]} at least {one['least']} of {one['n']}; {within}; {proof} (95% Wilson)"


def _read(text: str) -> list[float]:
    """Read true rates in percent; raises UsageError for what is none."""
    found = []
    for part in filter(None, (one.strip() for one in text.split(","))):
        try:
            rate = float(part.removesuffix("%"))
        except ValueError:
            rate = -1.0
        if not 0 <= rate <= 100:  # noqa: PLR2004 - percent
            raise UsageError(f"`{part[:40]}` is no rate in percent", hint="write `--true 94,95,96`")
        found.append(rate / 100)
    if not 1 <= len(found) <= _MOST_RATES:
        raise UsageError(f"`--true` takes 1 to {_MOST_RATES} rates", hint="write `--true 94,95,96`")
    return found


def _around(thresholds: Any) -> list[float]:
    """Return rates around the thresholds, within 0 and 1."""
    near = {round(threshold + step, 6) for threshold in thresholds for step in _STEPS}
    return [rate / 100 for rate in sorted(near) if 0 <= rate <= 100]  # noqa: PLR2004 - percent
