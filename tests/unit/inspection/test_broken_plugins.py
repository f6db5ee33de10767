from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from typing import TYPE_CHECKING

import pytest

from weighbridge import plugin
from weighbridge.core.kinds import FilesV1
from weighbridge.errors import UsageError
from weighbridge.inspection.files import inspect_files
from weighbridge.testing.pinned import pin
from weighbridge.testing.tiny_weights import gguf_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TODAY = date(2026, 11, 21)

IMPORTS = {
    "raises": "raise RuntimeError('two\\nlines')",
    "divides": "1 / 0",
    "exits": "import sys; sys.exit('bye')",
    "misses": "import no_such_module_at_all",
    "garbled": "def (",
    "mute": "class E(Exception):\n    def __str__(self):\n        raise ValueError\nraise E",
    "odd": "class E(BaseException): pass\nraise E('odd')",
    "lacks": "",
}
RUNS = {
    "crashes": "def check(artefact):\n    raise ValueError(f'bad {artefact.name}')",
    "stops": "def check(artefact):\n    raise SystemExit(3)",
    "not_callable": "check = 7",
    "half": (
        "from weighbridge.core.finding import Finding, Severity\n"
        "def check(artefact):\n    yield Finding('half', Severity.LOW, 'a', 'seen')\n    raise OSError('gone')"
    ),
}


def _install(folder: Path, modules: dict[str, str]) -> None:
    """Lay out a distribution named `foreign` with one check a module, as pip leaves it."""
    info = folder / "foreign-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign\nVersion: 1\n")
    lines = [f"{name} = foreign_{name}:check" for name in modules]
    (info / "entry_points.txt").write_text("\n".join(["[weighbridge.checks]", *lines, ""]))
    for name, source in modules.items():
        (folder / f"foreign_{name}.py").write_text(source)


@pytest.fixture
def foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Install the broken checks for one test; the folder holds a model to inspect."""
    _install(tmp_path / "site", {**IMPORTS, **RUNS})
    monkeypatch.syspath_prepend(tmp_path / "site")
    plugin.find.cache_clear()
    plugin._installed.cache_clear()
    model = tmp_path / "model"
    model.mkdir()
    (model / "LICENSE").write_text("x")
    (model / "m.gguf").write_bytes(gguf_bytes())
    yield model
    plugin.find.cache_clear()
    plugin._installed.cache_clear()
    for name in (*IMPORTS, *RUNS):
        sys.modules.pop(f"foreign_{name}", None)


@pytest.mark.usefixtures("foreign")
@pytest.mark.parametrize("name", IMPORTS)
def test_whatever_an_import_raises_is_a_usage_error(name: str) -> None:
    """One line that names the plug-in and its package, and a hint."""
    with pytest.raises(UsageError) as caught:
        plugin.load("checks", name)
    assert caught.value.message.startswith(f"the check `{name}` of `foreign` could not be loaded: ")
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_a_check_that_breaks_is_a_high_finding(foreign: Path) -> None:
    """Whether it cannot be loaded or cannot be run: nothing is known, which must not pass as clean."""
    body = FilesV1.model_validate(inspect_files(pin(foreign), TODAY).body)
    broken = {found.check: found for found in body.findings if found.place == "."}
    assert set(broken) == {*IMPORTS, *RUNS}
    assert {(found.severity, found.confidence) for found in broken.values()} == {("high", "low")}
    start = "the check did not finish, so nothing is known of what it looks for: "
    assert all(found.message.startswith(start) for found in broken.values())
    assert broken["crashes"].message == f"{start}`ValueError: bad model`"
    assert "could not be loaded" in broken["divides"].message
    assert body.findings_by_severity.high == len(broken)
    assert not set(broken) & set(body.checks)
    assert {"damaged-weights", "unread-code"} <= set(body.checks)


def test_what_a_check_found_before_it_broke_is_kept(foreign: Path) -> None:
    """Both statements stand: what was seen, and that the rest was not looked at."""
    body = FilesV1.model_validate(inspect_files(pin(foreign), TODAY).body)
    assert [found.severity for found in body.findings if found.check == "half"] == ["high", "low"]


def test_the_list_of_plug_ins_survives_them_all(tmp_path: Path) -> None:
    """`weighbridge plugins` in a process of its own says which do not load, and goes on."""
    _install(tmp_path / "site", IMPORTS)
    done = subprocess.run(
        [sys.executable, "-m", "weighbridge", "plugins"],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("of `foreign` could not be loaded") == len(IMPORTS)
    assert "damaged-weights" in done.stdout
