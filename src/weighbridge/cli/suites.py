"""`weighbridge suites`: list, show, add, fetch and check what models can be asked."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli import options

if TYPE_CHECKING:
    from weighbridge.evaluation.suite.shelf import Shelf
    from weighbridge.evaluation.suite.suite import Suite

__all__ = ["command"]

_LONGEST = 4000

_data = click.option(
    "--data", type=click.Path(path_type=Path), metavar="FOLDER", help="Folder or file of the suite's rows."
)


@click.group(name="suites")
def command() -> None:
    """List, show, add, fetch and check suites: what models can be asked."""


@command.command(name="list")
@options.as_json
def list_(*, as_json: bool) -> None:
    """List the suites that ship, and the recipes whose data you bring or fetch."""
    from weighbridge.cli.show import print_json
    from weighbridge.workflow.evaluation.suites import list_suites

    rows = list_suites(_shelf())
    if as_json:
        print_json("suites", {"suites": [row.to_json() for row in rows]})
        return
    width = max(len(row.name) for row in rows)
    for row in rows:
        click.echo(f"  {row.name:<{width}}  {row.state:<8} {row.title}")
    click.echo("\nNext: `weighbridge suites show NAME`", err=True)


@command.command(name="show")
@click.argument("name", metavar="NAME|PLACE")
@_data
@options.as_json
def show(name: str, data: Path | None, *, as_json: bool) -> None:
    """Show all that is asked: prompts, examples, sampling, digest, and the first request as it is sent."""
    from weighbridge.cli.show import print_json
    from weighbridge.workflow.evaluation.suites import describe

    content = describe(name, data, _shelf())
    if as_json:
        print_json("suite", content)
        return
    for text in _lines(content):
        click.echo(text)
    if content["questions"] is None:
        click.echo(f"Next: `weighbridge suites add {name} FOLDER`, or `weighbridge suites fetch {name}`", err=True)
    else:
        click.echo(f"Next: `weighbridge evaluate REF --suite {name}`", err=True)


@command.command(name="add")
@click.argument("name", metavar="NAME")
@click.argument("folder", metavar="FOLDER", type=click.Path(path_type=Path))
@options.as_json
def add(name: str, folder: Path, *, as_json: bool) -> None:
    """Remember where the data of a recipe lie, with their digest; they stay where they are."""
    from weighbridge.workflow.evaluation.suites import add_copy

    today = date.today()  # noqa: DTZ011 - a note is dated by the calendar on the wall
    suite, copy = add_copy(name, folder, _shelf(), today)
    _tell_added(suite, copy.to_json(), as_json=as_json)


@command.command(name="fetch")
@click.argument("name", metavar="NAME")
@click.option("--accept", metavar="LICENCE", help="The licence of the data, by its name: you accept it.")
@options.as_json
def fetch(name: str, accept: str | None, *, as_json: bool) -> None:
    """Fetch the data of a recipe from its publisher at a fixed commit, once you accept their licence by name."""
    from weighbridge.workflow.evaluation.suites import fetch_copy

    today = date.today()  # noqa: DTZ011 - a note is dated by the calendar on the wall
    suite, copy = fetch_copy(name, accept, _shelf(), today)
    _tell_added(suite, copy.to_json(), as_json=as_json)


@command.command(name="check")
@click.argument("name", metavar="NAME|PLACE")
@_data
@options.as_json
def check(name: str, data: Path | None, *, as_json: bool) -> None:
    """Read a suite whole, and say what a careful reader would ask about it."""
    from weighbridge.cli.show import print_json
    from weighbridge.dossier.visible import single_line
    from weighbridge.workflow.evaluation.suites import check_suite

    suite, remarks = check_suite(name, data, _shelf())
    if as_json:
        content = {"suite": suite.name, "digest": suite.digest, "questions": len(suite.items)}
        print_json("suite-check", content | {"notices": list(suite.notices), "remarks": remarks})
        return
    click.echo(f"{suite.name}: {len(suite.items)} questions can be asked, {suite.digest}")
    for text in (*suite.notices, *remarks):
        click.echo(f"  {single_line(text)}")
    click.echo(f"Next: `weighbridge evaluate REF --suite {name} --dry-run`", err=True)


def _shelf() -> Shelf:
    from weighbridge.evaluation.suite.shelf import Shelf

    return Shelf.here()


def _tell_added(suite: Suite, copy: dict[str, Any], *, as_json: bool) -> None:
    """Say what was added."""
    from weighbridge.cli.show import print_json
    from weighbridge.dossier.visible import single_line

    if as_json:
        print_json("suite-added", {"suite": suite.name, "questions": len(suite.items), **copy})
        return
    count = f"{len(suite.items)} questions, {len(copy['files'])} files"
    click.echo(f"{suite.name}: {count} in {single_line(copy['folder'])}")
    click.echo(f"  licence {suite.licence}")
    click.echo(f"  digest  {suite.digest}")
    for notice in suite.notices:
        click.echo(f"  {single_line(notice)}")
    click.echo(f"Next: `weighbridge evaluate REF --suite {suite.name}`", err=True)


def _lines(content: dict[str, Any]) -> list[str]:
    """Write a description for people; what came from files is made visible."""
    from weighbridge.dossier.visible import reveal, single_line

    head = content["suite"]
    lines = [f"{head['name']}, version {head['version']}: {single_line(head['title'])}"]
    count = content["questions"]
    lines += [
        f"  questions   {'no data here' if count is None else count}",
        f"  licence     {single_line(head['licence'])}",
        f"  source      {single_line(head['source'])}",
        f"  marked by   {head['scorer'] or '-'}, guessing gets {100 * head['chance']:.0f}%",
        f"  max_tokens  {head['max_tokens']}",
    ]
    if content.get("digest"):
        lines.append(f"  digest      {content['digest']}")
    for key in ("shots", "generation"):
        used = {name: value for name, value in (content[key] or {}).items() if value not in (None, "", [], 0)}
        told = ", ".join(f"{name} = {single_line(repr(value))}" for name, value in used.items())
        lines.append(f"  {key:<11} {told or 'none'}")
    lines += [f"  note        {single_line(notice)}" for notice in content["notices"]]
    for form, text in content["forms"].items():
        lines += [f"\nprompt, {form}:", *("    " + row for row in reveal(text).splitlines())]
    if request := content.get("first_request"):
        text = reveal(request["text"][:_LONGEST])
        lines += [f"\nfirst request, {request['form']}, {len(request.get('turns', ()))} turns before it:"]
        lines += ["    " + row for row in text.splitlines()]
    if content.get("get"):
        lines.append(f"\nThe data: {single_line(content['get'])}")
    return lines
