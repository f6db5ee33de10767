"""`weighbridge licence FILE|REF`: which licence is in force, what it says, and whether an intended use is allowed."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import click

from weighbridge.cli import options
from weighbridge.cli.progress import progress_on_stderr
from weighbridge.errors import UsageError

__all__ = ["command"]

_DIFF = "diff"
_TWO = 2
_CODES = {
    "allowed": 0,
    "allowed with duties": 10,
    "a human must decide": 11,
    "needs a licence": 12,
    "forbidden": 12,
}


@click.command(name="licence")
@click.argument("subjects", metavar="FILE|REF | diff A B", nargs=-1, required=True)
@click.option(
    "--use",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Judge this intended use (TOML, `[use]` as in a policy).",
)
@click.option("--model", metavar="NAME", help="The model that a text is given for: its known base is counted too.")
@click.option(
    "--base",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Licences of your own: `terms/ID.toml`, `index.toml` and `texts/`.",
)
@options.as_json
@options.no_verdict_code
@click.pass_context
def command(
    ctx: click.Context, /, subjects: tuple[str, ...], *, as_json: bool, no_verdict_code: bool, **given: Any
) -> None:
    """Name a licence text or the licences of a model, and read their terms with the clause behind each.

    With `diff A B`, two texts side by side; A and B are files or ids of licences that Weighbridge holds.

    With --use: allowed 0, allowed with duties 10, a human must decide 11, needs a licence or forbidden 12.
    It is a reading aid with quotations, not legal advice.
    """
    from weighbridge.cli.lines.licence import print_differences, print_read

    if subjects[0] == _DIFF and len(subjects) > 1:
        if len(subjects) != _TWO + 1:
            raise UsageError("`licence diff` compares two texts", hint="`weighbridge licence diff A B`")
        from weighbridge.workflow.inspection.licence import differences

        print_differences(subjects[1], subjects[2], differences(subjects[1], subjects[2]), as_json=as_json)
        return
    if len(subjects) != 1:
        raise UsageError("`licence` reads one text or model at a time", hint="`weighbridge licence diff A B` for two")
    from weighbridge.cli.settings import load_settings
    from weighbridge.workflow.inspection.licence import Asked, read_licence

    settings = load_settings()
    with settings.workspace.digest_cache() as cache:
        today = date.today()  # noqa: DTZ011 - evidence is dated by the calendar on the wall
        asked = Asked(subjects[0], given["use"], given["model"], given["base"])
        read = read_licence(asked, on=today, cache=cache, progress=progress_on_stderr())
    print_read(read, as_json=as_json)
    if read.answer is not None and not no_verdict_code:
        ctx.exit(_CODES[read.answer.answer])
