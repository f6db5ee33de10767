"""How much two answers agree: equal but for their writing, in their words, in their embeddings."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections import Counter
from operator import mul
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.pilot.observation.noun import Reading

__all__ = ["are_same", "cosine", "embedding_request", "read_embeddings", "shown", "word_agreement"]

MOST_CHARACTERS = 4_000
"""Of each answer, in words and embeddings: some 1,000 tokens, and under a millisecond of processor time."""

_MOST_DIMENSIONS = 16_384
_MOST_BYTES = 1 << 20  # of two such vectors; it is read on the event loop
_END = " .。"
_MARKS = re.compile(r"[^\w\s\0-\u02ff]{31}")  # more than 30: Unicode Standard Annex 15, Stream-Safe Text Format
_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+"
)  # a character of a script without spaces is a word


def shown(reading: Reading) -> str:
    """Return an answer as a judge sees it: text, refusal, then calls of tools, one a line."""
    calls = [f"{name}({arguments})" for name, arguments in reading.tool_calls]
    return "\n".join(part for part in (reading.answer.strip(), reading.refusal.strip(), *calls) if part)


def are_same(ours: Reading, theirs: Reading) -> bool:
    """Say whether two answers are equal but for white space and a last full stop; arguments of calls, as JSON.

    No looser: "5" and "-5", "is" and "is not", `True` and `true` agree in almost all characters, and are no tie.
    """
    return (
        len(ours.tool_calls) == len(theirs.tool_calls)
        and bool(ours.refusal) == bool(theirs.refusal)
        and _bare(ours.answer) == _bare(theirs.answer)
        and all(
            one[0] == two[0] and _arguments(one[1]) == _arguments(two[1])
            for one, two in zip(ours.tool_calls, theirs.tool_calls, strict=True)
        )
    )


def word_agreement(one: str, two: str) -> float:
    """Return the F1 of words (as SQuAD scores answers, Rajpurkar et al. 2016), 1 for two empty texts.

    A character of Chinese, Japanese or Korean counts as a word. Order does not matter.
    """
    words, others = _words(one), _words(two)
    total = words.total() + others.total()
    return 2 * (words & others).total() / total if total else 1.0


def cosine(one: Sequence[float], two: Sequence[float]) -> float | None:
    """Return the cosine of two vectors of equal length, cut to [0, 1]; None where one has no length."""
    norm = math.sqrt(sum(map(mul, one, one)) * sum(map(mul, two, two)))
    if not (norm > 0 and math.isfinite(norm)):
        return None
    return min(1.0, max(0.0, float(sum(map(mul, one, two)) / norm)))


def embedding_request(model: str, one: str, two: str) -> bytes:
    """Return the body of a request for the embeddings of two texts, each cut to 4,000 characters."""
    texts = [text[:MOST_CHARACTERS] or " " for text in (one, two)]
    return json.dumps({"model": model, "input": texts, "encoding_format": "float"}).encode("utf-8", "replace")


def read_embeddings(body: bytes) -> tuple[list[float], list[float]] | None:
    """Return the two vectors of an answer, None for anything that is no answer to that request, or over 1 MiB."""
    if len(body) > _MOST_BYTES:
        return None
    try:
        said = json.loads(body)
        rows = {row["index"]: row["embedding"] for row in said["data"]}
        vectors = [rows[0], rows[1]]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    if len(rows) != len(vectors) or not all(map(_is_vector, vectors)) or len(vectors[0]) != len(vectors[1]):
        return None
    return vectors[0], vectors[1]


def _is_vector(value: Any) -> bool:
    """Whether a value is a list of finite numbers."""
    return (
        isinstance(value, list)
        and 0 < len(value) <= _MOST_DIMENSIONS
        and all(type(x) in (int, float) for x in value)
        and all(map(math.isfinite, value))
    )


def _bare(text: str) -> str:
    """Return a text with single spaces, in composed characters (NFC)."""
    return " ".join(_composed(text).split()).rstrip(_END)


def _composed(text: str) -> str:
    """Return a text in NFC; as it is where a character may bear more marks than any language has.

    To order them takes the square of their number, seconds for a hostile answer, while no other thread runs.
    """
    return text if _MARKS.search(text) else unicodedata.normalize("NFC", text)


def _arguments(text: str) -> object:
    """Return the arguments of a call as JSON, and as they are where they are none."""
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value


def _words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text[:MOST_CHARACTERS].casefold()))
