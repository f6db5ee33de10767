"""How `behaviour/v2` reads on a terminal: language by language, with what the labels are worth beside every rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.cli.layout import line, plain, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["behaviour_lines", "contrast_words", "points", "share", "sides_of", "trust", "versus_lines"]

_CLASSES = ("sensitive", "control", "safe", "unsafe", "neutral")
_MOST_GAPS = 12
_LEVEL = 0.05  # of all intervals
_SILENT = "silent"
_BY_ITEM = frozenset({"language-gap", "to-baseline"})
_FLAGS = {
    "state_narrative": "a state's line in its own voice",
    "language_switch": "answered in another language",
    "script_switch": "answered in the other Chinese script",
    "scolding": "scolds the user",
    "canned": "canned sentence",
    "empty_reasoning": "empty reasoning",
    "retracted": "retracted while streaming",
    "truncated": "cut by the token budget",
}
_WHAT = {
    "language-gap": "gap to {reference}",
    "sensitive-control": "sensitive minus control",
    "difference-in-differences": "difference in differences to {reference}",
    "to-baseline": "candidate minus baseline",
}


def share(estimate: dict[str, Any] | None) -> str:
    """Write a share with its interval: `12.5% [8.1, 18.7]`, a dash where it is not known."""
    if estimate is None:
        return "-"
    value, low, high = (100 * estimate[key] for key in ("value", "low", "high"))
    return f"{value:.1f}% [{low:.1f}, {high:.1f}]"


def points(estimate: dict[str, Any] | None) -> str:
    """Write a difference of shares in points with its interval."""
    if estimate is None:
        return "not known: too few items"
    value, low, high = (100 * estimate[key] for key in ("value", "low", "high"))
    return f"{value:+.1f} points [{low:+.1f}, {high:+.1f}]"


def behaviour_lines(body: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a `behaviour/v2`."""
    for language in body["languages"]:
        yield from _language(language, body)
    yield from _headline(body)
    yield from _gaps(body)
    for language, estimate in body["instability"].items():
        changed = f"{language}: {share(estimate)} of repeated items change their behaviour"
        yield line("instability", changed, f"n {estimate['n']} items")
    for note in body["notes"]:
        yield from wrapped(note)


def _language(language: str, body: dict[str, Any]) -> Iterator[str]:
    """Yield how far the labels of one language can be trusted, its rates by class, and its flags.

    There is no line for all items together: harmful requests ought to be refused, and harmless ones ought not.
    """
    rates = body["rates"].get(language, {})
    if "all" not in rates:
        return
    yield line(language, f"detector {trust(body['detector'].get(language))}", _unsure(body["unsure"].get(language, 0)))
    for group in [one for one in _CLASSES if one in rates] or ["all"]:
        rate = rates[group]
        yield line(f"  {group}", _rates(rate), _counted(rate))
        yield from _corrected(rate)
    nonsense = rates["all"]["counts"].get("nonsense", 0)
    answered = rates["all"].get("answered")
    if answered and answered["value"] < 1:
        yield line("  answered", f"{share(answered)} of what was asked", f"n {answered['n']} items")
    if nonsense:
        yield line("  nonsense", f"{nonsense} answers, in no rate above")
    flags = [f"{count} {_FLAGS.get(flag, flag)}" for flag, count in body["flags"].get(language, {}).items()]
    if flags:
        yield line("  flags", "; ".join(flags))
    lost = {name: count for name, count in body["transport"].get(language, {}).items() if name != "answered"}
    if lost:
        yield line("  transport", "; ".join(f"{count} {name}" for name, count in lost.items()))


def _rates(rate: dict[str, Any]) -> str:
    """Write the rates of a group; counts alone where nobody knows how often the detector errs."""
    counts = rate["counts"]
    refused = counts.get("refusal", 0) + counts.get("partial", 0)
    valid = refused + counts.get("deflection", 0) + counts.get("compliance", 0)
    if rate["refused"] is None and valid:
        avoided = refused + counts.get("deflection", 0)
        return f"refused {refused}, avoided {avoided} of {valid} by rules that nobody has measured"
    text = f"refused {share(rate['refused'])}, avoided {share(rate['avoided'])}"
    return text + (f", narrative {share(rate['narrative'])}" if rate["narrative"] else "")


def _counted(rate: dict[str, Any]) -> str:
    """Say how many items a rate rests on, and of how many that were asked."""
    more = f" of {rate['asked']} asked" if rate.get("asked", 0) > rate["items"] else ""
    return f"n {rate['items']} items{more}"


def _corrected(rate: dict[str, Any]) -> Iterator[str]:
    """Yield the rates of a group as hand labels correct them, with the number of labels."""
    told = [
        f"{outcome} {share(rate.get(name))}"
        for outcome, name in (("refused", "corrected"), ("avoided", "corrected_avoided"))
        if rate.get(name)
    ]
    labels = rate.get("labels", 0)
    if told:
        yield line("  corrected", f"{', '.join(told)} by hand labels", f"{labels} labels")
    elif labels:
        from weighbridge.statistics.behaviour.ppi import FEWEST_LABELS

        yield line("  labels", f"{labels} of the {FEWEST_LABELS} that a correction takes")


def trust(body: dict[str, Any] | None) -> str:
    """Say what the detector is worth in a language; never a rate without it."""
    if not body or not body["n"]:
        return "NOT MEASURED in this language: nobody has labelled answers for it"
    found = f"finds {share(body['recall'])} of refusals, leaves {share(body['specificity'])} of others alone"
    return found + (
        f"; of refusals and deflections together {share(body['deflections'])}" if body.get("deflections") else ""
    )


def _unsure(count: int) -> str:
    return f"{count} unsure" if count else ""


def _headline(body: dict[str, Any]) -> Iterator[str]:
    """Yield the contrasts that were named beforehand, one for each language, or why there is none; notes say more."""
    found = [body["contrasts"][name] for name in _named(body)]
    for contrast in found:
        yield line("headline", f"{contrast_words(contrast)}: {_measured(contrast)}", _sure(contrast))
    if not found and any("sensitive" in groups for groups in body["rates"].values()):
        yield line("headline", "not known: too few matched items with valid answers to compare")


def _named(body: dict[str, Any]) -> list[str]:
    """Return the names of the headlines that are there; evidence of earlier versions holds one."""
    names = body.get("headlines") or [body["headline"]]
    return [name for name in names if name in body["contrasts"]]


def _gaps(body: dict[str, Any]) -> Iterator[str]:
    """Yield the contrasts that are shown after adjustment, and what is shown to be no gap."""
    named = _named(body)
    shown = [one for name, one in body["contrasts"].items() if _standing(one) == "shown" and name not in named]
    for one in sorted(shown, key=lambda row: row["p_adjusted"])[:_MOST_GAPS]:
        yield line("shown", f"{contrast_words(one)}: {_measured(one)}", _sure(one))
    yield from _more(len(shown))
    kept = [one for one in body["contrasts"].values() if one["outcome"] != _SILENT]  # its absence is no news
    same = [one for one in kept if one["equivalence"] == "equivalent"]
    for one in same[:_MOST_GAPS]:
        within = f"shown to lie within {100 * one['margin']:g} points"
        yield line("no gap", f"{contrast_words(one)}: {_measured(one)}", within)
    yield from _more(len(same))


def _more(count: int) -> Iterator[str]:
    if count > _MOST_GAPS:
        yield line("", f"and {count - _MOST_GAPS} more in the evidence")


def contrast_words(contrast: dict[str, Any]) -> str:
    """Say which contrast it is: `avoided, sensitive-CN, zh-Hans, gap to en`."""
    what = _WHAT[contrast["what"]].format(reference=contrast["reference"])
    outcome = "no valid answer" if contrast["outcome"] == _SILENT else contrast["outcome"]
    return f"{outcome}, {contrast['group']}, {contrast['language']}, {what}"


def _measured(contrast: dict[str, Any]) -> str:
    """Write the difference with its interval and the items or matched forms that it rests on."""
    estimate = contrast["estimate"]
    unit = "items" if contrast["what"] in _BY_ITEM else "forms"
    return points(estimate) if estimate is None else f"{points(estimate)}, n {estimate['n']} {unit}"


def _standing(contrast: dict[str, Any]) -> str:
    """Return how sure a contrast is, as the report does: `shown`, `a hint` (by its interval alone) or `not shown`."""
    estimate, p = contrast["estimate"], contrast["p_adjusted"]
    if estimate is None or estimate["low"] <= 0 <= estimate["high"]:
        return "not shown"
    return "shown" if p is not None and p <= _LEVEL else "a hint"


def _sure(contrast: dict[str, Any]) -> str:
    """Say how sure a contrast is, with its p; nothing where there is no estimate."""
    if contrast["estimate"] is None:
        return ""
    p = "" if contrast["p_adjusted"] is None else f", p {contrast['p_adjusted']:.2g} adjusted"
    return f"{_standing(contrast)}{p}"


def versus_lines(body: dict[str, Any], most: int) -> Iterator[str]:
    """Yield the lines of a `behaviour-comparison/v1`: differences, topics, and some of the differing answers."""
    here, there = sides_of(body)
    yield f"{here}: {plain(body['candidate_name'])}; {there}: {plain(body['baseline_name'])}\n"
    if body["service"]:
        yield from _service(body["service"])
    for language in body["languages"]:
        yield from _differences(language, body["differences"], f"{here} minus {there}")
    yield from _topics(body)
    yield line("differing", f"{body['differing']} answers differ in whether they avoid or recite")
    for pair in body["pairs"][:most]:
        yield f"\n  {pair['id']} ({pair['language']}): {plain(pair['question'])}"
        for side, name in (("candidate", here), ("baseline", there)):
            flags = f", {', '.join(pair[f'{side}_flags'])}" if pair[f"{side}_flags"] else ""
            yield line(name, f"{pair[side]}{flags}")
            yield from wrapped(pair[f"{side}_said"].replace("\n", " "))


def sides_of(body: dict[str, Any]) -> tuple[str, str]:
    """Return what the two sides are called throughout: two models may have one name."""
    return ("first host", "second host") if body["relation"] == "service" else ("candidate", "baseline")


def _differences(language: str, found: dict[str, Any], what: str) -> Iterator[str]:
    """Yield the differences of one language by class: items that ought to be refused are not pooled with others."""
    rows = {
        (group, outcome): one
        for group in (*_CLASSES, "all")
        for outcome in ("avoided", "refused", "narrative")
        if (one := found.get(f"to-baseline/{group}/{language}/{outcome}")) is not None
    }
    classes = {group for group, _ in rows} - {"all"}
    rows = {name: one for name, one in rows.items() if name[0] in (classes or {"all"})}
    if rows:
        yield line(language, what)
    for (group, outcome), one in rows.items():
        yield line(f"  {group}", f"{outcome} {_measured(one)}", _sure(one))


def _service(body: dict[str, Any]) -> Iterator[str]:
    """Yield how two hosts compare: the verdict first, then what it rests on."""
    yield line("verdict", body["verdict"])
    yield from wrapped(body["reason"])
    yield line("alike", f"{share(body['agreeing'])} of answers behave alike", f"n {body['items']} answers")
    yield line("", f"{share(body['steady'])} on the first host asked twice")
    yield line("same words", f"{share(body['identical'])}, on the first host asked twice {share(body['noise'])}")
    kept = [
        f"first host {body.get(f'{what}_here', 0)}, second host {body.get(f'{what}_there', 0)} {what}"
        for what in ("filtered", "silent", "canned")
    ]
    yield line("kept back", "; ".join(kept), "" if body["filter_p"] is None else f"p {body['filter_p']:.2g}")


def _topics(body: dict[str, Any]) -> Iterator[str]:
    """Yield the topics by language: how many items each avoided of those that both answered."""
    if not body["topics"]:
        return
    yield line("topics", "items avoided, {} : {}, of those both answered".format(*sides_of(body)))
    yield line("topic", "".join(f"{language:<22}" for language in body["languages"]))
    for topic, cells in body["topics"].items():
        texts = []
        for language in body["languages"]:
            cell = cells.get(language)
            texts.append("-" if cell is None else f"{cell['candidate']:g} : {cell['baseline']:g} of {cell['items']}")
        yield f"  {plain(topic):<26}" + "".join(f"{text:<22}" for text in texts)
