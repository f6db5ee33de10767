"""Measure: choose an engine for an artefact and ask it the suites."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge import plugin
from weighbridge.core.reference import Reference
from weighbridge.engine.late import LateEngine
from weighbridge.errors import ExtraMissing, NotFound, UsageError
from weighbridge.evaluation.compare.full import compare
from weighbridge.evaluation.evaluate import evaluate
from weighbridge.evaluation.suite import find_suite, shipped_recipes, shipped_suites
from weighbridge.workflow.evaluation.engines import context_needed, engine_at
from weighbridge.workflow.evaluation.loop import run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.evidence import Evidence
    from weighbridge.decision.policy import Policy
    from weighbridge.engine.limits import Limits
    from weighbridge.engine.protocol import Engine, Form
    from weighbridge.evaluation.run import Session
    from weighbridge.evaluation.suite import Suite
    from weighbridge.store.protocol import Store
    from weighbridge.workflow.inspection.look import Inspected

__all__ = [
    "STARTER_SUITES", "EngineChoice", "askable", "choose_engine", "compare_scores", "engine_for", "measure",
    "suites_for",
]  # fmt: skip

STARTER_SUITES = ("knowledge-en", "knowledge-zh", "refusals-en", "refusals-zh", "latency")
_ALWAYS = "latency"  # a few seconds, and nobody decides without it
_LATER_SHARD = re.compile(r"-(?!00001)\d{5}-of-\d{5}\.gguf$")
_PROJECTOR = re.compile(r"(^|[/_.-])mmproj[-_.]", re.IGNORECASE)


def suites_for(policy: Policy, given: Sequence[str] = ()) -> tuple[list[Suite], list[str]]:
    """Return the suites to ask, and why others are not: those given, and those that the policy's rules ask for.

    Nothing is asked that no rule needs and nobody named, but for the latency where nobody named a suite; a policy
    without suites gets the starter suites. A suite given by its folder stands for the one of its name.
    """
    suites = {suite.name: suite for suite in map(find_suite, given)}
    shipped, gaps = shipped_suites(), []
    for name in (*(policy.suites or STARTER_SUITES), *(() if given else (_ALWAYS,))):
        if name in suites:
            continue
        if name in shipped:
            suites[name] = find_suite(name)
        elif name in shipped_recipes():
            try:
                suites[name] = find_suite(name)
            except NotFound as error:
                gaps.append(f"{error.message}; {error.hint}")
        else:
            gaps.append(f"the suite `{name}`, which the policy asks for, does not ship: give its folder with `--suite`")
    return list(suites.values()), gaps


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """What the user says about engines: an address (`http://host/v1` or `...#model`), a key, and limits."""

    address: str | None = None
    key: str | None = None
    limits: Limits | None = None


def choose_engine(artefact: Artefact, choice: EngineChoice) -> Engine | str:
    """Return the engine that can answer for this artefact, or one sentence that says why there is none."""
    if artefact.root is None or choice.address is not None:
        address = choice.address if artefact.root is not None and choice.address else artefact.reference.text
        named = "#" in address or not address.startswith(("http://", "https://"))  # `anthropic:model` is a name
        reference = Reference.parse(address if named else f"{address}#{artefact.name}")
        if reference.kind != "endpoint" or reference.detail is None:
            raise UsageError(f"`{address}` is not an engine's address", hint="give one like `http://127.0.0.1:8000/v1`")
        return engine_at(reference.target, reference.detail, key=choice.key, limits=choice.limits)
    if artefact.shadow is not None:
        return f"only its headers were read: `{artefact.shadow.download}`, then give `{artefact.shadow.downloaded}`"
    models = [
        file.name
        for file in artefact.files
        if file.name.lower().endswith(".gguf")
        if not _LATER_SHARD.search(file.name) and not _PROJECTOR.search(file.name)
    ]
    if not models:
        return _from_safetensors(artefact)
    if len(models) > 1:
        return f"the folder holds {len(models)} GGUF models: weigh one of them, for example `{models[0]}`"
    try:
        embedded: Engine = plugin.load("engines", "llamacpp")(Path(artefact.root) / models[0])
    except ExtraMissing as error:
        return f"{error.message}; {error.hint}"
    return embedded


def _from_safetensors(artefact: Artefact) -> Engine | str:
    """Return the Transformers engine for a folder of safetensors, where it is installed; else say what to do."""
    server = "start vLLM or SGLang and give the address with `--engine`"
    names = {file.name for file in artefact.files}
    if "config.json" not in names or not any(name.endswith(".safetensors") for name in names):
        return f"its format needs a server: {server}"
    try:
        embedded: Engine = plugin.load("engines", "transformers")(Path(str(artefact.root)))
    except ExtraMissing as error:
        return f"its format needs a server: {server}; or {error.hint}"
    return embedded


def askable(suites: Sequence[Suite], inspected: Inspected, choice: EngineChoice) -> tuple[list[Suite], list[str]]:
    """Return the suites that can be asked, and why others are not.

    Without a stored chat template the embedded engine takes a foreign one, which would be measured, too; a server that
    the user names may have been given the right one.
    """
    template = next((one.body["chat_template"] for one in inspected.evidence if one.kind == "anatomy/v2"), None)
    if template is not False or choice.address is not None:
        return list(suites), []
    able = [
        replace(suite, forms={"completion": suite.forms["completion"]})
        for suite in suites
        if "completion" in suite.forms
    ]
    return able, [
        f"`{suite.name}` is not asked: the file holds no chat template, and a foreign one would be measured, too"
        for suite in suites
        if "completion" not in suite.forms
    ]


def engine_for(suites: Sequence[Suite], inspected: Inspected, choice: EngineChoice, *, extra: int = 0) -> Engine:
    """Return the engine that can ask these suites, with room for their longest request and `extra` tokens more.

    Raises UsageError where there is none, or it could ask none of them.
    """
    able, reasons = askable(suites, inspected, choice)
    engine = choose_engine(inspected.artefact, choice)
    if isinstance(engine, str) or not able:
        why = engine if isinstance(engine, str) else reasons[0]
        raise UsageError(f"`{inspected.artefact.name}` cannot be asked: {why}")
    if (reserve := getattr(engine, "reserve", None)) is not None:
        reserve(context_needed(suites) + extra)
    return engine


def measure(
    artefact: Artefact,
    engine: Engine,
    suites: Sequence[Suite],
    session: Session,
    *,
    forms: Mapping[str, Form] | None = None,
    tell: Callable[[Evidence], None] = lambda _evidence: None,
) -> list[Evidence]:
    """Ask every suite of one engine, which is started once and only if something is not in the store.

    `forms` fixes prompt forms by suite; `tell` hears of each result as it comes. After a first Ctrl-C the suite under
    way ends with what it has, and the others are not begun (`session.stop.asked`).
    """
    results: list[Evidence] = []
    if (reserve := getattr(engine, "reserve", None)) is not None:
        reserve(context_needed(suites))

    async def ask_all() -> None:
        async with LateEngine(engine) as late:
            for suite in suites:
                if session.stop.asked:
                    break
                form = forms.get(suite.name) if forms else None
                with session.stop.on_interrupt(), session.stop.scope():
                    evidence = await evaluate(suite, artefact.digest, late, session, form=form)
                    tell(evidence)
                    results.append(evidence)

    run(ask_all())
    return results


def compare_scores(
    candidate: Sequence[Evidence], baseline: Sequence[Evidence], baseline_name: str, *, store: Store
) -> tuple[list[Evidence], list[str]]:
    """Compare the scores of two models suite by suite; return the comparisons, and why others are missing."""
    theirs = {evidence.body["suite"]["name"]: evidence for evidence in baseline if evidence.kind == "score/v1"}
    compared, missing = [], []
    for ours in candidate:
        if ours.kind != "score/v1":
            continue
        name = ours.body["suite"]["name"]
        result = compare(ours, theirs[name], baseline_name) if name in theirs else "the baseline was not asked"
        if isinstance(result, str):
            missing.append(f"`{name}` is not compared: {result}")
        else:
            store.add(result)
            compared.append(result)
    return compared, missing
