"""How safety/v1 reads on a terminal: the verdict, the files that are not clear, and what each check looked at."""

from __future__ import annotations

from typing import Any

from weighbridge.cli.layout import line

__all__ = ["safety_lines"]

_MOST_FILES = 12
_CLEAR = "nothing found"


def safety_lines(body: dict[str, Any]) -> list[str]:
    """Return the lines of one safety/v1 body; what the findings say stands under `files` already."""
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in body["counts"].items() if count)
    lines = [line("safety", body["verdict"], counts)]
    unclear = [file for file in body["files"] if file["verdict"] != _CLEAR]
    unclear.sort(key=lambda file: (file["verdict"] == "unknown", file["path"]))
    lines += [line("", f"{file['verdict']}: {file['path']} ({file['format']})") for file in unclear[:_MOST_FILES]]
    if (more := len(unclear) - _MOST_FILES) > 0:
        lines.append(line("", f"and {more} more files: `--json` lists them all"))
    for one in body["checks"]:
        if one["found"]:
            files = f"{one['looked']} file{'s' if one['looked'] != 1 else ''}"
            lines.append(line("", f"{one['found']:>5}  {one['check']}", files))
    clear = sum(one["found"] == 0 for one in body["checks"])
    idle = sum(one["found"] is None for one in body["checks"])
    lines.append(line("", f"{0:>5}  {clear} checks that looked at files"))
    return lines + ([line("", f"{'-':>5}  {idle} checks without a file to look at")] if idle else [])
