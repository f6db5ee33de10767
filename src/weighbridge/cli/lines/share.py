"""How shares read on a terminal: both attributions side by side, with range, coverage, warnings and definition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.cli.layout import line, plain, quantity, wrapped
from weighbridge.dossier.share_chart import strong_codes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["relative_lines", "share_lines"]

_MOST = 15
_BAR = 24
_REGIONS = ("CN", "US", "EU", "other", "unlisted")


def share_lines(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of one report (`ShareReport.to_json`)."""
    definition, snapshot = content["definition"], content["snapshot"]
    day = definition["data_date"] or "of an unknown day"
    yield f"{plain(snapshot['name'])}, {day}: {definition['metric']} by {definition['by']}\n"
    yield line("counted", definition["population_says"])
    yield line("", f"{content['n']:,} repositories, {content['total']:,} {definition['metric']}")
    yield from _warnings(content, "strong")
    yield ""
    if content["shares"]:
        yield from _table(content)
        if content["regions"]:
            yield from _regions(content)
        yield ""
        yield from _concentration(content)
    yield from _coverage(content)
    yield from _series(content)
    yield from _warnings(content, "warning", "note")
    yield from _definition(content)


def _warnings(content: Mapping[str, Any], *severities: str) -> Iterator[str]:
    """Yield the warnings; the strong ones stand above the figures that they are about."""
    newest = content["snapshot"]["name"]
    wanted = [one for one in content["warnings"] if one["severity"] in severities]
    if wanted:
        yield ""
    for one in wanted:
        of = "" if one["snapshot"] == newest else f"{plain(one['snapshot'])}: "
        first, *rest = (text.strip() for text in wrapped(of + one["message"]))
        yield f"  {one['severity']:<12}{first}"
        yield from (f"{' ' * 14}{text}" for text in rest)


def _table(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line a key: share and range by publisher and by base, with a bar of the attribution asked for."""
    asked = content["definition"]["attribution"]
    found = {name: one["groups"] for name, one in content["attributions"].items()}
    shown = ("publisher",) if content["same_by_both"] else ("publisher", "base")
    heads = ("by either",) if content["same_by_both"] else ("by publisher", "by base")
    columns = "".join(f"{head:<24}" for head in (*heads, *((asked,) if shown[1:] else ())))
    yield f"  {content['definition']['by']:<22}{columns}".rstrip()
    keys = list(found[asked])[:_MOST]
    for key in keys:
        cells = "".join(f"{_cell(found[name].get(key)):<24}" for name in shown)
        bar = "█" * round(_BAR * found[asked][key]["share"])
        yield f"  {plain(key)[:21]:<22}{cells}{bar}".rstrip()
    if more := len(found[asked]) - len(keys):
        rest = sum(group["share"] for group in list(found[asked].values())[_MOST:])
        yield f"  and {more} more, together {rest:.1%}: `--json` lists them"
    if content["same_by_both"]:
        yield from wrapped(_why_same(content["definition"]["by"]))
    yield "  [range: without any one repository]"


def _why_same(by: str) -> str:
    """Say why both attributions give the same figures."""
    if by in {"size", "licence"}:
        return f"attribution has no effect here: each repository is counted by its own {by}"
    return "both attributions give the same here: no base that the snapshot declares belongs to another key"


def _cell(group: Mapping[str, Any] | None) -> str:
    if group is None:
        return "-"
    return f"{group['share']:6.1%} [{100 * group['low']:.1f}, {100 * group['high']:.1f}]"


def _regions(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield the regions by both attributions."""
    for name in ("publisher", "base"):
        regions = content["attributions"][name]["regions"]
        text = "  ".join(f"{region} {regions.get(region, 0.0):.1%}" for region in _REGIONS)
        yield line("regions" if name == "publisher" else "", f"by {name}: {text}")
    yield line("", "EU: Europe, with the EEA, Switzerland and the United Kingdom")


def _concentration(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield the index of concentration and what the largest repositories do to the leading share."""
    asked = content["attributions"][content["definition"]["attribution"]]
    yield line("HHI", f"{content['hhi']:.3f} with what is unlisted as one, {content['hhi_listed']:.3f} as many")
    leading = next(iter(content["shares"]), None)
    if leading is not None and asked["top_k"]:
        parts = ", ".join(
            f"{shares[leading]:.1%} without the {f'{k} ' if k > 1 else ''}largest"
            for k, shares in asked["top_k"].items()
            if leading in shares
        )
        yield line("top-k", f"{leading}: {parts}")


def _coverage(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield of how much of what is added up, and of the rows, each thing is known."""
    parts = []
    for name in ("task", "created", "country", "base", "licence", "size"):
        known = content["coverage"][name]
        share = "?" if known["weight"] is None else f"{known['weight']:.0%}"
        parts.append(f"{name} {share} ({known['rows']:.0%})")
    yield line("known", ", ".join(parts[:3]), f"of {content['definition']['metric']} (of rows)")
    yield line("", ", ".join(parts[3:]))


def _series(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line a snapshot, for the leading keys."""
    if len(content["series"]) < 2:  # noqa: PLR2004 - two make a series
        return
    keys = list(content["shares"])[:3]
    yield ""
    for place, point in enumerate(content["series"]):
        cells = "  ".join(f"{plain(key)[:12]} {_cell(point['groups'].get(key)).strip()}" for key in keys)
        yield line("over time" if not place else "", f"{point['data_date']}  {cells}")
        if strong := strong_codes(point):
            yield line("", f"{'':<12}! not to be compared: {', '.join(strong)}")


def _definition(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield the definition, and what others have published by another one."""
    yield ""
    definition = content["definition"]
    yield line("definition", definition["metric_says"])
    for key in ("attribution_says", "geography", "window", "de_duplication"):
        yield from wrapped(f"{key.removesuffix('_says').replace('_', '-')}: {definition[key]}")
    if content["published"]:
        yield ""
        yield line("published", "by others, with other definitions: not comparable, and no error")
    for one in content["published"]:
        figures = ", ".join(
            f"{key} {value:.1%}" if one["unit"] == "share" else f"{key} {quantity(value)}"
            for key, value in one["figures"].items()
        )
        yield from wrapped(f"{figures} ({one['unit']}): {one['who']}, {one['window']}. {one['why_apart']}")


def relative_lines(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of the relative adoption of one model."""
    yield f"{plain(content['model'])}\n"
    counted = "unknown" if content["downloads"] is None else f"{content['downloads']:,}"
    yield line("downloads", f"{counted} in 30 days", f"data of {content['data_date'] or 'an unknown day'}")
    if content["age_days"] is not None:
        apart = (
            f", compared with models up to {content['days_apart']} days older or younger"
            if content["days_apart"]
            else ""
        )
        yield line("age", f"{content['age_days']} days{apart}")
    if content["size_class"]:
        yield line(
            "class", f"{content['size_class']} parameters, {content['peers']} others of its age by listed makers"
        )
    if content["score"] is None:
        yield line("score", "unknown")
        yield from wrapped(content["why_not"])
        return
    name, downloads = content["tenth"]
    yield line("score", f"{content['score']:.2f} of the tenth most downloaded: {name}, {downloads:,}")
    yield line("", f"{content['score_v1']:.2f} of the median of the ten most downloaded (first version of the metric)")
    yield from wrapped(
        "above 1 is among the ten most downloaded of its class. The metric compares counts since release at the same "
        "age; a snapshot holds the last 30 days, so models of a similar age stand in, and an early peak is not seen"
    )
