"""Cut a licence text into words that compare equal when only case, quotes, dashes or spacing differ."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

from weighbridge.inspection.licence.words.clean import clean

__all__ = ["Words", "read_words"]

_TOKEN = re.compile(
    r"[a-z]{4,6}://[^\s<>\"'\])}\uff09]+|www\.[^\s<>\"'\])}]+|[\w.+-]+@[\w-]+\.[\w.-]*\w"  # an address is one word
    r"|[$€£¥%]"
    r"|[^\W_]+(?:[.,](?=\d)\d+)*(?:['\u2019\u2018`](?:s|t|re|ll|ve|d)\b)?",
    re.IGNORECASE,
)
_MOST_TOKENS = 60_000
# one word, two spellings: SPDX matching guidelines, section 9, and what the texts of the base do
_SPELLINGS = {
    "licence": "license", "licences": "licenses", "licenced": "licensed", "sublicence": "sublicense",
    "licencing": "licensing", "licencee": "licensee", "organisation": "organization",
    "organisations": "organizations", "authorised": "authorized", "authorise": "authorize",
    "authorisation": "authorization", "unauthorised": "unauthorized", "recognise": "recognize",
    "recognised": "recognized", "utilise": "utilize", "utilisation": "utilization", "favour": "favor",
    "favours": "favors", "behaviour": "behavior", "behavioural": "behavioral", "colour": "color",
    "centre": "center", "acknowledgement": "acknowledgment", "acknowledgements": "acknowledgments",
    "analyse": "analyze", "artefact": "artifact", "artefacts": "artifacts", "cancelled": "canceled",
    "defence": "defense", "offence": "offense", "fulfil": "fulfill", "fulfilment": "fulfillment",
    "initialise": "initialize", "judgement": "judgment", "labelling": "labeling", "labour": "labor",
    "optimisation": "optimization", "practise": "practice", "programme": "program", "realise": "realize",
    "whilst": "while", "wilful": "willful", "merchantibility": "merchantability",
    "noninfringment": "noninfringement",
    "customisation": "customization", "customised": "customized", "minimise": "minimize", "honour": "honor",
    "personalised": "personalized", "characterise": "characterize", "emphasise": "emphasize",
    "©": "c", "infringments": "infringements",
}  # fmt: skip


@dataclass(frozen=True)
class Words:
    """The words of a text: `tokens` compare, `spans` tell where in `text` (cleaned, line for line) each stands."""

    text: str
    tokens: list[str]
    spans: list[tuple[int, int]]

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(found.end() for found in re.finditer("\n", self.text))]

    def raw(self, index: int) -> str:
        """Return a word as written."""
        first, last = self.spans[index]
        return self.text[first:last]

    def line(self, index: int) -> int:
        """Return the line, from 1, of a word; of the end of the text beyond the last."""
        if index >= len(self.spans):
            return len(self._line_starts) if not self.spans else bisect_right(self._line_starts, self.spans[-1][0])
        return bisect_right(self._line_starts, self.spans[index][0])

    def line_text(self, index: int) -> str:
        """Return the line that a word stands in."""
        start = self._line_starts[self.line(index) - 1]
        end = self.text.find("\n", start)
        return self.text[start:] if end < 0 else self.text[start:end]

    def before(self, index: int) -> str:
        """Return the characters between a word and the one before it."""
        return self.text[self.spans[index - 1][1] if index else 0 : self.spans[index][0]]

    def after(self, index: int) -> str:
        """Return the characters between a word and the next."""
        end = self.spans[index + 1][0] if index + 1 < len(self.spans) else len(self.text)
        return self.text[self.spans[index][1] : end]

    def part(self, first: int, last: int) -> Words:
        """Return the words from `first` up to, not including, `last`; places stay those of the whole text."""
        return Words(self.text, self.tokens[first:last], self.spans[first:last])

    def quote(self, first: int, last: int, most: int = 600) -> str:
        """Return words as written on one line; a long passage keeps its beginning and end."""
        if first >= last:
            return ""
        start, end = self.spans[first][0], self.spans[last - 1][1]
        # a closing bracket or full stop that belongs to the quote
        while end < len(self.text) and self.text[end] in ").%\"”'】》。":
            end += 1
        said = re.sub(r"\s+", " ", self.text[start:end]).strip()
        said = re.sub("(?<=[\u3040-\u9fff\uac00-\ud7af]) +| +(?=[\u3040-\u9fff\uac00-\ud7af])", "", said)
        return said if len(said) <= most else f"{said[: most * 2 // 3].rstrip()} [...] {said[-most // 3 :].lstrip()}"


def read_words(text: str) -> Words:
    """Return the words of a file; at most 60,000 of them."""
    cleaned = clean(text)
    tokens: list[str] = []
    spans: list[tuple[int, int]] = []
    for found in _TOKEN.finditer(cleaned):
        tokens.append(_same(found.group().casefold()))
        spans.append(found.span())
        if len(tokens) >= _MOST_TOKENS:
            break
    return Words(cleaned, tokens, spans)


def _same(word: str) -> str:
    """Return the one form of a word that all its spellings share."""
    if word.isascii() and word.isalpha():
        return _SPELLINGS.get(word, word)
    if "://" in word or word.startswith("www."):
        return word.rpartition("://")[2].removeprefix("www.").replace("\\", "").rstrip("./,;:")
    if word[0].isdigit() and "," in word:
        return word.replace(",", "")
    for sign in "'\u2019\u2018`":
        word = word.removesuffix(f"{sign}s").replace(sign, "")
    return _SPELLINGS.get(word, word)
