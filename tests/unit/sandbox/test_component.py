from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from weighbridge.errors import SandboxUnavailable

wasmtime = pytest.importorskip("wasmtime")
component = pytest.importorskip("weighbridge.sandbox.component")

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of compiled code in a cache of this test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder: Path = component.private_folder()
    return folder


def test_the_cache_is_the_users_alone(cache: Path) -> None:
    """Compiled code is kept where nobody else can write, whatever the umask."""
    assert cache.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_can_write_is_refused(cache: Path) -> None:
    """What others could have put there is not loaded."""
    cache.chmod(0o777)
    with pytest.raises(SandboxUnavailable, match="others could write"):
        component.private_folder()


def test_a_link_to_a_folder_is_refused(cache: Path, tmp_path: Path) -> None:
    """Nor is what stands behind a link that somebody may turn."""
    cache.rmdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    cache.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SandboxUnavailable, match="others could write"):
        component.private_folder()


def test_compiled_code_that_others_can_write_is_refused(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file itself is looked at, too, and before it is loaded."""
    monkeypatch.setattr(component, "_key", lambda: "key")
    place = cache / "key.cwasm"
    place.write_bytes(b"")
    place.chmod(0o666)
    with pytest.raises(SandboxUnavailable, match="was not written by you alone"):
        component.cached_component(wasmtime.Engine())


def test_a_damaged_file_is_built_anew(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What wasmtime does not take for its own compiled code is replaced, not run."""
    built: list[str] = []
    monkeypatch.setattr(component, "_key", lambda: "key")
    monkeypatch.setattr(component, "_build", lambda _engine, place, _progress: built.append(place.name))
    (cache / "key.cwasm").write_bytes(b"\x7fELF not ours")
    (cache / "key.cwasm").chmod(0o600)
    with pytest.raises(SandboxUnavailable, match="cannot be loaded"):
        component.cached_component(wasmtime.Engine())
    assert built == ["key.cwasm"]


def test_a_builder_that_fails_is_told_in_one_line(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last line of what componentize-py said is the reason given; nothing half-made stays."""
    monkeypatch.setattr(component, "_BUILDER", "import sys; print('no space left', file=sys.stderr); sys.exit(1)")
    with pytest.raises(SandboxUnavailable, match="could not be built: no space left"):
        component.cached_component(wasmtime.Engine())
    assert [path.name for path in cache.iterdir()] == ["building"]


def test_the_key_follows_the_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another source, another file: old compiled code is never taken for the new."""
    before = component._key()
    (tmp_path / "app.py").write_text("pass")
    monkeypatch.setattr(component, "_GUEST", tmp_path)
    assert component._key() != before
