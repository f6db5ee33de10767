"""`weighbridge engine ADDRESS|REF`: what an engine can do, and what it really serves."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.workflow.evaluation.examine import Examined

__all__ = ["command"]

_WORDS = {
    "chat": "chats",
    "completion": "raw completions",
    "echo": "log-probabilities of a prompt",
    "choices": "answers held to choices",
    "schema": "answers held to a JSON Schema",
    "tools": "tools",
    "seed": "seeds",
    "cache_reported": "reports its prefix cache",
}
_SAID = {True: "yes", False: "no", None: "unknown"}


@click.command(name="engine")
@click.argument("reference", metavar="ADDRESS|REF")
@click.option("--no-fingerprint", is_flag=True, help="Only find out what it can do; ask none of the 25 fixed prompts.")
@options.engine
@options.timeout_s
@options.workspace
@options.as_json
def command(reference: str, *, no_fingerprint: bool, as_json: bool, **given: Any) -> None:
    """Say what an engine can do and what it serves, by at most ten small requests and a fingerprint.

    The fingerprint is the next token's distribution on 25 fixed prompts, each asked twice. It is kept, and the next one
    is compared with it: same, consistent, differs, or cannot tell.
    """
    from weighbridge.cli.settings import load_settings
    from weighbridge.cli.show import in_workspace, print_json, program
    from weighbridge.dossier.visible import single_line
    from weighbridge.engine.limits import Limits
    from weighbridge.errors import UsageError
    from weighbridge.workflow.evaluation.examine import examine_engine
    from weighbridge.workflow.evaluation.measure import EngineChoice, choose_engine
    from weighbridge.workflow.inspection.look import look

    settings = load_settings(weighed=reference, workspace=given["workspace"], engine=given["engine"])
    today = date.today()  # noqa: DTZ011 - evidence is dated by the calendar on the wall
    with settings.workspace.store() as store, settings.workspace.digest_cache() as cache:
        artefact = look(reference, on=today, cache=cache, store=store).artefact
        choice = EngineChoice(settings.engine, settings.key, Limits(in_flight=4, timeout_s=given["timeout_s"]))
        engine = choose_engine(artefact, choice)
        if isinstance(engine, str):
            raise UsageError(f"`{single_line(artefact.name)}` cannot be asked: {engine}")
        found = examine_engine(artefact, engine, store, on=today, fingerprint=not no_fingerprint)
    if as_json:
        likeness = asdict(found.before) if found.before else None
        content = {"digest": artefact.digest, "id": found.evidence.id, "endpoint": found.evidence.body}
        print_json("engine", {**content, "before": likeness})
        return
    click.echo(f"{single_line(artefact.name)}\n")
    for line in _lines(found):
        click.echo("  " + line)
    where = in_workspace(settings.workspace.path)
    click.echo(f"\nNext: `{program()} evaluate {single_line(reference)} --limit 20{where}`")


def _lines(found: Examined) -> Iterator[str]:
    """Yield one line a fact."""
    from weighbridge.dossier.visible import single_line

    can = found.capabilities
    facts = can.to_json()
    yield f"{'server':<31}{single_line(' '.join(filter(None, (can.server, can.version)))) or 'unknown'}"
    yield f"{'models served':<31}{single_line(', '.join(can.models[:5])) or 'unknown'}{' ...' * bool(can.models[5:])}"
    context = f"{can.context_tokens:,} tokens" if can.context_tokens else "unknown"
    yield f"{'context':<31}{context}"
    yield f"{'chat template':<31}{can.template_digest or 'not shown'}"
    for name, words in _WORDS.items():
        yield f"{words:<31}{_SAID[facts[name]]}"
    for form in ("chat", "completion"):
        number = facts[f"{form}_logprobs"]
        said = "unknown" if number is None else f"{number} alternatives" if number else "none"
        yield f"{f'first token of a {form}':<31}{said}"
    if taken := found.fingerprint:
        kind = "distributions" if taken.rows else "texts"
        yield f"{'fingerprint':<31}{taken.answered} of 25 prompts, {kind}, {taken.digest}"
        if taken.noise is not None:
            unit = "nats" if taken.rows else "of the texts"
            yield f"{'asked twice':<31}at most {taken.noise:.3g} {unit} apart, {taken.mean_noise or 0:.3g} on average"
    if found.before:
        yield f"{f'against {found.before_on}':<31}{found.before.verdict}: {found.before.why}"
        if found.before.largest is not None:
            yield f"{'':<31}at most {found.before.largest:.3g}, on average {found.before.mean or 0:.3g} apart"
