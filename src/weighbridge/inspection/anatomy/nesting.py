"""Find the language model inside a wrapper's config, with the defaults and the tying that its library would apply."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

from weighbridge.formats.place import quote
from weighbridge.inspection.anatomy.fields import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.inspection.anatomy.structure import Structure, Weight

__all__ = ["SECTIONS", "Text", "text_of"]

SECTIONS = ("text_config", "llm_config", "language_config")
_THINKER = "thinker_config"
_TIE = "tie_word_embeddings"


@dataclass(frozen=True, slots=True)
class Wrapper:
    """How one kind of wrapper nests its language model; a row of `nesting.toml`, where the keys are explained."""

    text: str
    tie: Literal["outer", "inner", "either", "never"]
    tied: bool
    place: str
    head: str


@dataclass(frozen=True, slots=True)
class Text:
    """The section of the language model as one flat config.

    `defaulted` are the keys that the library fills in, `tied` is set where it also decides whether embeddings are tied.
    """

    config: dict[str, Any]
    kind: str
    wrapper: Wrapper | None = None
    defaulted: frozenset[str] = frozenset()
    tied: bool | None = None

    def assumed(self, used: set[str]) -> tuple[str, ...]:
        """Return a sentence for the defaults that a builder has used, and one for the library's tying."""
        keys = sorted(self.defaulted & used)
        said = ", ".join(f"{key} {self.config[key]}" for key in keys)
        filled = (f"the text section leaves out what the library fills in: {said}",) if keys else ()
        if self.tied is None:
            return filled
        flag = "true" if self.tied else "false"
        return (*filled, f"`{_TIE}` is not declared for the whole model; the library's default {flag} is taken")

    def placed(self, structure: Structure) -> Structure:
        """Return a structure with the names that the wrapper's checkpoints give the text's weights."""
        if self.wrapper is None:
            return structure
        wrapper = self.wrapper

        def moved(name: str) -> str:
            if name.startswith("lm_head"):
                return wrapper.head + name.removeprefix("lm_head")
            return wrapper.place + name.removeprefix("model") if name.startswith("model.") else name

        def renamed(weight: Weight) -> Weight:
            return replace(weight, name=moved(weight.name))

        return replace(
            structure,
            outside=tuple(renamed(weight) for weight in structure.outside),
            layer_prefix=moved(structure.layer_prefix),
        )


def text_of(config: Mapping[str, Any], name: str) -> Text:
    """Return the language model's section of a config whose outer type is `name`; raises Refused."""
    thinker = config.get(_THINKER)
    if isinstance(thinker, dict):
        declared = thinker.get("model_type")
        return text_of(
            {key: value for key, value in thinker.items() if key != _THINKER},
            declared if isinstance(declared, str) and declared else f"{name}_thinker",
        )
    inner = next((part for key in SECTIONS if isinstance(part := config.get(key), dict)), None)
    wrapper = _wrappers().get(name)
    if inner is None:
        return Text(_flat(config, wrapper), name, wrapper)
    declared = inner.get("model_type")
    kind = declared if isinstance(declared, str) and declared else ""
    if wrapper is None:
        return Text(_fallen_back(config, inner), kind or name)
    kind = kind or wrapper.text
    defaults = {key: value for key, value in _defaults().get(kind, {}).items() if key not in inner}
    tied = _tied(wrapper, config.get(_TIE), inner.get(_TIE), default=_defaults().get(kind, {}).get(_TIE))
    merged = {**defaults, **inner, _TIE: tied, "model_type": kind}  # a declared null is no absent field
    is_open = config.get(_TIE) is None and wrapper.tie in ("outer", "either") and inner.get(_TIE) is not tied
    return Text(merged, kind, wrapper, frozenset(defaults) - {_TIE}, tied if is_open else None)


def _flat(config: Mapping[str, Any], wrapper: Wrapper | None) -> dict[str, Any]:
    """Return a config without a text section, tied as its wrapper ties where the config does not say it."""
    if wrapper is None or wrapper.tie == "inner":
        return dict(config)
    outer = config.get(_TIE)
    return {**config, _TIE: _tied(wrapper, outer, None, default=False)}


def _fallen_back(config: Mapping[str, Any], inner: Mapping[str, Any]) -> dict[str, Any]:
    """Return the section of a wrapper that is not known, the outer keys as fallbacks; a flag in dispute is refused."""
    flags = {flag for flag in (config.get(_TIE), inner.get(_TIE)) if isinstance(flag, bool)}
    if len(flags) > 1:
        raise Refused(f"{quote(_TIE)} is declared twice, and the two disagree")
    merged = {**config, **inner}
    return {**merged, _TIE: flags.pop()} if flags else merged


def _tied(wrapper: Wrapper, outer: Any, inner: Any, *, default: Any) -> bool:
    """Return whether the wrapper ties its head to its embedding."""
    for flag in (outer, inner):
        if flag is not None and not isinstance(flag, bool):
            raise Refused(f"{quote(_TIE)} is neither true nor false")
    outside = wrapper.tied if outer is None else outer
    inside = bool(default if inner is None else inner)
    return {"outer": outside, "inner": inside, "either": outside or inside, "never": False}[wrapper.tie]


@cache
def _tables() -> dict[str, Any]:
    text = files("weighbridge.inspection.anatomy").joinpath("nesting.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def _wrappers() -> dict[str, Wrapper]:
    return {name: Wrapper(**row) for name, row in _tables()["wrappers"].items()}


def _defaults() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = _tables()["text"]
    return found
