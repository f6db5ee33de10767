"""What the parts of a name say by themselves: a family, a provider, a size, the ending of a file."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weighbridge.core.finding import Confidence
    from weighbridge.knowledge.protocol import Known

__all__ = [
    "OLLAMA_TAG",
    "Forms",
    "Named",
    "ends_as_file",
    "is_dressed",
    "is_dressed_word",
    "is_placeholder",
    "is_sized",
    "whole_name",
    "words_of",
]

_PLACEHOLDERS = re.compile(
    r"(?i)(?:your|my|some|example|foo|bar|org|organization|organisation|user|username|owner|namespace|author|maker|repo)"
    r"(?:[-_]?(?:org|name|username|user|company|namespace|hf|huggingface|account|model|repo|id|handle))*"
)
_FILE_ENDS = re.compile(
    r"(?i)\.(?:py|pyi|js|jsx|ts|tsx|mjs|cjs|json|ya?ml|toml|md|rst|txt|html?|css|scss|png|jpe?g|gif|svg|webp|ico|pdf|c|cc|cpp|"
    r"h|hpp|go|rs|java|kt|rb|php|cs|sh|ps1|sql|proto|so|dll|exe|zip|gz|tar|tgz|whl|jar|xml|csv|tsv|log|lock|cfg|ini|env|"
    r"ipynb|glb|gltf|obj|stl|fbx|onnx|pt|pth|bin|safetensors|npz|h5|tf|vue|svelte|map|wasm|mp[34]|wav|parquet|arrow|tmpl|tpl|j2)$"
)
_SIZED = re.compile(r"(?i)(?:^|[-_.:])(?:e|a)?\d{1,4}(?:[.p]\d{1,2})?(?:x\d{1,3}(?:\.\d)?)?[bm](?![a-z])")
_DRESSED = re.compile(
    r"(?i)[-_.](?:instruct|chat|it|gguf|awq|gptq|fp8|nvfp4|bnb|4bit|8bit|int[48]|exl[23]|mlx|lora|qlora|adapter|dpo|sft|base|"
    r"reasoning|thinking|coder|distill|embed(?:ding)?|rerank(?:er)?|vl|hf|finetuned?|merged|v\d[\w.]*)(?:$|[-_.:])"
)
_DRESSED_BARE = re.compile(
    r"(?i)-(?:\d{1,4}(?:\.\d)?b|instruct|gguf|awq|gptq|embed(?:ding)?|rerank(?:er)?|distill|lora)(?:$|[-_.:])"
)
OLLAMA_TAG = re.compile(
    r"[\w.-]+:(?:latest|[\w.-]*\d+(?:\.\d+)?[bm][\w.-]*|[\w.-]*cloud|e\d+b[\w.-]*|instruct[\w.-]*|text|code|mini|medium|vision|q\d[\w.-]*)"
)
# short names of models that were on the hub before it had makers, and where they are now (each redirects there)
_CANONICAL = (
    (re.compile(r"gpt2(?:-medium|-large|-xl)?"), "openai-community"),
    (re.compile(r"bert-(?:base|large)-[\w-]+"), "google-bert"),
    (re.compile(r"t5-(?:small|base|large|3b|11b)"), "google-t5"),
    (re.compile(r"(?:xlm-)?roberta-(?:base|large)"), "FacebookAI"),
    (re.compile(r"distilgpt2|distil(?:bert|roberta)-[\w-]+"), "distilbert"),
)
_SENTENCES = re.compile(r"(?:all|multi-qa|paraphrase|msmarco|distiluse|nli|stsb|gtr|sentence-t5)-[\w.-]+")


@dataclass(frozen=True, slots=True)
class Named:
    """A model that a text names: a reference to a hub where it is one."""

    name: str
    confidence: Confidence
    reference: str = ""
    detail: str = ""


@cache
def words_of(kind: str) -> frozenset[str]:
    """Return a list of words from `words.toml`."""
    return frozenset(tomllib.loads(files(__package__).joinpath("words.toml").read_text("utf-8"))[kind].split())


@cache
def _served() -> list[tuple[str, re.Pattern[str]]]:
    rows = tomllib.loads(files(__package__).joinpath("served.toml").read_text("utf-8"))["served"]
    return [(row["by"], re.compile(row["pattern"])) for row in rows]


class Forms:
    """What the tables say of parts of names; asked again and again, so that the answers are kept."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self.is_family = lru_cache(maxsize=16384)(self._is_family)
        self.served_by = lru_cache(maxsize=16384)(_served_by)
        self.may_be_bare = lru_cache(maxsize=65536)(self._may_be_bare)

    def is_maker(self, name: str) -> bool:
        """Whether a namespace is a listed publisher."""
        return self._known.organisation(name) is not None

    def is_known(self, name: str) -> bool:
        """Whether a name names a family, or is one that somebody serves."""
        return self.is_family(name) or bool(self.served_by(name.lower()))

    def _is_family(self, name: str) -> bool:
        return self._known.family_of(f"x/{name.rpartition('/')[2]}") is not None

    def _may_be_bare(self, text: str) -> bool:
        """Whether one word could be a model under any key."""
        provider, colon, rest = text.partition(":")
        names = {text, provider, rest} if colon else {text}
        return any(map(self.is_known, names)) or bool(whole_name(text)) or is_dressed_word(text)


def _served_by(name: str) -> str:
    """Return who serves a name, "" where nobody is known to."""
    return next((by for by, pattern in _served() if pattern.fullmatch(name)), "")


def whole_name(text: str) -> str:
    """Return the maker and name that a short name stands for, "" for any other word."""
    for pattern, maker in _CANONICAL:
        if pattern.fullmatch(text):
            return f"{maker}/{text}"
    return f"sentence-transformers/{text}" if _SENTENCES.fullmatch(text) else ""


def is_sized(name: str) -> bool:
    """Whether a name holds a size: `-7B`, `8x22B`, `0.6b`."""
    return _SIZED.search(name) is not None


def is_dressed(name: str) -> bool:
    """Whether a name is dressed as models are: a size, a coding, a kind of tuning."""
    return is_sized(name) or _DRESSED.search(name) is not None


def is_dressed_word(text: str) -> bool:
    """Whether a word without a maker is dressed as hardly anything but a model is."""
    return _DRESSED_BARE.search(text) is not None


def is_placeholder(maker: str) -> bool:
    """Whether a namespace stands for one that the reader puts in: `your-org`."""
    return _PLACEHOLDERS.fullmatch(maker) is not None


def ends_as_file(text: str) -> bool:
    """Whether the last part of a path has the ending of a file that is no GGUF model."""
    return _FILE_ENDS.search(text.rpartition("/")[2]) is not None
