"""How hub/v1 reads on a terminal: the publisher, the base models, and what the hub's scanners found."""

from __future__ import annotations

from typing import Any

from weighbridge.cli.layout import line

__all__ = ["hub_lines"]

_MOST = 5


def hub_lines(body: dict[str, Any]) -> list[str]:
    """Return the lines of one hub/v1 body."""
    verified = {True: "verified by the hub", False: "not verified by the hub", None: ""}[body["is_publisher_verified"]]
    since = f"since {body['created_at'][:10]}" if body["created_at"] else ""
    lines = [line("hub", f"the hub says: published by {body['publisher']}", ", ".join(filter(None, (verified, since))))]
    bases = [f"{one['name']} ({one['relation'] or 'relation not said'})" for one in body["base_models"]]
    if bases:
        lines.append(line("", f"base models by its table: {', '.join(bases[:_MOST])}"))
    lines.append(line("", _scans(body)))
    issues = body["scan_issues"]
    lines += [line("", f"{one['verdict']}: {one['file']}, say its scanners") for one in issues[:_MOST]]
    if (more := len(issues) - _MOST) > 0:
        lines.append(line("", f"and {more} more: `--json` lists them all"))
    return lines + [line("", f"note: {note}") for note in body["notes"]]


def _scans(body: dict[str, Any]) -> str:
    """Say how far the hub's scanners are."""
    if body["is_scanned"] is None:
        return "scans: it does not say"
    count = len(body["scan_issues"])
    found = f"{count} file{'s' if count != 1 else ''} with an issue"
    return f"scans: {found}" if body["is_scanned"] else f"scans: not through, {found} so far"
