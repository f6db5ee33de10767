from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

import pytest

from weighbridge.core.finding import Effect, Finding, Severity
from weighbridge.testing.pinned import pin

pytestmark = pytest.mark.shared

HUB = Path(os.environ.get("WEIGHBRIDGE_SHARED", Path(__file__).parents[3] / "shared")) / "data" / "hub"
MODELS = Path.home() / ".cache" / "weighbridge-test-models"
PLACES = [*sorted(path for path in HUB.glob("*") if path.is_dir()), *sorted(MODELS.glob("*.gguf"))]
CHECKS = ("template_code", "template_words", "template_behaviour", "template_origin")
HARD = {Severity.HIGH, Severity.CRITICAL}


@pytest.mark.parametrize("place", PLACES, ids=lambda path: path.name)
def test_no_real_template_is_accused(place: Path) -> None:
    """Of 15 repositories and four GGUF files; none of their templates is malicious, so nothing bears on loading."""
    artefact = pin(place)
    found = [
        one
        for name in CHECKS
        for one in getattr(import_module(f"weighbridge.inspection.checks.templates.{name}"), name)(artefact)
        if isinstance(one, Finding)
    ]
    assert [one for one in found if one.severity in HARD or one.effect not in {None, Effect.UNKNOWN}] == []


@pytest.mark.parametrize("place", sorted(MODELS.glob("*.gguf")), ids=lambda path: path.name)
def test_no_real_gguf_holds_stray_bytes(place: Path) -> None:
    """llama.cpp's converter pads with zeros and adds nothing."""
    check = import_module("weighbridge.inspection.checks.stray_bytes").stray_bytes
    assert [one for one in check(pin(place)) if isinstance(one, Finding)] == []
