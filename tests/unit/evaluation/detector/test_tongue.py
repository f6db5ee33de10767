"""Language and script of a text, by sentences of the Universal Declaration of Human Rights and plain chat."""

# ruff: noqa: RUF001 - texts in many scripts

from __future__ import annotations

import pytest

from weighbridge.evaluation.detector.tongue import language_of, read_tongue, script_of

# Article 1 of the Universal Declaration, as the United Nations publish it in each language.
ARTICLE_ONE = {
    "en": "All human beings are born free and equal in dignity and rights. They are endowed with reason.",
    "de": "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen begabt.",
    "fr": "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison.",
    "es": "Todos los seres humanos nacen libres e iguales en dignidad y derechos y, dotados como están de razón.",
    "it": "Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti. Essi sono dotati di ragione.",
    "pt": "Todos os seres humanos nascem livres e iguais em dignidade e em direitos. Dotados de razão.",
    "nl": "Alle mensen worden vrij en gelijk in waardigheid en rechten geboren. Zij zijn begiftigd met verstand.",
    "pl": "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw. Są oni obdarzeni rozumem.",
    "ru": "Все люди рождаются свободными и равными в своем достоинстве и правах. Они наделены разумом и совестью.",
    "uk": "Всі люди народжуються вільними і рівними у своїй гідності та правах. Вони наділені розумом і совістю.",
    "ar": "يولد جميع الناس أحراراً متساوين في الكرامة والحقوق. وقد وهبوا عقلاً وضميراً.",
    "fa": "تمام افراد بشر آزاد به دنیا می‌آیند و از لحاظ حیثیت و حقوق با هم برابرند. همه دارای عقل و وجدان هستند.",
    "th": "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ",
    "hi": "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।",
    "he": "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם.",
    "el": "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα.",
    "ja": "すべての人間は、生れながらにして自由であり、かつ、尊厳と権利とについて平等である。",
    "ko": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.",
    "zh": "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心,并应以兄弟关系的精神相对待。",
    "tr": "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar. Akıl ve vicdana sahiptirler.",
    "vi": "Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền lợi.",
    "cs": "Všichni lidé rodí se svobodní a sobě rovní co do důstojnosti a práv. Jsou nadáni rozumem a svědomím.",
}


@pytest.mark.parametrize("language", sorted(ARTICLE_ONE))
def test_tells_languages(language: str) -> None:
    """One sentence or two are enough, and the detector is sure of it."""
    tongue = read_tongue(ARTICLE_ONE[language])
    assert tongue.language == language
    assert tongue.sure


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Canberra.", "en"),
        ("How did Kennedy die?", "en"),
        ("1914", ""),
        ("", ""),
        ("Die Funktion heißt so:\n```python\nfor item in the_list:\n    print(item)\nreturn the_list\n```\n", "de"),
        ("Er sagte: „Ja“. Das englische Wort dafür ist “the best of all the things that we have seen”.", "de"),
        ("苹果公司（Apple Inc.）的 iPhone 是最畅销的手机之一。", "zh"),
        ("Le mot « the » est un article de la langue anglaise.", "fr"),
    ],
)
def test_reads_past_code_names_and_quotations(text: str, language: str) -> None:
    """Code, names and quotations are not the writer's language; a word or two does not tell."""
    assert language_of(text) == language


def test_is_not_sure_of_a_word() -> None:
    """One word may be borrowed."""
    assert not read_tongue("Kindergarten").sure
    assert not read_tongue("OK").sure


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("这个问题很难回答，请您谅解。", "Hans"),
        ("這個問題很難回答，請您諒解。", "Hant"),
        ("為什麼後來裡面沒有人了？", "Hant"),
        ("人人生而自由", ""),
        ("", ""),
        ("书名是《資治通鑑》，这是司马光主编的史书，内容从战国写到五代。", "Hans"),
    ],
)
def test_tells_the_script_of_chinese(text: str, script: str) -> None:
    """Characters of one script only tell; those of both do not, and one title in the other does not either."""
    assert script_of(text) == script


def test_tags_chinese_with_its_script() -> None:
    """BCP 47: language and script; other languages have no script in their tag."""
    assert read_tongue("這個問題很難回答。").tag == "zh-Hant"
    assert read_tongue("这个问题很难回答。").tag == "zh-Hans"
    assert read_tongue(ARTICLE_ONE["ja"]).tag == "ja"


def test_is_quick_on_a_wall_of_marks() -> None:
    """Ten million characters of one kind are cut first: the patterns see 4,000."""
    for character in ('"', "<", "`", "“", "A.", "「"):
        assert isinstance(language_of(character * 5_000_000), str)


@pytest.mark.parametrize("text", ["20 W 34th St., New York, NY 10001", "Dr. W. A. Smith", "C. Z. O. W."])
def test_initials_are_no_words(text: str) -> None:
    """Capital letters of names and addresses are no Polish, where `w`, `z` and `o` are words."""
    assert language_of(text) == "en"
