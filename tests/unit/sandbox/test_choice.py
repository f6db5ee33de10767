from __future__ import annotations

from typing import Any

import pytest

from weighbridge import plugin
from weighbridge.errors import ExtraMissing, SandboxUnavailable, UsageError
from weighbridge.sandbox.choice import choose


class _Plain:
    name = "plain"
    modules: frozenset[str] = frozenset()

    def __init__(self, progress: object) -> None:
        """Take what every sandbox is made with."""


class _WithNumpy(_Plain):
    name = "with-numpy"
    modules = frozenset({"numpy"})


class _Missing:
    modules = frozenset({"numpy"})

    def __init__(self, _progress: object) -> None:
        raise SandboxUnavailable("no namespaces", hint="ask the administrator")


def offer(monkeypatch: pytest.MonkeyPatch, **kinds: Any) -> None:
    """Have these sandboxes installed, and no other."""
    monkeypatch.setattr(plugin, "names", lambda _group: tuple(sorted(kinds)))
    monkeypatch.setattr(plugin, "load", lambda _group, name: kinds[name])


def test_webassembly_comes_first_and_namespaces_where_numpy_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stronger walls are taken unless the program needs what is not within them."""
    offer(monkeypatch, bubblewrap=_WithNumpy, wasm=_Plain, another=_WithNumpy)
    assert isinstance(choose(), _Plain)
    assert isinstance(choose({"numpy"}), _WithNumpy)
    assert isinstance(choose(name="bubblewrap"), _WithNumpy)


def test_a_sandbox_that_cannot_run_gives_way_to_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plug-in of somebody else's is as good, after ours."""
    offer(monkeypatch, wasm=_Missing, other=_WithNumpy)
    assert isinstance(choose(), _WithNumpy)


@pytest.mark.parametrize("kinds", [{}, {"wasm": _Missing}, {"wasm": _Plain, "bubblewrap": _Missing}])
def test_without_a_sandbox_nothing_is_run(monkeypatch: pytest.MonkeyPatch, kinds: dict[str, Any]) -> None:
    """There is no fall-back to a plain process; the error is the user's kind, and says what each lacks."""
    offer(monkeypatch, **kinds)
    with pytest.raises(SandboxUnavailable, match="no sandbox can run code here") as raised:
        choose({"numpy"})
    assert raised.value.exit_code == UsageError.exit_code == ExtraMissing.exit_code == 2
    if kinds:
        assert raised.value.hint is None or "administrator" in raised.value.hint
