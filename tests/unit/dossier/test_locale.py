from __future__ import annotations

from string import Formatter

import pytest

from weighbridge.core.kinds import KINDS
from weighbridge.decision.decide import VERDICTS
from weighbridge.decision.rule import Operator, Reason
from weighbridge.dossier.locale import LANGUAGES, load_locale
from weighbridge.errors import UsageError


def _placeholders(text: str) -> set[str]:
    """Return the names between braces."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_all_languages_say_the_same_things() -> None:
    """Every language has the same keys, with the same placeholders."""
    english = load_locale("en").words
    for language in LANGUAGES:
        words = load_locale(language).words
        assert words.keys() == english.keys()
        assert {key: _placeholders(text) for key, text in words.items()} == {
            key: _placeholders(text) for key, text in english.items()
        }
        assert all(text.strip() for text in words.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_id_of_the_contract_has_a_word(language: str) -> None:
    """Verdicts, reasons, operators, kinds and the fields of their bodies are not left as ids."""
    words = load_locale(language).words
    wanted = [f"verdict.{verdict}" for verdict in VERDICTS] + [f"verdict_meaning.{verdict}" for verdict in VERDICTS]
    wanted += [f"reason.{reason.value}" for reason in Reason] + [f"operator.{one.value}" for one in Operator]
    wanted += [f"kind.{kind}" for kind in KINDS]
    wanted += [f"measure.{field}" for body in KINDS.values() for field in body.model_fields]
    assert [key for key in wanted if key not in words] == []


def test_chinese_is_chinese() -> None:
    """Every Chinese text holds Chinese characters, but for patterns that hold no words."""
    plain = {key for key, text in load_locale("zh").words.items() if not any("\u4e00" <= c <= "\u9fff" for c in text)}
    assert plain == {"figure.colon", "figure.count", "told_part.between"}


def test_an_unknown_language_names_the_known_ones() -> None:
    """The error tells what can be asked for."""
    with pytest.raises(UsageError) as caught:
        load_locale("fr")
    assert caught.value.hint == "known: `en`, `zh`"


def test_an_id_without_a_word_stays_an_id() -> None:
    """A plug-in's measure is shown as it is called."""
    assert load_locale("zh").label("measure", "toxicity") == "toxicity"
