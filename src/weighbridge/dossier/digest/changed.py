"""What changed, in one line: before and after, cut to what a person reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from weighbridge.dossier.visible import cut, single_line
from weighbridge.watch.digest.terms import licence_tag

if TYPE_CHECKING:
    from weighbridge.dossier.locale import Locale
    from weighbridge.watch.digest.item import Change

__all__ = ["changed_line"]

_LONGEST = 300
_VALUE = 80
_MOST_KEYS = 5
_CAME = frozenset({"release", "new-quantization"})
_TOLD_OF_NEW = ("stored_as", "licence", "licence_name", "parameters", "task", "base_models")


def changed_line(change: Change, t: Locale) -> str:
    """Return one typed change: its kind, then what differs."""
    return f"{t.label('event_kind', change.kind)}{t('figure.colon')}{single_line(_told(change, t), _LONGEST)}"


def _told(change: Change, t: Locale) -> str:
    before, after = change.before, change.after
    if change.kind == "licence-tag":
        return _moved(licence_tag(before).shown, licence_tag(after).shown, t)
    if change.kind == "weights":
        return _weights(before, after, t)
    if change.kind in _CAME:
        return _came(after, t)
    if isinstance(after, dict) and "state" in after:  # gone: what it was is in the document
        return _value(after["state"])
    if isinstance(before, dict) or isinstance(after, dict):
        return _keys(before if isinstance(before, dict) else {}, after if isinstance(after, dict) else {}, t)
    return _moved(_value(before), _value(after), t)


def _came(after: Any, t: Locale) -> str:
    """Return what is told of something new: a repository, or files of another precision."""
    if not isinstance(after, dict):
        return _value(after) or t("digest.nothing")
    files = [t("digest.files_added", count=_value(after["count"]))] if "count" in after else []
    rows = [*files, *(f"{name} {_value(after[name])}" for name in _TOLD_OF_NEW if after.get(name))]
    return "; ".join(rows) or t("digest.nothing")


def _moved(before: str, after: str, t: Locale) -> str:
    nothing = t("digest.nothing")
    return t("digest.moved", before=before or nothing, after=after or nothing)


def _weights(before: Any, after: Any, t: Locale) -> str:
    """Return how many of how many files differ; what an event does not say stays unsaid."""
    side = next((one for one in (after, before) if isinstance(one, dict) and "differing" in one), None)
    if side is None:
        return _keys(before if isinstance(before, dict) else {}, after if isinstance(after, dict) else {}, t)
    told = t("digest.files_of", changed=side.get("differing"), files=side.get("files", "?"))
    types = [one.get("parameters_by_dtype") if isinstance(one, dict) else None for one in (before, after)]
    if all(isinstance(one, dict) and one for one in types) and types[0] != types[1]:
        told += "; " + _moved("+".join(sorted(types[0])), "+".join(sorted(types[1])), t)  # type: ignore[arg-type]
    return told


def _keys(before: dict[str, Any], after: dict[str, Any], t: Locale) -> str:
    """Return the first keys that differ, each with both values, and how many more there are."""
    differing = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    rows = [f"{name} {_moved(_value(before.get(name)), _value(after.get(name)), t)}" for name in differing[:_MOST_KEYS]]
    if len(differing) > _MOST_KEYS:
        rows.append(t("digest.more", count=len(differing) - _MOST_KEYS))
    return "; ".join(rows) or t("digest.nothing")


def _value(value: Any) -> str:
    """Return a value on one line; digests are cut to what tells them apart."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if text.startswith(("sha256:", "git:")):
        text = text[: text.index(":") + 13]
    return cut(" ".join(text.split()), _VALUE)
