"""What models are called: every spelling of a name leads to one model or family."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Names", "plain_name"]

# what says how weights were tuned or packed, and not which model they are
_TUNED = re.compile(r"(?:[-_](?:Instruct|Base|Chat|PT|hf|it|v0\.1|BF16))+$", re.IGNORECASE)
_MADE = re.compile(r"^(?:Meta|NVIDIA|AI21|c4ai|Tencent)-(?=[A-Za-z])")
_ACTIVE = re.compile(r"-A\d+(?:\.\d+)?B$")


def plain_name(name: str) -> str:
    """Return a name in lower case without its separators: `DeepSeek V3` is `DeepSeek-V3`."""
    return re.sub(r"[-_/\s\u2010\u2011\u2013]+", "", name.lower())


def bare_name(model: str) -> str:
    """Return a model's name without its maker, and without how it was tuned or packed."""
    return _TUNED.sub("", model.rpartition("/")[2])


class Names:
    """Spellings of models' names. `models` are ids in order of preference; ids of one bare name are one model."""

    def __init__(self, models: Iterable[str], table: Mapping[str, Any]) -> None:
        self.ids: dict[str, list[str]] = {}
        for model in models:
            self.ids.setdefault(plain_name(bare_name(model)), []).append(model)
        self.families: dict[str, tuple[tuple[str, ...], bool]] = {}
        self._spelt: dict[str, str] = {}
        for key, ids in self.ids.items():
            for model in ids:
                for name in (model, model.rpartition("/")[2], bare_name(model), _MADE.sub("", bare_name(model))):
                    self._spelt.setdefault(plain_name(name), key)
        for key, ids in list(self.ids.items()):
            self._spelt.setdefault(plain_name(_ACTIVE.sub("", _MADE.sub("", bare_name(ids[0])))), key)
        self._read(table)
        self.variants = frozenset(table["strangers"]["variants"])
        self.brands = frozenset(table["strangers"]["brands"])
        self.quiet = frozenset(table["strangers"]["quiet"])
        self._tails = {
            plain_name(name): (row["after"], self._spelt.get(plain_name(row["model"]), plain_name(row["model"])))
            for name, row in table["tails"].items()
        }
        self.topics = {
            plain_name(topic): self._spelt.get(plain_name(model), plain_name(model))
            for topic, model in table["topics"].items()
        }
        spelt = {*self._spelt, *self._tails}
        self.prefixes = {name[:length] for name in spelt for length in range(1, len(name) + 1)}
        self._brands = {*self.brands, *(row["after"] for row in table["tails"].values())}

    def _read(self, table: Mapping[str, Any]) -> None:
        """Take aliases and families in."""
        for model, others in table["aliases"].items():
            key = self._spelt.get(plain_name(model), plain_name(model))
            key = next((self._spelt[name] for name in map(plain_name, others) if name in self._spelt), key)
            self.ids.setdefault(key, [model])
            for name in (model, *others):
                self._spelt[plain_name(name)] = key
        for family, row in table["families"].items():
            key = f"family {plain_name(family)}"
            members = tuple(self._spelt.get(plain_name(name), plain_name(name)) for name in row["members"])
            self.families[key] = members, bool(row["complete"])
            self.ids[key] = [f"{family} (family)"]
            self._spelt[plain_name(family)] = key
        self._quiet_families = {f"family {plain_name(name)}" for name, row in table["families"].items()
                                if row.get("alone")}  # fmt: skip

    def add(self, model: str) -> str:
        """Return the key of a model that facts speak of, which is new where no repository has its name."""
        key = self._spelt.setdefault(plain_name(model), plain_name(model))
        self.ids.setdefault(key, [model])
        return key

    def close(self) -> None:
        """Take in the beginnings of names that were added."""
        self.prefixes |= {name[:length] for name in self._spelt for length in range(1, len(name) + 1)}

    def find(self, name: str) -> str | None:
        """Return the key of the model that a name means, or None; another maker's copy is another model."""
        plain = plain_name(name)
        maker = name.rpartition("/")[0].lower()
        key = self._spelt.get(plain_name(bare_name(name)))
        if maker and plain not in self._spelt and key is not None:
            makers = {model.rpartition("/")[0].lower() for model in self.ids[key]}
            return key if maker in makers or (not any(makers) and key not in self.families) else None
        return self._spelt.get(plain) or self.topics.get(plain) or self._spelt.get(plain_name(bare_name(name)))

    def find_plain(self, plain: str, seen: set[str], written: str) -> str | None:
        """Return the key for a plain name in prose: short forms where their brand was named, families capitalised."""
        if tail := self._tails.get(plain):
            return tail[1] if tail[0] in seen else None
        key = self._spelt.get(plain)
        if key in self._quiet_families and (plain != "kimi" or not written[0].isupper()):
            return None
        return key

    def shown(self, key: str) -> str:
        """Return the id by which a model is shown."""
        return self.ids[key][0]

    def brand_of(self, word: str) -> str | None:
        """Return the brand that a word names, as in `deepseek` or `Qwen3`."""
        stem = re.match(r"[a-z]+", word)
        return stem[0] if stem and stem[0] in self._brands else None
