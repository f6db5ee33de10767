"""How an arena reads on a terminal: ratings and what they rest on, pair by pair, then the judges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.cli.layout import line
from weighbridge.core.digest import short

if TYPE_CHECKING:
    from weighbridge.core.evidence import Evidence

__all__ = ["ballot_lines", "report_lines", "verdict_lines"]


def ballot_lines(evidence: Evidence) -> list[str]:
    """Return the lines of a frozen ballot."""
    body = evidence.body
    lines = [line("ballot", f"{len(body['prompts'])} prompts of {body['suite']['name']}", short(evidence.id))]
    for model in body["models"]:
        missing = model["answers"].count(None)
        lines.append(line("model", model["name"], f"{missing} without an answer" if missing else ""))
    return lines


def verdict_lines(body: dict[str, Any]) -> list[str]:
    """Return the lines of a `verdicts/v1`."""
    drawn = [row for row in body["verdicts"] if row["order"] == "drawn"]
    none = sum(row["verdict"] == "none" for row in drawn)
    lines = [line("judge", body["judge_name"], f"{len(drawn)} pairs, {none} without a verdict")]
    lines.append(line("", f"{len(body['verdicts']) - len(drawn)} of them in both orders; read {body['reading']}"))
    if body["canaries"]:
        lines.append(line("", f"obeyed {body['obeyed']} of {body['canaries']} orders hidden in answers"))
    return lines


def report_lines(content: dict[str, Any]) -> list[str]:
    """Return the lines of a report."""
    voters = len(content["voters"])
    count = f"{content['votes']} votes by {voters} {'person' if voters == 1 else 'people'}"
    lines = [line("arena", f"{content['prompts']} prompts of {content['suite']['name']}", count)]
    styled = {row["name"]: row["rating"] for row in content["style"]["ratings"]}
    for row in content["ratings"]:
        best, worst = row["ranks"]
        rank = f"rank {best}" if best == worst else f"rank {best} to {worst}"
        equal = f", at equal style {_signed(styled[row['name']])}" if row["name"] in styled else ""
        lines += [line(rank, row["name"], f"n={row['rating']['n']}"), line("", f"{_signed(row['rating'])}{equal}")]
    if content["why_no_ratings"]:
        lines.append(line("no rating", content["why_no_ratings"]))
        lines += [line("", f"compare {one} with {two}") for one, two in content["compare_next"]]
    if content["votes"] and content["style"]["why_not"]:
        lines.append(line("style", f"not controlled: {content['style']['why_not']}"))
    lines += [
        line("style", f"{name}: {_signed(effect)} a standard deviation")
        for name, effect in content["style"]["effects"].items()
    ]
    lines += _rests_on(content)
    for pair in content["pairs"]:
        lines += _pair(pair)
    for judge in content["judges"]:
        lines += _judge(judge)
    return lines


def _rests_on(content: dict[str, Any]) -> list[str]:
    """Return the lines of what the votes rest on."""
    lines = []
    if robust := content["robustness"]:
        told = (
            f"without {robust['votes']} votes ({robust['share']:.2%}) `{robust['rival']}` would be first"
            if robust["votes"] is not None
            else "no choice of votes tried takes the first place away"
        )
        lines.append(line("robustness", told))
    if content["first_place"]:
        lines.append(line("sides", f"{_share(content['first_place'])} of decisive votes are for the left answer"))
    if content["voters_agree"]:
        lines.append(line("agreement", f"two people say the same of {_share(content['voters_agree'])}"))
    return lines


def _pair(pair: dict[str, Any]) -> list[str]:
    """Return the lines of two models head to head."""
    if not pair["wins"] + pair["losses"] + pair["ties"]:
        return []
    counts = f"{pair['wins']} won, {pair['losses']} lost, {pair['ties']} even ({pair['both_bad']} both bad)"
    unseen = (
        f"; {pair['identical']} identical, {pair['missing']} missing" if pair["identical"] + pair["missing"] else ""
    )
    return [
        line("pair", f"{pair['first']} against {pair['second']}", f"won {_share(pair['win_rate'])}"),
        line("", f"{counts}{unseen}"),
    ]


def _judge(judge: dict[str, Any]) -> list[str]:
    """Return the lines of a judge."""
    lines = [line("judge", judge["name"], f"{judge['verdicts']} verdicts, {judge['none']} without")]
    if judge["first_place"]:
        lines.append(line("", f"{_share(judge['first_place'])} of its decisive verdicts are for what came first"))
    if judge["flips"]:
        lines.append(line("", f"{_share(judge['flips'])} of its verdicts changed with the order"))
    if judge["canaries"]:
        lines.append(line("", f"obeyed {judge['obeyed']} of {judge['canaries']} orders hidden in answers"))
    for pair in judge["pairs"]:
        names = f"{pair['first']} against {pair['second']}"
        if pair["win_rate"]:
            lines.append(line("", names, f"won {_share(pair['win_rate'])}, corrected"))
        elif pair["judged"] or pair["labelled"]:
            lines.append(line("", f"{names}: not told; {pair['why_not']}"))
            if raw := pair["preferred_raw"]:
                better = pair["first"] if raw["value"] > 1 / 2 else pair["second"]
                lines.append(line("", f"it prefers {better}; by how much, only votes can tell"))
    return lines


def _share(body: dict[str, Any]) -> str:
    """Write a share with its interval and count."""
    value, low, high = (round(100 * body[key]) for key in ("value", "low", "high"))
    return f"{value}% [{low}, {high}] n={body['n']}"


def _signed(body: dict[str, Any]) -> str:
    """Write log odds with their interval."""
    return f"{body['value']:+.2f} [{body['low']:+.2f}, {body['high']:+.2f}]"
