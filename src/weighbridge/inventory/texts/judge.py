"""Decide whether a string is the name of a model, how sure that is, and which hub it is on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from weighbridge.core.finding import Confidence
from weighbridge.inventory.texts.forms import (
    OLLAMA_TAG,
    Forms,
    Named,
    ends_as_file,
    is_dressed,
    is_dressed_word,
    is_placeholder,
    is_sized,
    whole_name,
    words_of,
)
from weighbridge.inventory.texts.keys import FROM, Key
from weighbridge.inventory.weights.names import is_companion

if TYPE_CHECKING:
    from weighbridge.inventory.texts.candidates import Candidate
    from weighbridge.knowledge.protocol import Known

__all__ = ["Judge"]

_HIGH, _MEDIUM, _LOW = Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW
_OF_A_MODEL = frozenset({"loads", "strong", "weak"})
_OLLAMA = "ollama://"
_SHORTEST = 3
_MAKER_AND_NAME = 2
_IDENTIFIER = re.compile(r"[A-Za-z0-9]+_\w+")  # of a program: models are written with `-`
_CLASS = re.compile(
    r"(?:For[A-Z]\w+|Model|Config|Tokenizer(?:Fast)?|Processor|Decoder\w*|Attention|MLP)$|[a-z]_[a-z]\w*\.[A-Za-z]"
)
_REVISION = re.compile(r"[\w./-]{1,100}")


class Judge:
    """Judges candidates by the tables of makers and families, and by the key before them."""

    def __init__(self, known: Known) -> None:
        self._forms = Forms(known)

    def may_be(self, one: Candidate) -> bool:
        """Whether a candidate could be a model under any key; asked first, because keys cost more to find."""
        if one.shape in {"bare", "word"}:
            is_code = _CLASS.search(one.text) or _IDENTIFIER.fullmatch(one.text) or ends_as_file(one.text)
            return not is_code and self._forms.may_be_bare(one.text)
        if one.shape == "path":
            return self._forms.is_family(one.text.replace("\\", "/"))
        return one.shape != "id" or not ends_as_file(one.text)

    def judge(self, one: Candidate, key: Key, hub: str) -> Named | None:
        """Return what a candidate names, None for what is no model. `hub` is the hub that the file loads from."""
        if one.shape == "hub":
            return _on_hub(one, key)
        if one.shape == "served":
            return _served(one.text, key)
        if key.word == FROM and one.shape == "word":
            return self._bare(one.text, Key(FROM, "weak")) if OLLAMA_TAG.fullmatch(one.text.lower()) else None
        if key.weight == "against" or (one.shape == "word" and key.weight == "none"):
            return None
        if one.shape == "id":
            return self._id(one, key, hub)
        by_shape = {"file": self._file, "path": self._path, "bare": self._bare, "word": self._bare}
        return by_shape[one.shape](one.text, key)

    def _id(self, one: Candidate, key: Key, hub: str) -> Named | None:
        """Judge `maker/name`, which may stand behind providers, be a path, or end in a GGUF file."""
        parts, provider = one.text.split("/"), ""
        if one.text.lower().endswith(".gguf"):
            return self._file(parts[-1], key)
        while len(parts) > 1 and self._is_provider(parts):
            provider = f"{provider}/{parts.pop(0)}".strip("/")
        if len(parts) == 1:
            return self._behind_provider(one, provider, parts[0], key)
        if len(parts) > _MAKER_AND_NAME or parts[0].lower() in words_of("folders"):
            return self._path(one.text, key)
        return self._published(one, (parts[0], parts[1]), provider, key, hub)

    def _is_provider(self, parts: list[str]) -> bool:
        """Whether the first part says who serves the model, not who publishes it."""
        if parts[0].lower() not in words_of("providers"):
            return False
        if len(parts) > _MAKER_AND_NAME:
            return True
        is_served, is_family = bool(self._forms.served_by(parts[1].lower())), self._forms.is_family(parts[1])
        is_maker = self._forms.is_maker(parts[0])
        return is_served if is_maker and not is_family else is_served or (is_family and not is_maker)

    def _published(self, one: Candidate, parts: tuple[str, str], provider: str, key: Key, hub: str) -> Named | None:
        """Judge a maker and a name."""
        maker, name = parts
        is_maker, is_family = self._forms.is_maker(maker), self._forms.is_family(name)
        is_no_name = len(name) < _SHORTEST or name.isdigit() or maker.isdigit() or name.startswith("awesome-")
        if is_no_name or (is_placeholder(maker) and not is_family):
            return None
        if (by := self._forms.served_by(name.lower())) and not (is_maker and is_family):
            is_said = key.weight != "none" or provider
            return Named(one.text, _sure(key, _HIGH), detail=f"served by {by}") if is_said else None
        sure = _weigh((is_maker, is_family), name, key, is_routed=bool(provider))
        if sure is not None and one.is_cut:
            return Named(f"{maker}/{name}...", _LOW, detail="the rest of the name is filled in by the program")
        if sure is None or (not is_maker and (provider or maker in words_of("routed"))):
            return Named(one.text, sure, detail=f"as {provider or 'a router'} names it") if sure else None
        whole = f"{maker}/{name}"
        hub = (
            "ms" if key.word.startswith("modelscope") else "hf" if key.word.startswith(("hf ", "huggingface")) else hub
        )
        detail = f"by way of {provider}" if provider else ""
        return Named(whole, sure, _reference(hub, whole, one.revision, one.part), detail)

    def _behind_provider(self, one: Candidate, provider: str, name: str, key: Key) -> Named | None:
        """Return a name behind a provider: `ollama/qwen3`, `deepseek/deepseek-chat`, `azure/gpt-4o`."""
        text = f"{name}:{one.part}" if one.part else name
        is_served = bool(self._forms.served_by(name.lower()))
        if not self._forms.is_known(name) or (key.weight == "none" and not is_served and not is_dressed(text)):
            return None
        whole = f"{one.text}:{one.part}" if one.part else one.text
        return Named(whole, _sure(key, _HIGH), detail=f"asked by way of {provider}")

    def _file(self, name: str, key: Key) -> Named | None:
        is_family = self._forms.is_family(name)
        is_any = name.lower().removesuffix(".gguf") in {"model", "models", "weights", "ggml-model", "file"}
        if is_any or is_companion(name) or (key.weight == "none" and not is_family):
            return None
        return Named(name, _MEDIUM if is_family else _LOW, detail="a GGUF file that the text names")

    def _path(self, path: str, key: Key) -> Named | None:
        """Return the model that a path under a model's key ends in: `--model /models/Qwen3-8B`."""
        last = path.replace("\\", "/").rstrip("/").rpartition("/")[2]
        is_name = self._forms.is_family(last) and last.lower() not in words_of("not_names") and not ends_as_file(last)
        if key.weight not in _OF_A_MODEL or not is_name:
            return None
        return Named(last, _MEDIUM if is_dressed(last) else _LOW, detail="the end of a path that the text names")

    def _bare(self, text: str, key: Key) -> Named | None:
        """Return a name without a maker: served by a provider or by Ollama, or loaded by its short name."""
        lower = text.lower()
        provider, _, rest = lower.partition(":")
        if lower in words_of("not_names") and (key.weight != "loads" or "-" in lower or "_" in lower):
            is_asked = key.weight in {"strong", "weak"} and not key.word.startswith("-")
            return Named(text, _LOW, detail="a short name") if is_asked and lower in words_of("ollama_names") else None
        if rest and provider in words_of("providers") and self._forms.is_known(rest):
            return Named(text, _sure(key, _HIGH), detail=f"asked by way of {provider}")
        if by := self._forms.served_by(lower):
            return Named(text, _sure(key, _HIGH), detail=f"served by {by}")
        if rest and not OLLAMA_TAG.fullmatch(lower):
            return None
        if key.weight == "none":
            is_tagged = rest and self._forms.is_family(provider)
            is_one = is_tagged or (self._forms.is_family(text) and is_sized(text))
            return (
                Named(text, _LOW, detail="a name as Ollama writes it" if rest else "a name alone") if is_one else None
            )
        return self._loaded(text, key)

    def _loaded(self, text: str, key: Key) -> Named | None:
        """Return a model of the hub by its short name, or what else a model's key names."""
        if whole := whole_name(text):
            return Named(whole, _HIGH, f"hf:{whole}", f"written as {text}") if key.weight != "weak" else None
        sure = (_HIGH if key.weight == "loads" else _MEDIUM) if self._forms.is_family(text) else _LOW
        is_name = sure is not _LOW or is_dressed_word(text)
        return Named(text, sure, detail="a name without a maker") if is_name else None


def _on_hub(one: Candidate, key: Key) -> Named | None:
    """Judge a page of a hub, or a name behind the scheme of one."""
    if (
        is_placeholder(one.text.partition("/")[0])
        or ends_as_file(one.text)
        or (key.weight == "against" and key.word.startswith("dataset"))
    ):
        return None
    sure = _HIGH if key.weight in _OF_A_MODEL or one.revision else _MEDIUM
    return Named(one.text, sure, _reference(one.hub, one.text, one.revision, one.part))


def _served(text: str, key: Key) -> Named:
    """Return a name in a provider's own form."""
    if text.startswith(_OLLAMA):
        return Named(text.removeprefix(_OLLAMA), _HIGH, detail="as Ollama's scheme names it")
    return Named(text, _HIGH if key.weight in _OF_A_MODEL else _MEDIUM, detail=_form(text))


def _weigh(known: tuple[bool, bool], name: str, key: Key, *, is_routed: bool) -> Confidence | None:
    """Return how sure it is that a name is a model's; `known` says whether its maker and its family are."""
    looks = is_dressed(name)
    if key.weight == "loads":
        return _HIGH if any(known) or looks or key.word in words_of("hub_only") else _MEDIUM
    if key.weight == "none" and not is_routed:
        is_versioned = looks or any(c.isdigit() for c in name)
        return (_MEDIUM if is_versioned else _LOW) if all(known) else _LOW if any(known) and is_sized(name) else None
    if any(known):
        return _HIGH if known[0] and (known[1] or looks) else _MEDIUM
    if key.weight == "weak" and not is_routed:
        return _MEDIUM if is_sized(name) else _LOW if looks else None
    return _MEDIUM if looks else _LOW


def _sure(key: Key, most: Confidence) -> Confidence:
    return most if key.weight in _OF_A_MODEL else _LOW


def _form(text: str) -> str:
    """Say whose form of a name it is."""
    marks = {
        "@": "as Cloudflare Workers AI names it",
        "accounts/": "as Fireworks names it",
        "nim/": "an image of NVIDIA NIM",
        "publishers/": "as Vertex AI names it",
    }
    return next((said for mark, said in marks.items() if mark in text), "as Amazon Bedrock names it")


def _reference(hub: str, model: str, revision: str, part: str) -> str:
    pinned = f"@{revision}" if revision and _REVISION.fullmatch(revision) else ""
    return f"{hub or 'hf'}:{model}{pinned}" + (f":{part}" if part else "")
