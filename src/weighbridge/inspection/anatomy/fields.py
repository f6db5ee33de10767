"""Read typed fields from a config written by strangers: a wrong type, a giant or a contradiction ends in a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MAX_LAYERS", "Fields", "Refused"]

MAX_LAYERS = 2048
_MOST = 2**31 - 1


class Refused(Exception):
    """The config does not determine the model; the message says why, as in "`hidden_size` is missing"."""


class Fields:
    """One section of a config. Null counts as absent. `defaults` are those of the library that builds the model.

    Sections share `used`, the keys that were asked for, and `assumed`, one sentence for each default that was taken.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        defaults: Mapping[str, Any] | None = None,
        *,
        used: set[str] | None = None,
        assumed: list[str] | None = None,
    ) -> None:
        self.config = config
        self.defaults: Mapping[str, Any] = defaults or {}
        self.used: set[str] = set() if used is None else used
        self.assumed: list[str] = [] if assumed is None else assumed

    def with_defaults(self, **defaults: object) -> Fields:
        """Return the same section with a library's defaults for what is absent."""
        return Fields(self.config, {**self.defaults, **defaults}, used=self.used, assumed=self.assumed)

    def section(self, *keys: str) -> Fields | None:
        """Return the first of several nested objects, or None where there is none."""
        value = self.value(*keys)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise Refused(f"{quote(keys[0])} is no object")
        return Fields(value, used=self.used, assumed=self.assumed)

    def value(self, *keys: str) -> Any:
        """Return what stands under the first of several names of one field; two that disagree are refused."""
        self.used.update(keys)
        found = {key: value for key in keys if (value := self.config.get(key)) is not None}
        if not found:
            return None
        first, value = next(iter(found.items()))
        for key, other in found.items():
            if other != value or type(other) is not type(value):
                raise Refused(f"{quote(first)} and {quote(key)} disagree")
        return value

    def has(self, *keys: str) -> bool:
        """Whether one of the names carries a value."""
        return self.value(*keys) is not None

    def count(self, *keys: str, default: int | None = None, at_least: int = 1, at_most: int = _MOST) -> int:
        """Return a whole number within bounds; `default`, or the library's, where it is absent."""
        value = self.value(*keys)
        if value is None:
            value = self._default(keys, default)
        return _count(keys[0], value, at_least, at_most)

    def optional(self, *keys: str, at_least: int = 0) -> int | None:
        """Return a whole number, or None where it is absent or null."""
        value = self.value(*keys)
        if value is None:
            value = next((self.defaults[key] for key in keys if key in self.defaults), None)
        return None if value is None else _count(keys[0], value, at_least, _MOST)

    def flag(self, *keys: str, default: bool | None = None) -> bool:
        """Return true or false; `default`, or the library's, where it is absent."""
        value = self.value(*keys)
        if value is None:
            value = self._default(keys, default)
        if not isinstance(value, bool):
            raise Refused(f"{quote(keys[0])} is neither true nor false")
        return value

    def ratio(self, *keys: str, default: float | None = None) -> float:
        """Return a positive number, whole or not."""
        value = self.value(*keys)
        if value is None:
            value = self._default(keys, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _MOST:
            raise Refused(f"{quote(keys[0])} is not a positive number")
        return float(value)

    def word(self, *keys: str, default: str | None = None) -> str | None:
        """Return a short text, or `default` where it is absent."""
        value = self.value(*keys)
        if value is None:
            value = next((self.defaults[key] for key in keys if key in self.defaults), default)
        if value is not None and not isinstance(value, str):
            raise Refused(f"{quote(keys[0])} is no text")
        return value

    def words(self, key: str, length: int) -> tuple[str, ...] | None:
        """Return a list of `length` texts, one a layer; None where it is absent."""
        value = self.value(key)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise Refused(f"{quote(key)} is no list of texts")
        _same_length(key, value, length)
        return tuple(value)

    def counts(self, key: str, length: int, *, at_least: int = 0) -> tuple[int, ...] | None:
        """Return `length` whole numbers, from a list of as many or from one number for all; None where it is absent."""
        value = self.value(key)
        if value is None:
            return None
        if isinstance(value, list):
            _same_length(key, value, length)
            return tuple(_count(key, item, at_least, _MOST) for item in value)
        return (_count(key, value, at_least, _MOST),) * length

    def members(self, key: str) -> frozenset[int]:
        """Return a list of layer numbers as a set; empty where it is absent."""
        value = self.value(key)
        if value is None:
            return frozenset()
        if not isinstance(value, list) or len(value) > MAX_LAYERS:
            raise Refused(f"{quote(key)} is no list of layers")
        return frozenset(_count(key, item, 0, MAX_LAYERS) for item in value)

    def layers(self, *keys: str) -> int:
        """Return the number of layers, which is never assumed."""
        return self.count(*(keys or ("num_hidden_layers",)), at_most=MAX_LAYERS)

    def _default(self, keys: tuple[str, ...], default: object) -> Any:
        value = default if default is not None else next((self.defaults[k] for k in keys if k in self.defaults), None)
        if value is None:
            raise Refused(f"{quote(keys[0])} is missing")
        said = f"`{keys[0]}` is not declared; the library's default {value} is taken"
        if said not in self.assumed:
            self.assumed.append(said)
        return value


def _count(key: str, value: Any, at_least: int, at_most: int) -> int:
    if type(value) is not int:
        raise Refused(f"{quote(key)} is not a whole number")
    if not at_least <= value <= at_most:
        raise Refused(f"{quote(key)} is out of range: {quote(str(value), 40)}")
    return value


def _same_length(key: str, value: list[Any], length: int) -> None:
    if len(value) != length:
        raise Refused(f"{quote(key)} has {len(value)} entries for {length} layers")
