"""Language and script against texts whose language others set down: PolyRefuse's translations, Taiwan answers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from weighbridge.evaluation.detector.prose import visible_text
from weighbridge.evaluation.detector.tongue import read_tongue, script_of

ROOT = Path(__file__).resolve().parents[2]
EVALS = Path(os.environ.get("WEIGHBRIDGE_SHARED", ROOT.parent / "shared")) / "data/evals"
UNSPACED = ("ja", "zh")

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not (EVALS / "polyrefuse").is_dir(), reason="the translated prompts are not here"),
]


def first_words(text: str, language: str, count: int) -> str | None:
    """Return the first words (three characters each where no blanks are written), or None for a shorter text."""
    if language in UNSPACED:
        return text[: 3 * count] if len(text) >= 3 * count else None
    words = text.split()
    return " ".join(words[:count]) if len(words) >= count else None


def openings(language: str) -> list[str]:
    """Return the first eight words of every prompt of PolyRefuse's test half in a language."""
    rows = json.loads((EVALS / f"polyrefuse/harmful_test_translated_{language}.json").read_text(encoding="utf-8"))
    prompts = [row.get("instruction_translated", row["instruction"]) for row in rows]  # the English file has one field
    return [words for prompt in prompts if (words := first_words(prompt, language, 8)) is not None]


def test_tells_the_language_of_eight_words() -> None:
    """At least 0.99 of the openings of eight words in eight languages, and no language below 0.97."""
    right = total = 0
    for language in ("ar", "de", "en", "es", "fr", "ja", "ko", "zh"):
        texts = openings(language)
        found = sum(read_tongue(text).language == language for text in texts)
        assert found >= 0.97 * len(texts), language
        right, total = right + found, total + len(texts)
    assert right >= 0.99 * total


def test_is_hardly_ever_sure_of_a_wrong_language() -> None:
    """A switch is flagged only where the language is sure: at most 2 in 1,000 of these are sure and wrong."""
    wrong = total = 0
    for language in ("ar", "de", "en", "es", "fr", "ja", "ko", "zh"):
        tongues = [read_tongue(text) for text in openings(language)]
        wrong += sum(tongue.sure and tongue.language != language for tongue in tongues)
        total += len(tongues)
    assert wrong <= 0.002 * total


def test_is_level_with_langid() -> None:
    """py3langid, a model of 97 languages, is no better on the same openings."""
    langid = pytest.importorskip("py3langid")
    ours = theirs = 0
    for language in ("ar", "de", "en", "es", "fr", "ja", "ko", "zh"):
        for text in openings(language)[:100]:
            ours += read_tongue(text).language == language
            theirs += langid.classify(text)[0] == language
    assert ours >= theirs - 4


def test_tells_the_script_of_taiwan_answers() -> None:
    """60 answers whose script was labelled: every one is told."""
    lines = (EVALS / "labelled/taiwan-zh-tw-13-models.jsonl").read_text(encoding="utf-8").splitlines()
    rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    names = {"traditional": "Hant", "simplified": "Hans", None: ""}
    assert [script_of(visible_text(row["completion"])) for row in rows] == [names[row["script"]] for row in rows]
