"""How openness/v1 reads on a terminal: one sentence, then each framework's grade, and its items where wanted."""

from __future__ import annotations

from typing import Any

from weighbridge.cli.layout import line

__all__ = ["openness_lines"]


def openness_lines(body: dict[str, Any], *, whole: bool = False) -> list[str]:
    """Return the lines of one openness/v1 body; with `whole`, every item with what shows it."""
    if not whole:
        grades = [line("", f"{one['name']}: {one['grade']}") for one in body["frameworks"]]
        return [line("openness", f"{body['standing']}; `weighbridge openness` says why"), *grades]
    lines = [line("openness", body["sentence"])]
    for framework in body["frameworks"]:
        lines.append(line("", f"{framework['name']}: {framework['grade']}", framework["version"]))
        lines.append(line("", f"  {framework['why']}"))
        for item in framework["items"]:
            by = f" by {item['by']} on {item['on']}" if item["by"] else ""
            lines.append(line("", f"  {item['state']:<8}{item['basis']:<9}{item['group']}: {item['name']}"))
            lines.append(line("", f"           {item['because']}{by}"))
    return lines + [line("", f"note: {note}") for note in body["notes"]]
