"""Words of the dossier, kept apart from its shape: one TOML file a language, same keys, same placeholders."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from weighbridge.errors import UsageError, did_you_mean

__all__ = ["LANGUAGES", "Locale", "check_language", "load_locale"]

LANGUAGES = ("en", "zh")


@dataclass(frozen=True, slots=True)
class Locale:
    """The words of one language, by dotted key."""

    language: str
    words: dict[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of `key` with its placeholders filled; a key that is not there is our mistake: KeyError."""
        return self.words[key].format(**values)

    def label(self, group: str, name: str) -> str:
        """Return the word for a language-neutral id, or the id itself where the group has no word for it."""
        return self.words.get(f"{group}.{name}", name)


def check_language(language: str) -> str:
    """Return a language that there are words for; raises UsageError with the known ones."""
    if language not in LANGUAGES:
        known = ", ".join(f"`{name}`" for name in LANGUAGES)
        raise UsageError(
            f"there are no words for the language `{language[:40]}`",
            hint=did_you_mean(language[:40], LANGUAGES) or f"known: {known}",
        )
    return language


@cache
def load_locale(language: str) -> Locale:
    """Return the words of a language; raises UsageError as `check_language` does."""
    check_language(language)
    text = files(__package__).joinpath("locale", f"{language}.toml").read_text(encoding="utf-8")
    return Locale(language, dict(_flat(tomllib.loads(text))))


def _flat(table: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested tables as dotted keys."""
    pairs: list[tuple[str, str]] = []
    for key, value in table.items():
        pairs += _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else [(prefix + key, str(value))]
    return pairs
