"""How a fit reads: what is needed beside what there is, what is left, and the ranking of devices."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli.layout import plain
from weighbridge.cli.lines.speed import speed_lines
from weighbridge.cli.show import print_json, program
from weighbridge.dossier.visible import single_line

if TYPE_CHECKING:
    from weighbridge.inspection.fit.devices import Device
    from weighbridge.inspection.fit.fit import Fit
    from weighbridge.inspection.fit.rank import Cell, Row
    from weighbridge.inspection.memory.span import Span
    from weighbridge.inspection.speed.served import Speed
    from weighbridge.workflow.inspection.fit import Placed

__all__ = ["print_placed"]

_GIB, _MIB = 1 << 30, 1 << 20
_BAR = 40
_MOST_NOTES = 12
_COLUMN = 10
_MARKS = {"weights": "#", "cache": "=", "activation": "~", "overhead": "+"}


def print_placed(placed: Placed, *, as_json: bool) -> None:
    """Print a fit or a ranking, as lines or as one JSON document."""
    if as_json:
        print_json("fit", _document(placed))
        return
    click.echo(f"{single_line(placed.artefact.name)}\n")
    if placed.reason is not None:
        click.echo(f"  UNKNOWN: {plain(placed.reason)}")
        click.echo(f"\nNext: `{program()} inspect {single_line(placed.asked.reference)}`")
    elif placed.fit is not None:
        _print_fit(placed, placed.fit)
    else:
        _print_rows(placed)


def _print_fit(placed: Placed, fit: Fit) -> None:
    load, device, asked = fit.load, fit.device, placed.asked
    click.echo(f"  {'device':<12}{placed.count} x {plain(device.name)}   {load.plan.text}   {placed.engine}")
    memory = "not known" if device.memory is None else f"{_gib(device.memory)} each"
    click.echo(f"  {'memory':<12}{memory}   ({plain(device.memory_said)}; confidence {device.confidence})")
    click.echo(
        f"  {'asked':<12}{asked.sequences:,} x {asked.context:,} tokens, weights {placed.quantization}, "
        f"cache {asked.cache_type or 'as usual'}\n"
    )
    click.echo("  on the fullest device" if placed.count > 1 else "  needed")
    parts = {"weights": load.weights, "cache": load.cache, "activation": load.activation, "overhead": load.overhead}
    widest = max(load.total.high, fit.room.high if fit.room else 0, 1)
    for name, span in parts.items():
        bar = _MARKS[name] * round(_BAR * span.high / widest)
        click.echo(f"    {name:<12}{_gib(span):>22}  {bar}")
    click.echo(f"    {'total':<12}{_gib(load.total):>22}  {_stacked(parts, widest)}")
    if fit.room is not None and fit.left is not None:
        share = "-" * round(_BAR * fit.room.low / widest) + "|"
        click.echo(f"    {'room':<12}{_gib(fit.room):>22}  {share}")
        click.echo(f"    {'left':<12}{_gib(fit.left):>22}")
    click.echo(f"\n  {fit.verdict.upper()}: {fit.reason}")
    if fit.sequences is not None:
        click.echo(f"  {'sequences':<18}at least {fit.sequences:,} of {asked.context:,} tokens")
    if fit.largest_context is not None:
        each = "one sequence" if asked.sequences == 1 else f"{asked.sequences:,} sequences"
        click.echo(f"  {'largest context':<18}at least {fit.largest_context:,} tokens for {each}")
    click.echo("")
    for text in speed_lines(placed):
        click.echo(text)
    _print_notes((*placed.notes, *fit.notes))
    click.echo(f"Next: `{program()} fit {single_line(asked.reference)}` ranks all devices")


def _print_notes(notes: tuple[str, ...]) -> None:
    told = list(dict.fromkeys(notes))
    for note in told[:_MOST_NOTES]:
        click.echo(f"  note: {plain(note)}")
    if len(told) > _MOST_NOTES:
        click.echo(f"  {len(told) - _MOST_NOTES} more notes are in --json")


def _stacked(parts: dict[str, Span], widest: int) -> str:
    return "".join(_MARKS[name] * round(_BAR * span.high / widest) for name, span in parts.items())


def _print_rows(placed: Placed) -> None:
    asked = placed.asked
    click.echo(f"  fewest devices for {asked.sequences:,} x {asked.context:,} tokens\n")
    width = max((len(row.cells) for row in placed.rows), default=0)
    head = "".join(f"{name:>11}" for name in _columns(placed.rows, width))
    click.echo(f"  {'device':<22}{'memory':>24}  {'confidence':<11}{'engine':<11}{head}")
    order = sorted(placed.rows, key=lambda row: (row.device.vendor, row.device.id))
    possible = [row for row in order if any(cell.maybe for cell in row.cells)]
    for row in possible:
        device = row.device
        memory = "-" if device.memory is None else _gib(device.memory)
        cells = "".join(f"{_cell(cell, device) if cell else '':>11}" for cell in _aligned(row, width)).rstrip()
        click.echo(f"  {plain(device.id):<22}{memory:>24}  {device.confidence:<11}{plain(row.engine):<11}{cells}")
    if impossible := [row.device.id for row in order if row not in possible]:
        click.echo(f"\n  on none: {plain(', '.join(impossible))}")
    click.echo("\n  -  on none up to 16    4?  perhaps on 4: figures are known within bounds    ?  memory not known")
    click.echo("  *  the device has no FP8: weights only, where the engine has kernels for that")
    _print_notes(placed.notes)
    fitting = [row for row in possible if row.best and row.device.confidence == "high" and not row.device.is_cpu]
    best = min(fitting, key=_preference, default=None)
    if best is not None and best.best is not None:
        scheme = "" if best.best.scheme == placed.quantization else f" --quantization {best.best.scheme}"
        where = f"--on {best.device.id}:{best.best.count}{scheme}"
        click.echo(f"Next: `{program()} fit {single_line(asked.reference)} {where}`")
    else:
        click.echo(f"Next: `{program()} fit {single_line(asked.reference)} --context {max(asked.context // 2, 1)}`")


def _preference(row: Row) -> tuple[int, int]:
    """Order rows by the number of devices, then by how little memory they have."""
    count = row.best.count if row.best else None
    return count or 0, row.device.memory.low if row.device.memory else 0


def _aligned(row: Row, width: int) -> list[Cell | None]:
    """Return a row's cells under 16, 8 and 4 bits; before them the model's own scheme, where the engine has it."""
    return [*[None] * (width - len(row.cells)), *row.cells]


def _columns(rows: tuple[Row, ...], width: int) -> list[str]:
    """Name the columns: the schemes where they are short, else how many bits they stand for, or the model's own."""
    columns = zip(*(_aligned(row, width) for row in rows), strict=True)
    names = ["/".join(sorted({cell.scheme for cell in column if cell})) for column in columns]
    plain_names = (["as stored"] * width + ["16 bits", "8 bits", "4 bits"])[-width:]
    return [name if len(name) <= _COLUMN else other for name, other in zip(names, plain_names, strict=True)]


def _cell(cell: Cell, device: Device) -> str:
    if device.memory is None:
        return "?"
    mark = "*" if "fp8" in cell.scheme and device.computes("fp8") is False else ""
    if cell.count is not None and cell.maybe in {None, cell.count}:
        return f"{cell.count}{mark}"
    if cell.maybe is not None:
        return f"{cell.maybe}?{mark}" if cell.count is None else f"{cell.maybe}?-{cell.count}{mark}"
    return "-"


def _gib(span: Span) -> str:
    """Write a span in GiB, or in MiB where all of it is below one."""
    unit, name = (_GIB, "GiB") if max(span.high, -span.low) >= _GIB else (_MIB, "MiB")
    low, high = (f"{bound / unit:.2f}" for bound in (span.low, span.high))
    return f"{high} {name}" if low == high else f"{low} to {high} {name}"


def _document(placed: Placed) -> dict[str, Any]:
    """Return a fit or a ranking as JSON, in bytes."""
    asked = placed.asked
    found: dict[str, Any] = {
        "name": placed.artefact.name,
        "digest": placed.artefact.digest,
        "asked": {
            "context": asked.context, "sequences": asked.sequences, "engine": placed.engine,
            "quantization": placed.quantization, "kv_dtype": asked.cache_type, "on": asked.on,
        },
        "verdict": "unknown" if placed.reason else placed.fit.verdict if placed.fit else None,
        "reason": placed.reason or (placed.fit.reason if placed.fit else None),
        "notes": list(dict.fromkeys((*placed.notes, *(placed.fit.notes if placed.fit else ())))),
    }  # fmt: skip
    if placed.fit is not None:
        found |= {"device": _device(placed), "needed": _needed(placed.fit), **_left(placed.fit)}
        found |= {"speed": _speed(placed.speed), "api_prices": [asdict(price) for price in placed.prices]}
    if placed.rows:
        found["ranking"] = [
            {
                "device": row.device.id, "engine": row.engine, "confidence": row.device.confidence,
                "schemes": [
                    {"quantization": cell.scheme, "devices": cell.count, "devices_perhaps": cell.maybe}
                    for cell in row.cells
                ],
            }
            for row in placed.rows
        ]  # fmt: skip
    return found


def _speed(speed: Speed | None) -> dict[str, Any] | None:
    """Return the bounds of speed as JSON: seconds, tokens a second, bytes, FLOPs, dollars a million tokens."""
    return None if speed is None else asdict(speed)


def _device(placed: Placed) -> dict[str, Any]:
    assert placed.fit is not None  # noqa: S101 - the caller looked
    device, plan = placed.fit.device, placed.fit.load.plan
    return {
        "id": device.id, "name": device.name, "count": placed.count, "confidence": device.confidence,
        "source": device.source, "memory_bytes": _span(device.memory), "memory_source": device.memory_said,
        "plan": {"tp": plan.tp, "pp": plan.pp, "dp": plan.dp, "ep": plan.ep},
    }  # fmt: skip


def _needed(fit: Fit) -> dict[str, Any]:
    load = fit.load
    return {
        "weights": _span(load.weights), "cache": _span(load.cache), "activation": _span(load.activation),
        "overhead": _span(load.overhead), "total": _span(load.total), "cache_per_sequence": load.per_sequence,
    }  # fmt: skip


def _left(fit: Fit) -> dict[str, Any]:
    return {
        "room": _span(fit.room), "left": _span(fit.left), "sequences": fit.sequences,
        "largest_context": fit.largest_context,
    }  # fmt: skip


def _span(span: Span | None) -> dict[str, int] | None:
    return None if span is None else {"low": span.low, "high": span.high}
