"""What small texts show: which keys of JSON files differ, and what a licence file says before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.core.finding import Confidence
from weighbridge.errors import DamagedFile
from weighbridge.formats.strict_json import parse_json
from weighbridge.inspection.licence.diff import differences_between
from weighbridge.inspection.licence.identify import identify
from weighbridge.inspection.licence.identity import Verdict
from weighbridge.watch.diff.change import Change, named, plain
from weighbridge.watch.diff.files import keys_that_differ, plain_change, sides
from weighbridge.watch.diff.parts import digest_in_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from weighbridge.watch.diff.parts import FileChanges

__all__ = ["MOST_JSON_BYTES", "generation_change", "json_of", "licence_text_change", "tokenizer_change"]

MOST_JSON_BYTES = 4 << 20
_TOKENIZER_CONFIG = "tokenizer_config.json"
_CLAUSES, _QUOTED = 5, 400


def json_of(text: str | None) -> dict[str, Any] | None:
    """Return the object in a small JSON file; None where there is none, or none that can be read."""
    if text is None:
        return None
    try:
        value = parse_json(text.encode("utf-8", "replace"), "", max_bytes=MOST_JSON_BYTES, constants_as_text=True)
    except DamagedFile:
        return None
    return value if isinstance(value, dict) else None


def generation_change(changes: FileChanges, before: Mapping[str, str], after: Mapping[str, str]) -> Change:
    """Return which settings of sampling differ; digests where a side could not be read."""
    name = min(changes.pairs)
    old, new = json_of(before.get(name)), json_of(after.get(name))
    if name in changes.added or name in changes.removed or old is None or new is None:
        return plain_change("generation-config", changes)
    left, right = keys_that_differ(old, new)
    left.pop("transformers_version", None)
    right.pop("transformers_version", None)
    traits = frozenset({"keys" if left or right else "same-settings"})
    digests = sides(changes)
    return Change("generation-config", left or digests[0], right or digests[1], traits, evidence=(name,))


def tokenizer_change(changes: FileChanges, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    """Yield a change of the tokenizer; none where its configuration differs in the chat template alone."""
    pair = changes.pairs.get(_TOKENIZER_CONFIG, (None, None))
    old, new = json_of(before.get(_TOKENIZER_CONFIG)), json_of(after.get(_TOKENIZER_CONFIG))
    is_read = None not in {*pair} and old is not None and new is not None
    left, right = keys_that_differ(old or {}, new or {}) if is_read else ({}, {})
    for side in (left, right):
        side.pop("chat_template", None)
    others = changes.pairs.keys() - {_TOKENIZER_CONFIG}
    if is_read and not left and not right and not others:
        return
    change = plain_change("tokenizer", changes, "vocabulary" if others else "settings")
    if is_read and (left or right):
        change = Change(
            "tokenizer",
            {**(change.before or {}), "settings": left},
            {**(change.after or {}), "settings": right},
            change.traits,
            evidence=change.evidence,
        )
    yield change


def licence_text_change(changes: FileChanges, before: Mapping[str, str], after: Mapping[str, str]) -> Change:
    """Return what the licence files were and are, named from their texts, and which clauses part them."""
    left: dict[str, Any] = {}
    right: dict[str, Any] = {}
    traits, is_read = set[str](), True
    for name, (old, new) in sorted(changes.pairs.items()):
        texts = before.get(name), after.get(name)
        is_read &= (old is None or texts[0] is not None) and (new is None or texts[1] is not None)
        if old:
            left[name] = {"digest": digest_in_words(old), **_said(texts[0])}
        if new:
            right[name] = {"digest": digest_in_words(new), **_said(texts[1])}
        if texts[0] is not None and texts[1] is not None:
            clauses = _clauses(texts[0], texts[1])
            is_same = left[name]["is"] == right[name]["is"] and not clauses
            traits.add("wording" if is_same else "terms")
            if clauses:
                right[name]["clauses"] = clauses
    if len(changes.added) == len(changes.pairs):
        traits = {"added"}
    elif len(changes.removed) == len(changes.pairs):
        traits = {"removed"}
    elif not is_read:
        traits.add("unread")
    notes = () if is_read else ("a text could not be read: it is known by its digest alone",)
    return Change(
        "licence-text", left or None, right or None, frozenset(traits),
        Confidence.HIGH if is_read else Confidence.MEDIUM, named(changes.pairs), notes,
    )  # fmt: skip


def _said(text: str | None) -> dict[str, Any]:
    """Return what a licence text is, in the words of `weighbridge licence`."""
    if text is None:
        return {}
    found = identify(text)
    said = found.licence_id or found.nearest
    words = {
        Verdict.IS: f"{said}",
        Verdict.REVISION: f"{said}, revision {found.revision}",
        Verdict.ALTERED: f"{said}, altered",
        Verdict.RIDER: f"{said} with more words",
        Verdict.TRUNCATED: f"{said}, cut short",
        Verdict.POINTER: f"points to {said}",
    }
    several = ", ".join(part.licence_id or f"like {part.nearest}" for part in found.parts)
    return {"is": plain(words.get(found.verdict) or (f"several: {several}" if several else "not known"))}


def _clauses(old: str, new: str) -> list[dict[str, str]]:
    """Return the first differences that touch a term, quoted from both texts."""
    material = [one for one in differences_between(old, new) if one.is_material]
    return [
        {"kind": one.kind.value, "was": str(plain(one.reference))[:_QUOTED], "is": str(plain(one.text))[:_QUOTED]}
        for one in material[:_CLAUSES]
    ]
