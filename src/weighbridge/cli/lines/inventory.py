"""How an inventory reads on a terminal: a block a model, the answer, what was not searched, and the limits."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from weighbridge.cli.layout import line, wrapped
from weighbridge.dossier.inventory.order import shown_rows
from weighbridge.dossier.visible import single_line

if TYPE_CHECKING:
    from weighbridge.dossier.inventory.order import Least

__all__ = ["inventory_lines", "next_line"]

_COUNTS = (("makers", "by_maker"), ("countries", "by_country"), ("licences", "by_licence_class"),
           ("decisions", "by_decision"))  # fmt: skip
_MOST_COUNTS = 8
_MOST_MODELS, _MOST_PLACES, _MOST_UNSEARCHED = 60, 3, 8
_KNOWN = {
    "declared": "its files say so", "hub": "the hub says so", "table": "known by its name",
    "repackaged": "by the same name", "name": "by its name", "template": "by its chat template",
    "tokenizer": "by its tokenizer", "publisher": "by its publisher", "reference": "",
    "architecture": "by its architecture",
}  # fmt: skip


def inventory_lines(report: dict[str, Any], least: Least | None = None) -> list[str]:
    """Return the lines of a report (`Inventory.to_json`): counts, firm finds, weak traces, the answer."""
    lines = [*_summary_lines(report), ""]
    models = shown_rows(report, least)
    most = _MOST_MODELS if least is None else len(models)
    for model in models[:most]:
        lines += [*_model_lines(model), ""]
    if (more := len(models) - most) > 0:
        lines += [line("", f"and {more:,} models more: `--json` or `--csv FILE` has them all"), ""]
    for one in report["summary"]["lists"] if least is None else []:
        lines += [line("", f"{one['place']}: a list of {one['names']:,} names", "--least low prints them"), ""]
    if least in {"medium", "high"} and len(models) < len(report["models"]):
        lines += [line("", f"{len(report['models']) - len(models):,} less sure traces are not printed"), ""]
    return lines + _answer_lines(report)


def _summary_lines(report: dict[str, Any]) -> list[str]:
    """Return the counts."""
    summary, n_open = report["summary"], len(report["unresolved"])
    parts = [f"{summary['weak']:,} weak traces"] if summary["weak"] else []
    parts += [f"{summary['listed']:,} names in lists alone"] if summary["listed"] else []
    among = f" ({summary['firm']:,} firm, {', '.join(parts)})" if parts else ""
    lines = [line("models", f"{summary['models']:,} found{among}, the origin of {n_open:,} is not known to the root")]
    for label, key in _COUNTS:
        counts = list(summary[key].items())
        text = ", ".join(f"{word} {count:,}" for word, count in counts[:_MOST_COUNTS])
        if len(counts) > _MOST_COUNTS:
            text += f" and {len(counts) - _MOST_COUNTS:,} more"
        lines += [line(label, text)] if counts else []
    return lines


def _model_lines(model: dict[str, Any]) -> list[str]:
    """Return the lines of one model."""
    maker = model["maker"] or (", ".join(model["makers"]) + " (several)" if len(model["makers"]) > 1 else "not known")
    country = f" ({model['maker_country']})" if model["maker_country"] else ""
    others = [one for one in model["makers"] if one != model["maker"]] if model["maker"] else []
    by_way = f", trained on by {', '.join(others)}" if others else ""
    lines = [single_line(model["reference"]), line("maker", f"{maker}{country}{by_way}", _not_sure(model))]
    for step in model["base_chain"][1:8]:
        how = _KNOWN[step["known_by"]]
        what = single_line(step["reference"] or step["name"])
        lines.append(line("", f"from {what}", f"{step['relation']}, {how}" if how else step["relation"]))
    lines += [line("", f"open: {end}") for end in model["open_ends"][:2]]
    licence = model["licence"] or "not known"
    at_least = ", at least" if model["licence"] and not model["licence_is_complete"] else ""
    use = f"commercial use: {model['commercial_use']}" if model["commercial_use"] else ""
    lines.append(line("licence", licence + at_least, use))
    also = dict.fromkeys(one["licence"] for one in model["licences"] if one["licence"] != model["licence"])
    lines += [line("", f"along the chain too: {', '.join(list(also)[:6])}")] if also else []
    lines += [line("", f"conflict: {one['message']}") for one in model["licence_conflicts"][:3]]
    state = model["decision"]["state"]
    until = f"until {model['decision']['expires_on']}" if model["decision"]["expires_on"] else ""
    lines.append(line("decision", state, until))
    places = model["places"]
    lines += [line("found in" if at == 0 else "", one["place"], one["way"])
              for at, one in enumerate(places[:_MOST_PLACES])]  # fmt: skip
    if len(places) > _MOST_PLACES:
        lines.append(line("", f"and {len(places) - _MOST_PLACES:,} places more"))
    lines += [line("warning", text) for text in model["contradictions"][:3]]
    return lines + [line("note", text) for text in model["notes"][:3]]


def _not_sure(model: dict[str, Any]) -> str:
    """Say where the trace or the chain is weak."""
    parts = ["a weak trace"] if model["confidence"] == "low" else []
    return ", ".join([*parts, *([] if model["chain_is_closed"] else ["origin not proven to the root"])])


def _answer_lines(report: dict[str, Any]) -> list[str]:
    """Return the answer, what was not searched, and the limits."""
    absence = report["absence"]
    lines = [
        line("searched", f"{one['kind']} {one['place']}", _files(one["files"])) for one in absence["searched"][:20]
    ]
    for at, one in enumerate(report["unsearched"][:_MOST_UNSEARCHED]):
        lines.append(line("unsearched" if at == 0 else "", f"{one['place']}: {one['reason']}"))
    if (more := len(report["unsearched"]) - _MOST_UNSEARCHED) > 0:
        lines.append(line("", f"and {more:,} places more: `--json` lists them all"))
    lines += [line("trouble", f"{name}: {why}") for name, why in list(report["troubles"].items())[:3]]
    if not absence["denials"]:
        return lines
    lines += ["", *_wrapped("answer", absence["claim"])]
    lines += [line("", f"denied: {one['reference']}: {one['why']}") for one in report["denied"][:20]]
    lines += [line("", f"not excluded: {one['reference']}: {one['why']}") for one in report["not_excluded"][:20]]
    for text in absence["limits"]:
        lines += _wrapped("limits" if text == absence["limits"][0] else "", text)
    return [*lines, line("report", report["digest"], report["on"])]


def _files(count: int) -> str:
    return "" if not count else f"{count:,} file{'' if count == 1 else 's'}"


def _wrapped(label: str, text: str) -> list[str]:
    """Return a sentence over several lines, with a label before the first."""
    rows = wrapped(text)
    return [f"  {label:<12}{rows[0].strip()}", *(f"  {row}" for row in rows[1:])]


def next_line(report: dict[str, Any], places: tuple[str, ...], program: str) -> str:
    """Return the line that names the next command."""
    where = " ".join(shlex.quote(place) for place in places[:3])
    if report["unresolved"] and not report["online"]:
        return f"Next: `{program} inventory {where} --online` asks the hub for declared bases"
    if not report["absence"]["denials"]:
        return f"Next: `{program} inventory {where} --deny maker:deepseek-ai` says whether one is in there"
    on_hub = [model["reference"] for model in report["models"] if model["reference"].startswith(("hf:", "ms:"))]
    if on_hub and not report["denied"]:
        return f"Next: `{program} inspect {shlex.quote(single_line(on_hub[0]))}`"
    return f"Next: `{program} inventory {where} --report inventory.json` keeps the report"
