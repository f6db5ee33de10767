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


def changed_line(change: Change, t: Locale) -> str:
    """Return one typed change: its kind, then what differs."""
    return f"{t.label('event_kind', change.kind)}{t('figure.colon')}{single_line(_told(change, t), _LONGEST)}"


def _told(change: Change, t: Locale) -> str:
    before, after = change.before, change.after
    if change.kind == "licence-tag":
        return _moved(licence_tag(before).shown, licence_tag(after).shown, t)
    if change.kind == "weights":
        return _weights(before, after, t)
    if change.kind == "release":
        return _fields(after, ("licence", "licence_name", "parameters", "task", "base_models"), t)
    if change.kind == "new-quantization" and isinstance(after, dict) and "stored_as" in after:
        return f"{t('digest.files_added', count=after.get('count', '?'))} ({_value(after['stored_as'])})"
    if isinstance(before, dict) or isinstance(after, dict):
        return _keys(before if isinstance(before, dict) else {}, after if isinstance(after, dict) else {}, t)
    return _moved(_value(before), _value(after), t)


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


def _fields(value: Any, names: tuple[str, ...], t: Locale) -> str:
    if not isinstance(value, dict):
        return _value(value) or t("digest.nothing")
    return "; ".join(f"{name} {_value(value[name])}" for name in names if value.get(name)) or t("digest.nothing")


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
