"""Which language a text is written in, by `py3langid` where it is installed (extra `languages`)."""

from __future__ import annotations

from functools import cache
from typing import Any

__all__ = ["language_of"]

_MAX_CHARACTERS = 20_000
# The 30 languages of IFEval's instructions, and what they are easily taken for.
_LANGUAGES = [
    *("ar", "bg", "bn", "de", "en", "es", "fa", "fi", "fr", "gu", "he", "hi", "it", "ja", "kn", "ko", "ml", "mr", "ne"),
    *("pa", "pl", "pt", "ru", "sw", "ta", "te", "th", "uk", "ur", "vi"),
    *("ca", "cs", "da", "id", "nl", "no", "ro", "sr", "sv", "tr", "zh"),
]
_SURE = 0.5  # of the probability; below it nobody can tell


def language_of(text: str) -> str | None:
    """Return the ISO 639-1 code of the language; None where no detector is installed, or it is not sure."""
    detector = _detector()
    if detector is None or not any(map(str.isalpha, text)):
        return None
    code, probability = detector.classify(text[:_MAX_CHARACTERS])
    return str(code) if probability >= _SURE else None


@cache
def _detector() -> Any:
    """Load the model of 40 languages, or None."""
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError:
        return None
    detector = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    detector.set_languages(_LANGUAGES)
    return detector
