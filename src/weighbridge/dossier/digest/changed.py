"""What changed, in one line: before and after, cut to what a person reads; digests are left to the JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from weighbridge.dossier.visible import cut, reveal, single_line
from weighbridge.watch.digest.terms import licence_tag

if TYPE_CHECKING:
    from weighbridge.dossier.locale import Locale
    from weighbridge.watch.digest.item import Change

__all__ = ["changed_line", "diff_of"]

_LONGEST = 300
_VALUE = 80
_MOST_KEYS = 5
_MOST_ROWS = 40
_ROW = 160
_DEEPEST = 3
_UNSAID = frozenset({"digest", "digests", "sha256", "diff", "clauses", "commit"})
_CAME = frozenset({"release", "new-quantization"})
_TOLD_OF_NEW = ("stored_as", "licence", "licence_name", "parameters", "task", "base_models")


def changed_line(change: Change, t: Locale) -> str:
    """Return one typed change: its kind, then what differs."""
    return f"{t.label('event_kind', change.kind)}{t('figure.colon')}{single_line(_told(change, t), _LONGEST)}"


def _told(change: Change, t: Locale) -> str:
    before, after = change.before, change.after
    if change.kind == "licence-tag":
        return _moved(licence_tag(before).shown, licence_tag(after).shown, t)
    if change.kind in {"licence-text", "weights"}:
        return (_weights if change.kind == "weights" else _licences)(before, after, t)
    if change.kind in _CAME:
        return _came(after, t)
    if isinstance(after, dict) and "state" in after:  # gone: what it was is in the document
        return _value(after["state"])
    if isinstance(before, dict) or isinstance(after, dict):
        return _keys(before if isinstance(before, dict) else {}, after if isinstance(after, dict) else {}, t)
    return _moved(_value(before), _value(after), t)


def diff_of(change: Change, t: Locale) -> tuple[str, ...]:
    """Return the rows of a text's diff, and of clauses that differ; nothing where an event holds none."""
    after = change.after if isinstance(change.after, dict) else {}
    diff = after.get("diff")
    rows = diff.splitlines() if isinstance(diff, str) else []
    for file in after.values() if change.kind == "licence-text" else ():
        clauses = file.get("clauses") if isinstance(file, dict) else None
        for clause in clauses if isinstance(clauses, list) else ():
            if isinstance(clause, dict):
                rows += [f"- {_value(clause.get('was'))}", f"+ {_value(clause.get('is'))}"]
    shown = tuple(reveal(cut(row, _ROW)) for row in rows[:_MOST_ROWS])
    return (*shown, t("digest.more", count=len(rows) - _MOST_ROWS)) if len(rows) > _MOST_ROWS else shown


def _licences(before: Any, after: Any, t: Locale) -> str:
    """Return what each licence file was read as, before and after."""
    old, new = (side if isinstance(side, dict) else {} for side in (before, after))
    names = sorted(str(name) for name in old.keys() | new.keys())
    rows = [
        f"{name}: {_moved(_read_as(old.get(name), t), _read_as(new.get(name), t), t)}" for name in names[:_MOST_KEYS]
    ]
    if len(names) > _MOST_KEYS:
        rows.append(t("digest.more", count=len(names) - _MOST_KEYS))
    return "; ".join(rows) or t("digest.unknown")


def _read_as(file: Any, t: Locale) -> str:
    if not isinstance(file, dict):
        return ""
    return _value(file.get("is")) or t("digest.not_read")


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
    names = (before.keys() | after.keys()) - _UNSAID
    differing = sorted(name for name in names if before.get(name) != after.get(name))
    rows = [_key(name, before, after, t) for name in differing[:_MOST_KEYS]]
    rows = [row for row in rows if row]
    if len(differing) > _MOST_KEYS:
        rows.append(t("digest.more", count=len(differing) - _MOST_KEYS))
    return "; ".join(rows) or t("digest.text_changed")


def _key(name: str, before: dict[str, Any], after: dict[str, Any], t: Locale) -> str:
    """Return both values of a key; the one alone where an event says only what there is now."""
    old, new = _value(before.get(name)), _value(after.get(name))
    if name not in before or (not old and not new):
        return f"{name.replace('_', ' ')} {new}" if new else ""
    return f"{name.replace('_', ' ')} {_moved(old, new, t)}"


def _value(value: Any, depth: int = 0) -> str:
    """Return a value in words on one line; digests are cut to what tells them apart."""
    if value is None or (isinstance(value, list | tuple | dict) and not value):
        return ""
    if isinstance(value, list | tuple | dict) and depth >= _DEEPEST:
        return "..."
    if isinstance(value, list | tuple):
        return cut(", ".join(_value(one, depth + 1) for one in value[:_MOST_KEYS]), _VALUE)
    if isinstance(value, dict):
        said = [(name, _value(one, depth + 1)) for name, one in value.items() if name not in _UNSAID]
        return cut(", ".join(f"{name} {one}" for name, one in said if one), _VALUE)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if text.startswith(("sha256:", "git:")):
        text = text[: text.index(":") + 13]
    return cut(" ".join(text.split()), _VALUE)
