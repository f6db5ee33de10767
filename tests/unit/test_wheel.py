"""What is published is what is in git: the wheel holds its files, byte for byte, and nothing that runs by itself.

LiteLLM 1.82.7 (2026-03, a `.pth` in the wheel that was never in the repository; BerriAI/litellm #24518) and 1.107.0
(2026-10, `cook.pth` and `sitecustomize.py`).
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

HERE = Path(__file__).parents[2]
WRITTEN_BY_BUILD = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE", "licenses/NOTICE"}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Take the last commit out of git."""
    git = shutil.which("git") or "git"
    done = subprocess.run([git, "archive", "HEAD"], cwd=HERE, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("this is no clone")
    folder = tmp_path_factory.mktemp("source")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def build(source: Path, to: Path) -> Path:
    """Build a wheel as pip does."""
    pytest.importorskip("hatchling", reason="the build's back end is not installed: pip install hatchling")
    script = f"from hatchling.build import build_wheel; print(build_wheel({str(to)!r}))"
    env = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=source, env=env, capture_output=True, text=True, check=True, timeout=60
    )
    return to / done.stdout.split()[-1]


def test_the_wheel_holds_what_git_holds_and_nothing_else(source: Path, tmp_path: Path) -> None:
    """Each file has the bytes of its blob; no `.pth`, no `sitecustomize.py`, no scripts; and two builds are equal."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    wheel = build(source, tmp_path / "a")
    assert wheel.read_bytes() == build(source, tmp_path / "b").read_bytes()
    package = source / "src"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        info = next(name.split("/")[0] for name in names if name.endswith(".dist-info/RECORD"))
        own = {name for name in names if not name.startswith(f"{info}/")}
        assert {name.removeprefix(f"{info}/") for name in names - own} == WRITTEN_BY_BUILD
        assert own == {str(path.relative_to(package)) for path in package.rglob("*") if path.is_file()}
        assert all(name.startswith("weighbridge/") for name in own)
        for name in own:
            assert archive.read(name) == (package / name).read_bytes(), name
    assert not [name for name in own if name.endswith((".pth", ".so", ".exe")) or "sitecustomize" in name]


def test_nothing_runs_when_a_wheel_is_built(source: Path) -> None:
    """The build has no hook of ours, and no program but its back end."""
    import tomllib

    project = tomllib.loads((source / "pyproject.toml").read_text())
    assert [one.partition(">")[0] for one in project["build-system"]["requires"]] == ["hatchling"]
    build = project["tool"]["hatch"]["build"]
    assert "hooks" not in build
    assert all("hooks" not in target for target in build["targets"].values())
    assert not {path.name for path in source.iterdir()} & {"setup.py", "hatch_build.py", "setup.cfg"}
