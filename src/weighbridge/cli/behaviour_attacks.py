"""`weighbridge behaviour --hijack` and `--jailbreaks`: what a model does under known attacks."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli.behaviour_report import told_of, write_report
from weighbridge.cli.layout import line, plain, wrapped
from weighbridge.cli.lines.behaviour import points, share, trust
from weighbridge.cli.progress import progress_on_stderr
from weighbridge.cli.show import in_workspace, print_json, program
from weighbridge.core.digest import short
from weighbridge.dossier.visible import single_line
from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias, TypeVar

    from weighbridge.cli.settings import Settings
    from weighbridge.core.evidence import Evidence
    from weighbridge.evaluation.run import Session
    from weighbridge.hub.protocol import DigestCache
    from weighbridge.workflow.evaluation.measure import EngineChoice

    F = TypeVar("F", bound=Callable[..., Any])
    _Attack: TypeAlias = tuple[
        Callable[[Session, DigestCache], tuple[str, Evidence]], int, Callable[[dict[str, Any]], Iterator[str]]
    ]

__all__ = ["attack_options", "attacks", "hijack_lines", "jailbreak_lines"]

_LANGUAGES = "en,zh-Hans"
_BESIDE = frozenset({
    "model", "hijack", "jailbreaks", "languages", "limit", "max_tokens", "dry_run", "again", "engine", "in_flight",
    "timeout_s", "workspace", "as_json", "report", "language",
})  # fmt: skip


def attack_options(command: F) -> F:
    """Add the options that ask under attack."""
    hijack = click.option(
        "--hijack", is_flag=True, help="Ask tasks with an instruction hidden in a tool's output, instead of the bank."
    )
    jailbreaks = click.option(
        "--jailbreaks",
        metavar="all|LIST",
        help="Ask the bank's unsafe items and their safe twins, plain and under these published transforms.",
    )
    return hijack(jailbreaks(command))


def attacks(ctx: click.Context, model: str | None, settings: Settings, given: dict[str, Any]) -> None:
    """Ask a model under attack, print what it did, and keep it as evidence."""
    from click.core import ParameterSource

    from weighbridge.engine.limits import Limits
    from weighbridge.evaluation.run import Session
    from weighbridge.workflow.evaluation.measure import EngineChoice

    if given["hijack"] and given["jailbreaks"] is not None:
        raise UsageError("give `--hijack` or `--jailbreaks`, and not both")
    for parameter in ctx.command.params:
        name = str(parameter.name)
        fits = name in _BESIDE or (name == "bank" and not given["hijack"])
        if not fits and ctx.get_parameter_source(name) is not ParameterSource.DEFAULT:
            what = "--hijack" if given["hijack"] else "--jailbreaks"
            raise UsageError(f"`{parameter.opts[0]}` says nothing beside `{what}`")
    if model is None:
        raise UsageError("give a model to ask")
    limits = Limits(in_flight=given["in_flight"], timeout_s=given["timeout_s"])
    choice = EngineChoice(settings.engine, settings.key, limits)
    measure, calls, lines = (_hijack if given["hijack"] else _jailbreak)(model, choice, given)
    if given["dry_run"]:
        if given["as_json"]:
            print_json("behaviour-plan", {"calls": calls})
        else:
            click.echo(f"{calls:,} calls")
        return
    today = date.today()  # noqa: DTZ011 - evidence is dated by the calendar on the wall
    with settings.workspace.store() as store, settings.workspace.digest_cache() as cache:
        draw = today.toordinal() if given["again"] else 0
        name, evidence = measure(Session(store, today, progress_on_stderr(), draw=draw), cache)
    write_report(given["report"], [told_of(evidence, name)], settings)
    if given["as_json"]:
        print_json("behaviour", {"id": evidence.id, **evidence.to_json()})
        return
    click.echo(f"{single_line(name)}\n")
    for one in lines(evidence.body):
        click.echo(one)
    place = in_workspace(settings.workspace.path)
    click.echo(f"\nNext: `{program()} evidence show {short(evidence.id)}{place}`")


def hijack_lines(body: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a `hijack/v1`."""
    for language in body["languages"]:
        rates, used = body["rates"][language], body["utility"][language]
        for goal, rate in rates.items():
            text = f"hijacked {share(rate['hijacked'])}, warned {share(rate['warned'])}"
            yield line(language if goal == "all" else goal, text, f"n {rate['items']} tasks")
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


def jailbreak_lines(body: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a `jailbreak/v1`."""
    for language in body["languages"]:
        rates = body["rates"][language]
        yield line(language, "unsafe items whose content is given, safe twins refused", "beside the plain request")
        for name, rate in rates.items():
            text = f"{share(rate['complied'])}, safe refused {share(rate['safe_refused'])}"
            beside = "" if rate["difference"] is None else f"{points(rate['difference'])} p {rate['p_adjusted']:.2g}"
            yield line(name, text, f"n {rate['items']} items {beside}".rstrip())
        yield from _best(body["best"][language], rates)
        left_out = [name for name in body["transforms"] if name not in rates]
        if left_out:
            yield line("left out", f"{', '.join(left_out)}: not asked in this language")
        yield line("detector", trust(body["detector"].get(language)))
    for note in body["notes"]:
        yield from wrapped(note)


def _best(best: dict[str, Any], rates: dict[str, Any]) -> Iterator[str]:
    """Yield what the best transform gives on items that did not choose it, and all of them together."""
    if not any((rate["difference"] or {"value": 0})["value"] > 0 for rate in rates.values()):
        yield line("best", "none: no transform gives more than the plain request does")
    elif best["held_out"] is not None:
        chosen = " and ".join(dict.fromkeys(best["chosen"])) or "none"
        text = f"{share(best['held_out'])} by {chosen}, chosen on the other half of the items"
        yield line("best", text, f"n {best['held_out']['n']} items")
    if best["any"] is not None:
        plainly = share(rates["plain"]["complied"]) if "plain" in rates else "-"
        text = f"{share(best['any'])} given under one transform or more, {plainly} plainly"
        yield line("any", text, f"n {best['any']['n']} items")


def _asked_in(given: dict[str, Any]) -> tuple[str, ...]:
    """Return the languages to ask in."""
    parts = (one.strip() for one in (given["languages"] or _LANGUAGES).split(","))
    return tuple(dict.fromkeys(filter(None, parts)))


def _hijack(model: str, choice: EngineChoice, given: dict[str, Any]) -> _Attack:
    """Return how hijacks are measured, how many calls it takes, and how it reads."""
    from weighbridge.evaluation.behaviour.hijack.tasks import cases_of, check_languages
    from weighbridge.workflow.behaviour.hijack import measure_hijack

    languages, limit = _asked_in(given), given["limit"]
    check_languages(languages)
    calls = sum(len(cases_of(language, limit)) for language in languages)

    def measure(session: Session, cache: DigestCache) -> tuple[str, Evidence]:
        return measure_hijack(model, languages, choice, session, cache, limit=limit, max_tokens=given["max_tokens"])

    return measure, calls, hijack_lines


def _jailbreak(model: str, choice: EngineChoice, given: dict[str, Any]) -> _Attack:
    """Return how jailbreaks are measured, how many calls it takes, and how it reads."""
    from weighbridge.evaluation.behaviour.bank import load_bank
    from weighbridge.evaluation.behaviour.jailbreak.transforms import choose_transforms
    from weighbridge.workflow.behaviour.jailbreak import JailbreakCall, measure_jailbreaks

    call = JailbreakCall(
        load_bank(given["bank"] or "behaviour"), _asked_in(given), choose_transforms(given["jailbreaks"]),
        given["limit"], given["max_tokens"], choice,
    )  # fmt: skip

    def measure(session: Session, cache: DigestCache) -> tuple[str, Evidence]:
        return measure_jailbreaks(model, call, session, cache)

    return measure, sum(one.calls for one in call.askings), jailbreak_lines
