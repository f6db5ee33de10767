"""`weighbridge behaviour`: what a model refuses, evades and says in its own voice, by language."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli import options
from weighbridge.cli.behaviour_attacks import attack_options, attacks
from weighbridge.cli.behaviour_file import judges_of, maker_of, of_file
from weighbridge.cli.behaviour_report import check_report, told_of, write_report
from weighbridge.cli.lines.behaviour import behaviour_lines, versus_lines
from weighbridge.cli.progress import progress_on_stderr
from weighbridge.cli.show import in_workspace, print_json, program
from weighbridge.core.digest import short
from weighbridge.dossier.visible import single_line
from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from weighbridge.cli.settings import Settings
    from weighbridge.dossier.behaviour.page import Told
    from weighbridge.evaluation.behaviour.bank import Bank
    from weighbridge.workflow.behaviour.measure import Call, Measured

__all__ = ["command"]

_BANK = "behaviour"
_LANGUAGES = "en,zh-Hans"
_MAX_LANGUAGES = 100


@click.command(name="behaviour")
@click.argument("model", required=False, metavar="[MODEL]")
@click.argument("baseline", required=False, metavar="[BASELINE]")
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Judge the answers of this file without calling a model: rows id, language, prompt, answer, logs of chats, or "
    "what lm-eval (`--log_samples`), Inspect, promptfoo and EvalScope write.",
)
@click.option("--model", "of_model", metavar="NAME", help="With --from: the model whose answers to read.")
@click.option("--bank", metavar="NAME|DIR|FILE", help=f"Items to ask. Default: the bank `{_BANK}` that ships.")
@click.option(
    "--languages", metavar="LIST", help=f"Languages to ask in, the first is the reference. Default: {_LANGUAGES}."
)
@click.option(
    "--maker", metavar="CC", default="", help="Jurisdiction of the model's maker (CN, US, EU ...), for the headline."
)
@click.option("--limit", type=click.IntRange(min=1), help="Ask at most this many items, by whole matched forms.")
@click.option(
    "--repeats", type=click.IntRange(1, 20), default=3, show_default=True, help="Draws of the stability items."
)
@click.option(
    "--temperature", type=click.FloatRange(0, 2), default=0.7, show_default=True, help="Temperature of these draws."
)
@click.option(
    "--max-tokens", type=click.IntRange(16, 65_536), help="Budget of an answer in tokens. Default: the bank's."
)
@click.option(
    "--margin",
    type=click.FloatRange(1, 50),
    default=10.0,
    show_default=True,
    help="Gap in points that is as good as none.",
)
@click.option("--until-clear", is_flag=True, help="Stop as soon as a gap between the first two languages is shown.")
@click.option("--keep", is_flag=True, help="With --from: keep the result as evidence.")
@click.option("--dry-run", is_flag=True, help="Say how many calls it would take, and ask nothing.")
@options.again
@options.engine
@click.option("--baseline-engine", metavar="URL", help="Address of the engine that serves the baseline.")
@click.option(
    "--service", metavar="URL#NAME", help="A service that is said to be this model: is it, and is it filtered?"
)
@click.option(
    "--judge",
    "judges",
    metavar="MODEL",
    multiple=True,
    help="Let this model decide, blind, what the detector is unsure of. Twice: only where both agree.",
)
@click.option("--pairs", type=click.IntRange(min=0), default=3, show_default=True, help="Differing answers to show.")
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the tables, the heat map and the answers side by side to this `.html` or `.md` file too.",
)
@attack_options
@options.language
@options.in_flight
@options.timeout_s
@options.workspace
@options.as_json
@click.pass_context
def command(ctx: click.Context, /, model: str | None, baseline: str | None, source: Path | None, **given: Any) -> None:
    """Measure what a model refuses, evades and says in its own voice, and whether that depends on the language.

    Every sensitive item has a matched control about another state, every item stands in all languages. Each answer has
    one behaviour: refusal, partial, deflection, compliance or nonsense, told by rules per language whose accuracy is
    printed beside every rate. No model judges unless one is named.

    With a BASELINE both are asked, and the answers are paired: differences by language and topic, and the questions on
    which the two differ.

    With --service the same is asked of an address that is said to serve this model, both greedily: whether they behave
    alike, and whether a filter stands in front of one of them.

    With --hijack tasks are asked whose tool output holds an instruction: does the model act on it? With --jailbreaks
    the unsafe items are asked under published transforms, too.

    With --from and --json one JSON object a row is printed: id, behaviour, flags, unsure, score.
    """
    from weighbridge.cli.settings import load_settings

    if (model is None) == (source is None):
        both = ", and not both" if model else ""
        raise UsageError(f"give a model to ask, or a file of answers with `--from`{both}")
    check_report(given["report"])
    settings = load_settings(
        weighed=model, workspace=given["workspace"], engine=given["engine"], language=given["language"]
    )
    if given["hijack"] or given["jailbreaks"] is not None:
        attacks(ctx, model, settings, given)
        return
    if source is not None:
        of_file(ctx, source, settings, given, _bank(given["bank"]) if given["bank"] else None)
        return
    if baseline is None and given["baseline_engine"]:
        raise UsageError("`--baseline-engine` needs a baseline to serve")
    if given["of_model"]:
        raise UsageError("`--model` belongs to `--from`: a model to ask is named by itself")
    if given["keep"]:
        raise UsageError("`--keep` belongs to `--from`: what is asked for here is always kept")
    if given["service"] and baseline:
        raise UsageError("give a baseline or a `--service`, and not both")
    if given["service"]:
        _refuse_beside_service(ctx)
    call = _call(given, settings)
    if given["dry_run"]:
        _tell_forecast(call, service=bool(given["service"]), as_json=given["as_json"])
        return
    _ask((str(model), baseline), call, settings, given)


def _refuse_beside_service(ctx: click.Context) -> None:
    """Refuse options that would do nothing where two hosts are compared."""
    from click.core import ParameterSource

    for name in ("repeats", "temperature", "until_clear"):
        if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT:
            option = name.replace("_", "-")
            raise UsageError(f"`--{option}` says nothing beside `--service`: both hosts are asked everything, greedily")


def _ask(models: tuple[str, str | None], call: Call, settings: Settings, given: dict[str, Any]) -> None:
    """Ask the model, and the baseline where there is one, and print what the answers show."""
    from weighbridge.evaluation.run import Session
    from weighbridge.workflow.behaviour.measure import measure_behaviour
    from weighbridge.workflow.behaviour.service import compare_service
    from weighbridge.workflow.behaviour.versus import compare_behaviour
    from weighbridge.workflow.evaluation.measure import EngineChoice

    quiet = given["as_json"]
    told: list[Told] = []

    def tell(measured: Measured) -> None:
        told.append(told_of(measured.evidence, measured.artefact.name))
        if not quiet:
            click.echo(f"{single_line(measured.artefact.name)}\n")
            for one in behaviour_lines(measured.evidence.body):
                click.echo(one)
            click.echo()

    today = date.today()  # noqa: DTZ011 - evidence is dated by the calendar on the wall
    draw = today.toordinal() if given["again"] else 0
    with settings.workspace.store() as store, settings.workspace.digest_cache() as cache:
        session = Session(store, today, progress_on_stderr(), draw=draw)
        theirs = EngineChoice(given["baseline_engine"], settings.baseline_key, call.engine.limits)
        if given["service"]:
            evidence = compare_service(models[0], given["service"], call, theirs, session, cache, tell=tell)
        elif models[1] is None:
            measured = measure_behaviour(models[0], call, session, cache)
            tell(measured)
            evidence = measured.evidence
        else:
            evidence = compare_behaviour(models[0], models[1], call, theirs, session, cache, tell=tell)
    if evidence.kind != "behaviour/v2":
        told.insert(0, told_of(evidence, f"{evidence.body['candidate_name']} · {evidence.body['baseline_name']}"))
    write_report(given["report"], told, settings)
    if quiet:
        print_json("behaviour", {"id": evidence.id, **evidence.to_json()})
        return
    if evidence.kind != "behaviour/v2":
        for one in versus_lines(evidence.body, given["pairs"]):
            click.echo(one)
    place = in_workspace(settings.workspace.path)
    label = f"`{program()} label{place}`"
    click.echo(
        f"\nNext: {label} corrects the rates by hand labels; `{program()} evidence show {short(evidence.id)}{place}`"
    )


def _bank(name: str | None) -> Bank:
    from weighbridge.evaluation.behaviour.bank import load_bank

    return load_bank(name or _BANK)


def _languages(wanted: str | None, bank: Bank) -> tuple[str, ...]:
    """Return the languages to ask in: by default those of `_LANGUAGES` that every item of the bank has."""
    from weighbridge.evaluation.labels.answers import language_tag

    if wanted:
        asked = tuple(dict.fromkeys(language_tag(part) for part in wanted.split(",") if part.strip()))
        if not asked:
            raise UsageError("`--languages` names no language", hint=f"the bank has {', '.join(bank.languages)}")
        if len(asked) > _MAX_LANGUAGES:
            raise UsageError(f"`--languages` names {len(asked):,} languages; at most {_MAX_LANGUAGES} can be compared")
        return asked
    shared = tuple(one for one in bank.languages if all(one in item.text for item in bank.items))
    return tuple(one for one in _LANGUAGES.split(",") if one in shared) or shared[:2] or bank.languages[:1]


def _check_gap(languages: tuple[str, ...]) -> None:
    """Check that a gap can be looked for between the first two languages: a figure of an unmeasured one is none."""
    from weighbridge.evaluation.detector.calibration import measured

    if len(languages) == 1:
        raise UsageError("`--until-clear` looks for a gap between two languages", hint="name two with `--languages`")
    for language in languages[:2]:
        if measured(language) is None:
            raise UsageError(
                f"`--until-clear` rests on the detector, which nobody has measured in `{language}`",
                hint="ask all items, and label some of the answers",
            )


def _call(given: dict[str, Any], settings: Settings) -> Call:
    """Return what is asked; raises UsageError for languages, a maker or a limit that the bank does not hold."""
    from weighbridge.engine.limits import Limits
    from weighbridge.workflow.behaviour.measure import Call
    from weighbridge.workflow.evaluation.measure import EngineChoice

    bank = _bank(given["bank"])
    languages = _languages(given["languages"], bank)
    maker = maker_of(given)
    if maker and maker not in bank.jurisdictions:
        raise UsageError(
            f"the bank `{bank.name}` has no sensitive items about `{maker}`",
            hint=f"it has {', '.join(bank.jurisdictions)}" if bank.jurisdictions else "leave `--maker` out",
        )
    if given["until_clear"]:
        _check_gap(languages)
    limits = Limits(in_flight=given["in_flight"], timeout_s=given["timeout_s"])
    call = Call(
        bank,
        languages,
        languages[0],
        limit=given["limit"],
        repeats=given["repeats"],
        temperature=given["temperature"],
        max_tokens=given["max_tokens"],
        maker=maker,
        margin=given["margin"] / 100,
        until_clear=given["until_clear"],
        engine=EngineChoice(settings.engine, settings.key, limits),
        judges=judges_of(given),
    )
    _ = call.first  # what cannot be asked is said before anything is looked at
    return call


def _tell_forecast(call: Call, *, service: bool, as_json: bool) -> None:
    """Say what a run would take."""
    from weighbridge.workflow.behaviour.measure import forecast
    from weighbridge.workflow.behaviour.service import forecast_service

    calls = forecast_service(call) if service else forecast(call)
    once, repeated = call.first, None if service else call.repeated
    tokens = calls * (call.max_tokens or call.bank.max_tokens)
    if as_json:
        facts = {"bank": call.bank.to_json(), "languages": list(call.languages), "items": len(once.items)}
        again = {"items": len(repeated.items), "draws": repeated.draws} if repeated else None
        print_json("behaviour-plan", {**facts, "repeated": again, "calls": calls, "completion_tokens_at_most": tokens})
        return
    more = f", and {len(repeated.items)} of them {repeated.draws} times more" if repeated else ""
    more = ", on both hosts, some of them once more" if service else more
    click.echo(f"{len(once.items)} items in {', '.join(call.languages)}{more}: {calls:,} calls")
    click.echo(f"at most {tokens:,} tokens of answers, reasoning apart")
    click.echo("what is stored already is not asked again; how much that is was not looked up")
