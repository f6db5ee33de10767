"""`weighbridge claims FILE|TEXT`: hold what is said of known models against computed and sourced facts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli import options
from weighbridge.cli.layout import plain, wrapped
from weighbridge.cli.show import print_json

if TYPE_CHECKING:
    from weighbridge.inspection.claims.claim import Finding

__all__ = ["command"]

_CONTRADICTED = 12
_MOST_BYTES = 4 << 20
_SOURCES = 4


@click.command(name="claims")
@click.argument("source", metavar="FILE|TEXT")
@options.as_json
@options.no_verdict_code
@click.pass_context
def command(ctx: click.Context, /, source: str, *, as_json: bool, no_verdict_code: bool) -> None:
    """Check statements about known models, without a model and without a network.

    FILE is prose (.txt, .md ...), or rows of model, quantity and value (.toml with `[[claim]]`, .json, .jsonl, .csv);
    anything else is read as the text itself. Leaves with 12 where a claim is contradicted.
    """
    from weighbridge.inspection.claims.facts import shipped_facts
    from weighbridge.inspection.claims.judge import judge_claims
    from weighbridge.inspection.claims.reading.reader import read_claims
    from weighbridge.inspection.claims.reading.structured import SUFFIXES, read_structured

    base = shipped_facts()
    text, place = _read(source)
    is_structured = place.endswith(SUFFIXES)
    claims = read_structured(text, place, base) if is_structured else read_claims(text, base)
    findings = judge_claims(claims, base)
    if as_json:
        print_json("claims", {"source": place or "text", "claims": [_row(finding) for finding in findings]})
    else:
        _print(findings)
    wrong = any(finding.outcome == "contradicted" for finding in findings)
    ctx.exit(_CONTRADICTED if wrong and not no_verdict_code else 0)


def _read(source: str) -> tuple[str, str]:
    """Return the text and the name of its file, which is empty where the text was typed."""
    from weighbridge.errors import NotFound, UsageError
    from weighbridge.formats.bounded_file import read_small

    looks_like_file = len(source) < 4096 and "\n" not in source and "\0" not in source  # noqa: PLR2004 - longest path
    if looks_like_file and os.path.isfile(source):  # noqa: PTH113 - `Path.is_file` raises for a long text
        try:
            return read_small(Path(source), _MOST_BYTES).decode("utf-8"), source
        except UnicodeDecodeError as error:
            raise UsageError(f"`{source}` is not UTF-8 at byte {error.start}") from error
    if not any(character.isspace() for character in source.strip()):
        raise NotFound(f"there is no file `{plain(source)}`", hint="a text has more than one word: put it in quotes")
    return source, ""


def _row(finding: Finding) -> dict[str, Any]:
    claim = finding.claim
    return {
        "model": claim.model,
        "quantity": str(claim.quantity),
        "value": claim.value,
        "about": claim.is_about,
        "bound": claim.bound or None,
        "denied": claim.is_denied,
        "against": claim.against or None,
        "outcome": finding.outcome.value,
        "because": finding.because,
        "facts": [
            {
                "value": fact.value,
                "counts": fact.counts,
                "source": fact.source,
                "scope": fact.scope,
                "firm": fact.is_firm,
            }
            for fact in finding.facts
        ],
        "line": claim.line,
        "words": claim.words,
    }


def _print(findings: list[Finding]) -> None:
    """Print one claim after the other, and the count of outcomes."""
    from weighbridge.inspection.claims.judge import spoken_value

    for finding in findings:
        claim = finding.claim
        said = f"{claim.bound} {spoken_value(claim.quantity, claim.value)}".strip()
        said = f"not {said}" if claim.is_denied else said
        place = f"  line {claim.line}" if claim.line else ""
        what = str(claim.quantity).replace("_", " ")
        click.echo(f"{finding.outcome.value:<13} {plain(claim.model)}: {plain(what)} {plain(said)}{place}")
        for line in wrapped(plain(finding.because)):
            click.echo(line)
        sources = list(dict.fromkeys(fact.source for fact in finding.facts))
        if sources:
            more = f"; and {len(sources) - _SOURCES} more" if len(sources) > _SOURCES else ""
            for line in wrapped(f"source: {'; '.join(sources[:_SOURCES])}{more}"):
                click.echo(line)
    counts = {name: sum(f.outcome == name for f in findings) for name in ("supported", "contradicted", "cannot tell")}
    if not findings:
        click.echo("no claim about a known model was understood in this text")
    else:
        click.echo("\n" + ", ".join(f"{count} {name}" for name, count in counts.items()))
