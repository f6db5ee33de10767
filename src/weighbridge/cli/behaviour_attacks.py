"""`weighbridge behaviour --hijack`: what a model does under known attacks."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli.behaviour_lines import points, share
from weighbridge.cli.layout import line, plain, wrapped
from weighbridge.cli.progress import progress_on_stderr
from weighbridge.cli.show import in_workspace, print_json, program
from weighbridge.core.digest import short
from weighbridge.dossier.visible import single_line
from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    from weighbridge.cli.settings import Settings
    from weighbridge.core.evidence import Evidence
    from weighbridge.evaluation.run import Session
    from weighbridge.hub.protocol import DigestCache
    from weighbridge.workflow.measure import EngineChoice

    F = TypeVar("F", bound=Callable[..., Any])

__all__ = ["attack_options", "attacks", "hijack_lines"]

_TASK_LANGUAGES = "en,zh-Hans"
_BESIDE = frozenset({
    "model", "hijack", "languages", "limit", "max_tokens", "dry_run", "again", "engine", "in_flight", "timeout_s",
    "workspace", "as_json",
})  # fmt: skip


def attack_options(command: F) -> F:
    """Add the options that ask under attack."""
    return click.option(
        "--hijack", is_flag=True, help="Ask tasks with an instruction hidden in a tool's output, instead of the bank."
    )(command)


def attacks(ctx: click.Context, model: str | None, settings: Settings, given: dict[str, Any]) -> None:
    """Ask a model under attack, print what it did, and keep it as evidence."""
    from click.core import ParameterSource

    from weighbridge.engine.limits import Limits
    from weighbridge.evaluation.run import Session
    from weighbridge.workflow.measure import EngineChoice

    for parameter in ctx.command.params:
        name = str(parameter.name)
        if name not in _BESIDE and ctx.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise UsageError(f"`{parameter.opts[0]}` says nothing beside `--hijack`")
    if model is None:
        raise UsageError("give a model to ask")
    limits = Limits(in_flight=given["in_flight"], timeout_s=given["timeout_s"])
    choice = EngineChoice(settings.engine, settings.key, limits)
    today = date.today()  # noqa: DTZ011 - evidence is dated by the calendar on the wall
    languages = list(
        dict.fromkeys(one.strip() for one in (given["languages"] or _TASK_LANGUAGES).split(",") if one.strip())
    )
    if given["dry_run"]:
        _tell_forecast(languages, given)
        return
    with settings.workspace.store() as store, settings.workspace.digest_cache() as cache:
        session = Session(store, today, progress_on_stderr(), draw=today.toordinal() if given["again"] else 0)
        name, evidence = _hijacked(model, languages, choice, session, cache, given)
    if given["as_json"]:
        print_json("behaviour", {"id": evidence.id, **evidence.to_json()})
        return
    click.echo(f"{single_line(name)}\n")
    for one in hijack_lines(evidence.body):
        click.echo(one)
    place = in_workspace(settings.workspace.path)
    click.echo(f"\nNext: `{program()} evidence show {short(evidence.id)}{place}`")


def hijack_lines(body: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a `hijack/v1`."""
    for language in body["languages"]:
        rates, used = body["rates"][language], body["utility"][language]
        for goal, rate in rates.items():
            text = f"hijacked {share(rate['hijacked'])}, warned {share(rate['warned'])}"
            yield line(language if goal == "all" else goal, text, f"n {rate['items']}")
        yield line("can call", share(body["able"].get(language)), "of plain requests for a tool")
        yield line("useful", f"{share(used['clean'])} clean, {share(used['attacked'])} attacked",
                   points(used["difference"]))  # fmt: skip
        lost = {name: count for name, count in body["transport"][language].items() if name != "answered"}
        if lost:
            yield line("transport", "; ".join(f"{count} {name}" for name, count in lost.items()))
    yield line("tools", "offered by the API" if body["protocol"] == "tools" else "described in words")
    for one in (item for item in body["items"] if item["result"] in {"called", "written", "claimed"}):
        if one["arm"] == "attacked":
            yield line("", f"{plain(one['id'])} ({one['language']}) {one['result']}: {one['span']}")
    for note in body["notes"]:
        yield from wrapped(note)


def _hijacked(
    model: str, languages: list[str], choice: EngineChoice, session: Session, cache: DigestCache, given: dict[str, Any]
) -> tuple[str, Evidence]:
    from weighbridge.workflow.hijack import measure_hijack

    return measure_hijack(
        model, languages, choice, session, cache, limit=given["limit"], max_tokens=given["max_tokens"]
    )


def _tell_forecast(languages: list[str], given: dict[str, Any]) -> None:
    """Say what a run would take."""
    from weighbridge.evaluation.behaviour.hijack.tasks import cases_of, check_languages

    check_languages(languages)
    calls = sum(len(cases_of(language, given["limit"])) for language in languages)
    if given["as_json"]:
        print_json("behaviour-plan", {"languages": languages, "calls": calls})
    else:
        click.echo(f"tasks in {', '.join(languages)}: {calls:,} calls")
