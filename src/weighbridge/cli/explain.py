"""`weighbridge explain WORD`: what a rule, check, kind, measure, suite or verdict means; offline."""

from __future__ import annotations

import click

from weighbridge.cli import options
from weighbridge.cli.show import print_json

__all__ = ["command"]

_COVERAGE = "coverage"


@click.command(name="explain")
@click.argument("word", metavar="[WORD]", required=False)
@options.as_json
def command(word: str | None, *, as_json: bool) -> None:
    """Explain a rule, check, kind, measure (`score/v1:accuracy`), suite, policy or verdict.

    `coverage` lists which evidence answers which item of a regulation. Without a WORD, list everything that can be
    explained.
    """
    from weighbridge.decision.explain import explain, explainable
    from weighbridge.dossier.regulation import regulation_text

    if word is None:
        topics = {**explainable(), _COVERAGE: "regulation: which evidence answers which item"}
        if as_json:
            print_json("explain-topics", {"topics": topics})
            return
        for name, line in topics.items():
            click.echo(f"{name:<32} {line}")
        return
    text = regulation_text() if word == _COVERAGE else explain(word)
    if as_json:
        print_json("explain", {"word": word, "text": text})
    else:
        click.echo(text)
