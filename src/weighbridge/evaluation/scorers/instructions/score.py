"""Mark an answer by the instructions it follows: IFEval, strict and loose (arXiv 2311.07911, section 2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.engine.protocol import Outcome
from weighbridge.evaluation.scorers.instructions.kinds import KINDS, Lacking
from weighbridge.evaluation.suite import Score, Unscored

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from weighbridge.engine.protocol import Completion
    from weighbridge.evaluation.suite import Item

__all__ = ["instructions"]

_MAX_CHARACTERS = 200_000
_MAX_INSTRUCTIONS = 50
_SAID = 300


def instructions(item: Item, completion: Completion) -> Score | Unscored:
    """Check every instruction of `data.instruction_id_list` with its arguments in `data.kwargs`.

    Right is the prompt-level strict mark: all are followed. `said` has the instruction-level counts, strict and loose,
    and the kinds that are not followed. Where a language must be told and no detector is installed, an answer that
    follows all else is unscored.
    """
    asked = _asked(item.data)
    if isinstance(asked, str):
        return Unscored(asked)
    if completion.outcome is Outcome.TRUNCATED:
        return Unscored("truncated")
    text = completion.text[:_MAX_CHARACTERS]
    if not text.strip():
        return Unscored("empty")
    try:
        strict = [KINDS[kind](text, given) for kind, given in asked]
        loose = [_loosely(kind, given, text) for kind, given in asked]
    except Lacking as error:
        return Unscored(f"an instruction of the item lacks `{error}`")
    missed = [kind for (kind, _), followed in zip(asked, strict, strict=True) if followed is False]
    if not missed and None in strict:
        return Unscored("the language of the answer cannot be told (extra `languages`)")
    said = f"strict {strict.count(True)} of {len(asked)}, loose {loose.count(True)} of {len(asked)}"
    return Score("wrong" if missed else "right", (said + (f"; not {', '.join(missed)}" if missed else ""))[:_SAID])


def _asked(data: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]] | str:
    """Return kinds with their arguments, or what is wrong with the item."""
    kinds, given = data.get("instruction_id_list"), data.get("kwargs")
    if not isinstance(kinds, list) or not isinstance(given, list) or not 0 < len(kinds) == len(given):
        return "the item has no instructions"
    if len(kinds) > _MAX_INSTRUCTIONS or not all(isinstance(one, dict) for one in given):
        return "the item's instructions cannot be read"
    unknown = [kind for kind in kinds if not isinstance(kind, str) or kind not in KINDS]
    return (
        f"an instruction is of no known kind: {unknown[0]!s:.60}" if unknown else list(zip(kinds, given, strict=True))
    )


def _loosely(kind: str, given: Mapping[str, Any], text: str) -> bool | None:
    """Check an instruction on the eight variants of the answer; one that follows is enough."""
    found = [KINDS[kind](variant, given) for variant in _variants(text) if variant.strip()]
    return True if True in found else None if None in found else False


def _variants(text: str) -> Iterator[str]:
    """Yield the answer as it is, without its first line, its last and both; each with and without asterisks."""
    lines = text.split("\n")
    for start, end in ((0, None), (1, None), (0, -1), (1, -1)):
        variant = text if (start, end) == (0, None) else "\n".join(lines[start:end]).strip()
        yield variant
        yield variant.replace("*", "")
