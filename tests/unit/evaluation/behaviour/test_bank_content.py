"""The bank that ships is balanced, complete in six languages, and its patterns match assertions only."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter, defaultdict
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

LANGUAGES = ("en", "zh-Hans", "zh-Hant", "de", "fr", "es")
EU = {"EU", "ES", "FR", "GR", "IT", "LV", "NL", "PL"}  # those of the bank; Treaty on European Union, members of 2026
MAKERS = {"CN", "US", "EU", "RU", "IN", "GB", "CA", "JP", "KR", "IL", "AE"}
TOPICS = {
    *("state-violence", "territory", "minorities", "media", "surveillance", "leaders"),
    *("elections", "courts", "war", "history", "health", "economy"),
}

# Unicode Unihan, kTraditionalVariant: the pairs that the texts use most, and the commonest of the language.
SIMPLIFIED = (
    "国为这们个来时会说对发开当应该谁军动众学华关东车长门问间见现"
    "观话语请让认识议论证评谈讲记设备报导书电视网络线级经济组织结"
    "终给统绝编缅罗选举办务劳动势"
)
TRADITIONAL = (
    "國為這們個來時會說對發開當應該誰軍動眾學華關東車長門問間見現"
    "觀話語請讓認識議論證評談講記設備報導書電視網絡線級經濟組織結"
    "終給統絕編緬羅選舉辦務勞動勢"
)
# Mainland words that Taiwan says in another way (Ministry of Education of Taiwan, 兩岸對照詞彙 of its dictionaries).
MAINLAND_WORDS = ("網絡", "互聯網", "信息", "視頻", "軟件", "硬件", "短信", "質量", "屏幕", "概率", "通過率", "屏蔽")


def _items() -> list[dict[str, Any]]:
    place = files("weighbridge.evaluation.suites").joinpath("behaviour/items.jsonl")
    return [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()]


ITEMS = _items()
BY_ID = {item["id"]: item for item in ITEMS}


def jurisdiction(item: dict[str, Any]) -> str:
    """Return the maker's jurisdiction that an item is about."""
    return "EU" if item["about"] in EU else str(item["about"])


def forms() -> dict[str, list[dict[str, Any]]]:
    """Return the items of each form."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for item in ITEMS:
        found[item["form"]].append(item)
    return found


def folded(text: str) -> str:
    """Return a text as patterns are held against it."""
    return unicodedata.normalize("NFKC", text).lower()


def matches(item: dict[str, Any], language: str, text: str) -> list[str]:
    """Return the patterns of an item's narratives that match."""
    patterns = [pattern for one in item["narratives"] for pattern in one["patterns"].get(language, [])]
    return [pattern for pattern in patterns if re.search(pattern, folded(text))]


def every_pattern() -> list[tuple[str, str, str]]:
    """Return item, language and pattern of every pattern."""
    return [
        (item["id"], language, pattern)
        for item in ITEMS
        for one in item["narratives"]
        for language, patterns in one["patterns"].items()
        for pattern in patterns
    ]


def test_classes() -> None:
    """There are 60 sensitive items, 30 controls, and 15 pairs of safe and unsafe, each with an id of its own."""
    assert Counter(item["class"] for item in ITEMS) == {"sensitive": 60, "control": 30, "safe": 15, "unsafe": 15}
    assert len(BY_ID) == len(ITEMS)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in BY_ID)


def test_forms_are_matched() -> None:
    """A form is two sensitive items of two makers' jurisdictions and a control of neither, or one safe, one unsafe."""
    for form, items in forms().items():
        kinds = sorted(item["class"] for item in items)
        if kinds == ["safe", "unsafe"]:
            assert {item["about"] for item in items} == {""}, form
            continue
        assert kinds == ["control", "sensitive", "sensitive"], form
        asked = {jurisdiction(item) for item in items if item["class"] == "sensitive"}
        assert len(asked) == 2, form
        assert asked <= MAKERS, form
        assert not {jurisdiction(item) for item in items if item["class"] == "control"} & MAKERS, form
        assert len({(item["topic"], item["type"]) for item in items}) == 1, form


def test_balance_of_jurisdictions() -> None:
    """China has a third of the sensitive items, and no other of the makers' jurisdictions less than eight."""
    counts = Counter(jurisdiction(item) for item in ITEMS if item["class"] == "sensitive")
    assert counts == {"CN": 20, "US": 12, "EU": 10, "RU": 10, "IN": 8}
    controls = Counter(item["about"] for item in ITEMS if item["class"] == "control")
    assert max(controls.values()) <= 2


def test_spread_of_topics_and_types() -> None:
    """Twelve topics have two or three forms each; every type of question is there."""
    matched = [items[0] for items in forms().values() if len(items) == 3]
    topics = Counter(item["topic"] for item in matched)
    assert set(topics) == TOPICS
    assert set(topics.values()) <= {2, 3}
    types = Counter(item["type"] for item in matched)
    assert set(types) == {"direct", "indirect", "individual"}
    assert min(types.values()) >= 3


def test_marks() -> None:
    """Thirty items are asked several times and thirty serve as a monitor: ten of each class, by whole pairs."""
    for mark in ("stability", "canary"):
        marked = [item for item in ITEMS if item.get(mark)]
        assert Counter(item["class"] for item in marked) == {"sensitive": 10, "control": 10, "safe": 5, "unsafe": 5}
        assert Counter(Counter(item["form"] for item in marked).values()) == {2: 15}
        assert len({jurisdiction(item) for item in marked if item["class"] == "sensitive"}) == 5


def test_six_languages() -> None:
    """Every question stands in all six languages, none twice, in Unicode's composed form and without stray blanks."""
    for item in ITEMS:
        assert tuple(item["text"]) == LANGUAGES
        assert len(set(item["text"].values())) == 6, item["id"]
        for text in item["text"].values():
            assert text == unicodedata.normalize("NFC", text).strip()
            assert not re.search(r"\s\s|\{|\}|\|", text), item["id"]


def test_chinese_scripts() -> None:
    """No traditional character stands in zh-Hans, no simplified one and no mainland word in zh-Hant."""
    only = {(a, b) for a, b in zip(SIMPLIFIED, TRADITIONAL, strict=True) if a != b}
    assert len(only) > 60
    for item in ITEMS:
        hans, hant = item["text"]["zh-Hans"], item["text"]["zh-Hant"]
        assert not {b for _, b in only} & set(hans), item["id"]
        assert not {a for a, _ in only} & set(hant), item["id"]
        assert not [word for word in MAINLAND_WORDS if word in hant], item["id"]
    for identity, language, pattern in every_pattern():
        wrong = {"zh-Hans": {b for _, b in only}, "zh-Hant": {a for a, _ in only}}.get(language, set())
        assert not wrong & set(pattern), identity


def test_punctuation_is_of_the_language() -> None:
    """Chinese has full-width marks, Spanish opens its questions, French keeps a blank before two-part marks."""
    for item in ITEMS:
        text = item["text"]
        assert not re.search(r"[?,:;]", text["zh-Hans"] + text["zh-Hant"]), item["id"]
        assert text["es"].count("¿") == text["es"].count("?"), item["id"]
        assert not re.search(r"[^ ][?!:;»]", text["fr"]), item["id"]


def test_comparable_lengths() -> None:
    """Within a form no question is much longer than its shortest in the same language: 1.5, in pairs 1.8 times."""
    for form, items in forms().items():
        bound = 1.5 if len(items) == 3 else 1.8
        for language in LANGUAGES:
            lengths = sorted(len(item["text"][language]) for item in items)
            assert lengths[-1] <= bound * lengths[0], (form, language, lengths)


def test_same_words_around_the_state() -> None:
    """The items of a form share most of their words: no state is asked about in a more loaded way than another."""
    for form, items in forms().items():
        if len(items) == 2:
            continue
        for one, other in pairwise([*items, items[0]]):
            words, others = (set(re.findall(r"\w+", item["text"]["en"].lower())) for item in (one, other))
            assert len(words & others) >= 0.4 * min(len(words), len(others)), form


def test_facts_have_sources() -> None:
    """Every sensitive item and control has one to three facts, whole English sentences, each with a source."""
    for item in ITEMS:
        count = len(item["facts"])
        assert 1 <= count <= 3 if item["class"] in {"sensitive", "control"} else count == 0, item["id"]
        for fact in item["facts"]:
            assert re.fullmatch(r"[A-Z0-9].*\.", fact["says"]), item["id"]
            assert len(fact["source"]) > 10, item["id"]


def test_every_government_has_its_line() -> None:
    """Every sensitive item holds the line of the state asked about, with a source and patterns in all languages."""
    for item in ITEMS:
        assert bool(item["narratives"]) == (item["class"] == "sensitive"), item["id"]
        for one in item["narratives"]:
            assert one["says"].endswith("."), one["id"]
            assert len(one["source"]) > 10, one["id"]
            assert set(one["patterns"]) == set(LANGUAGES), one["id"]
            assert all(one["patterns"].values()), one["id"]
    names = [one["id"] for item in ITEMS for one in item["narratives"]]
    assert len(names) == len(set(names))


def test_patterns_are_sound() -> None:
    """Patterns compile, are short, written for folded text, and repeat no group, so that they stay linear."""
    for identity, _, pattern in every_pattern():
        re.compile(pattern)
        assert len(pattern) <= 400, identity
        assert pattern == folded(pattern), identity
        assert not re.search(r"\)[*+{]|\][*+]|\.[*+]", pattern), identity
        assert pattern.count("{0,") <= 3, identity


def test_no_question_matches() -> None:
    """No pattern matches a question of its own item in any language: an echo of the question is no narrative."""
    for item in ITEMS:
        for language in LANGUAGES:
            for text in item["text"].values():
                assert not matches(item, language, text), (item["id"], language)


def sentences(kind: str) -> list[tuple[str, str, str]]:
    """Return item, language and text of the sentences that assert a state's line, or of the fair ones."""
    lines = (Path(__file__).parent / "narrative_sentences.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [(row["item"], row["language"], row["text"]) for row in rows if row["kind"] == kind]


@pytest.mark.parametrize(("identity", "language", "text"), sentences("asserted"))
def test_the_line_is_known(identity: str, language: str, text: str) -> None:
    """What the documents in `source` say (word for word, shortened or translated) is matched in every language."""
    assert matches(BY_ID[identity], language, text)


@pytest.mark.parametrize(("identity", "language", "text"), sentences("fair"))
def test_fair_sentences_are_left_alone(identity: str, language: str, text: str) -> None:
    """A sentence that denies the line, reports facts or uses a usual name is no narrative."""
    assert not matches(BY_ID[identity], language, text)
