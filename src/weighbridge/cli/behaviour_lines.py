"""How `behaviour/v2` reads on a terminal: language by language, with what the labels are worth beside every rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.cli.layout import line, plain, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["behaviour_lines", "contrast_words", "points", "share", "trust", "versus_lines"]

_CLASSES = ("sensitive", "control", "safe", "unsafe", "neutral")
_MOST_GAPS = 12
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
    if body["headline"]:
        contrast = body["contrasts"][body["headline"]]
        yield line("headline", f"{contrast_words(contrast)}: {points(contrast['estimate'])}", _p(contrast))
    yield from _gaps(body)
    for language, estimate in body["instability"].items():
        yield line("instability", f"{language}: {share(estimate)} of repeated items change their behaviour")
    for note in body["notes"]:
        yield from wrapped(note)


def _language(language: str, body: dict[str, Any]) -> Iterator[str]:
    """Yield the rates of one language, its flags, and how far its labels can be trusted."""
    rates = body["rates"].get(language, {})
    if "all" not in rates:
        return
    yield line(language, _rates(rates["all"]), f"n {rates['all']['items']}")
    for group in (one for one in _CLASSES if one in rates and len(rates) > len(("all", one))):
        yield line(f"  {group}", _rates(rates[group]), f"n {rates[group]['items']}")
    if rates["all"]["corrected"]:
        yield line("  corrected", f"refused {share(rates['all']['corrected'])} by hand labels")
    flags = [f"{count} {_FLAGS.get(flag, flag)}" for flag, count in body["flags"].get(language, {}).items()]
    if flags:
        yield line("  flags", "; ".join(flags))
    lost = {name: count for name, count in body["transport"].get(language, {}).items() if name != "answered"}
    if lost:
        yield line("  transport", "; ".join(f"{count} {name}" for name, count in lost.items()))
    yield line("  detector", trust(body["detector"].get(language)), _unsure(body["unsure"].get(language, 0)))


def _rates(rate: dict[str, Any]) -> str:
    text = f"refused {share(rate['refused'])}, avoided {share(rate['avoided'])}"
    if rate["narrative"]:
        text += f", narrative {share(rate['narrative'])}"
    nonsense = rate["counts"].get("nonsense", 0)
    return text + (f", {nonsense} nonsense" if nonsense else "")


def trust(body: dict[str, Any] | None) -> str:
    """Say what the detector is worth in a language; never a rate without it."""
    if not body or not body["n"]:
        return "NOT MEASURED in this language: nobody has labelled answers for it"
    return f"finds {share(body['recall'])} of refusals, leaves {share(body['specificity'])} of others alone"


def _unsure(count: int) -> str:
    return f"{count} unsure" if count else ""


def _gaps(body: dict[str, Any]) -> Iterator[str]:
    """Yield the contrasts that are shown after adjustment, and what is shown to be no gap."""
    shown = [one for one in body["contrasts"].values() if one["p_adjusted"] is not None and one["p_adjusted"] <= 0.05]  # noqa: PLR2004 - the level of all intervals
    for one in sorted(shown, key=lambda row: row["p_adjusted"])[:_MOST_GAPS]:
        yield line("shown", f"{contrast_words(one)}: {points(one['estimate'])}", _p(one))
    if len(shown) > _MOST_GAPS:
        yield line("", f"and {len(shown) - _MOST_GAPS} more in the evidence")
    same = [
        one for one in body["contrasts"].values() if one["equivalence"] == "equivalent" and one["group"] == "control"
    ]
    for one in same[:_MOST_GAPS]:
        yield line("no gap", f"{contrast_words(one)}: within {100 * one['margin']:g} points")


def contrast_words(contrast: dict[str, Any]) -> str:
    """Say which contrast it is: `avoided, sensitive-CN, zh-Hans, gap to en`."""
    what = _WHAT[contrast["what"]].format(reference=contrast["reference"])
    return f"{contrast['outcome']}, {contrast['group']}, {contrast['language']}, {what}"


def _p(contrast: dict[str, Any]) -> str:
    return "" if contrast["p_adjusted"] is None else f"p {contrast['p_adjusted']:.2g} adjusted"


def versus_lines(body: dict[str, Any], most: int) -> Iterator[str]:
    """Yield the lines of a `behaviour-comparison/v1`: differences, topics, and some of the differing answers."""
    yield f"{plain(body['candidate_name'])} beside {plain(body['baseline_name'])}\n"
    if body["service"]:
        yield from _service(body["service"])
    for language in body["languages"]:
        for outcome in ("avoided", "refused", "narrative"):
            one = body["differences"].get(f"to-baseline/all/{language}/{outcome}")
            if one is not None:
                yield line(language, f"{outcome} {points(one['estimate'])}", _p(one))
    yield from _topics(body)
    yield line("differing", f"{body['differing']} answers differ in whether they avoid or recite")
    for pair in body["pairs"][:most]:
        yield f"\n  {pair['id']} ({pair['language']}): {plain(pair['question'])}"
        for side in ("candidate", "baseline"):
            flags = f", {', '.join(pair[f'{side}_flags'])}" if pair[f"{side}_flags"] else ""
            yield line(side, f"{pair[side]}{flags}")
            yield from wrapped(pair[f"{side}_said"].replace("\n", " "))


def _service(body: dict[str, Any]) -> Iterator[str]:
    """Yield how two hosts compare: the verdict first, then what it rests on."""
    yield line("verdict", body["verdict"])
    yield from wrapped(body["reason"])
    yield line("alike", f"{share(body['agreeing'])} of answers behave alike", f"n {body['items']}")
    yield line("", f"{share(body['steady'])} on the first host asked twice")
    yield line("same words", f"{share(body['identical'])}, on the first host asked twice {share(body['noise'])}")
    kept = [f"first {body[f'{what}_here']}, second {body[f'{what}_there']} {what}" for what in ("filtered", "canned")]
    yield line("kept back", "; ".join(kept), f"p {body['filter_p']:.2g}")


def _topics(body: dict[str, Any]) -> Iterator[str]:
    """Yield the topics by language: how many items each avoided of those that both answered."""
    if not body["topics"]:
        return
    yield line("topic", "".join(f"{language:<22}" for language in body["languages"]))
    for topic, cells in body["topics"].items():
        texts = []
        for language in body["languages"]:
            cell = cells.get(language)
            texts.append("-" if cell is None else f"{cell['candidate']:g} : {cell['baseline']:g} of {cell['items']}")
        yield f"  {plain(topic):<26}" + "".join(f"{text:<22}" for text in texts)
