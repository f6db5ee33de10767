"""Licence, safety, origin, openness and fit in the dossier: what was found, where it stands, and strangers' words."""

from __future__ import annotations

from typing import Any

import pytest

from weighbridge.core.kinds import KINDS
from weighbridge.dossier import html, markdown
from weighbridge.dossier.compose import Dossier, compose

EVIL = "<script>alert(1)</script>"
BODIES: dict[str, dict[str, Any]] = {
    "licence/v1": {
        "licences": ["llama-3.3"], "text_found": True, "conflicts_found": 1, "questions": ["Is your seat in the EU?"],
        "in_force": [
            {"source": "LICENSE", "role": "weights", "basis": "text", "licence": "llama-3.3", "verdict": "altered",
             "differences": [{"kind": "number", "text": "7 million", "reference": "700 million", "material": True},
                             {"kind": "name", "text": EVIL, "reference": "Meta", "material": False}]},
        ],
        "conflicts": [{"name": "tag-against-base", "message": f"the tag says mit {EVIL}"}],
        "terms": {"mau_threshold": {"value": "700000000", "clause": "2", "quotes": ["greater than 700 million"]}},
    },
    "safety/v1": {
        "verdict": "runs code on load", "counts": {"runs_code": 1, "nothing_found": 1},
        "files": [
            {"path": "a.pkl", "verdict": "runs code on load", "format": "pickle", "findings": [
                {"check": "pickle-code", "severity": "critical", "confidence": "high", "effect": "runs-code",
                 "place": "a.pkl", "message": "calls `os.system`"}]},
            {"path": "m.safetensors", "verdict": "nothing found", "format": "safetensors"},
        ],
        "checks": [{"check": "onnx-paths", "looks_at": "ONNX", "looked": 0, "found": None}],
    },
    "lineage/v1": {
        "declared": [{"name": "meta/Llama-3.1-70B-Instruct", "source": "README.md", "standing": "base"}],
        "bases": ["meta/Llama-3.1-70B-Instruct"], "agreement": "sources contradict",
        "contradictions": ["the card names Llama 3.1, the config Llama 3"],
    },
    "openness/v1": {
        "standing": "open weight", "sentence": "The weights may be had; what they were made from is not shown.",
        "frameworks": [{"id": "mof", "name": "Model Openness Framework", "version": "1.0", "source": "LF AI & Data",
                        "grade": "not shown", "why": "data unknown", "counts": {"unknown": 9}, "items": []}],
    },
    "provenance/v1": {
        "hub": "hf", "repository": "maker/model", "commit": "a" * 40,
        "templates": [{"place": "tokenizer_config.json", "name": "default", "characters": 99, "sha256": "b" * 64}],
        "signatures": [{"place": "model.sig", "signs": "https://model_signing/signature/v1.0", "signer": "key 1"}],
    },
    "fit/v1": {
        "asked": {"device": "h100-sxm", "devices": 8, "engine": "vllm", "context": 32768, "sequences": 16,
                  "quantization": "fp8"},
        "verdict": "does not fit", "reason": "the weights alone are more than a device offers",
        "weights": {"low": 2**36, "high": 2**36}, "room": {"low": 2**35, "high": 2**35},
    },
}  # fmt: skip


@pytest.fixture
def examined(weighed: Any) -> Dossier:
    """Return a dossier with one statement of each kind."""
    for kind, body in BODIES.items():
        KINDS[kind].model_validate(body)
    return compose(weighed.decision(), [weighed.stated(kind, body) for kind, body in BODIES.items()])


@pytest.mark.parametrize("render", [html.render, markdown.render])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_lawyer_and_security_sign_is_on_the_page(examined: Dossier, render: Any, language: str) -> None:
    """Altered words, conflicts, clauses, running code, contradictions and what does not fit; no word of it is lost."""
    text = render(examined, language).decode().replace("\\", "")
    for words in ("7 million", "700 million", "the tag says mit", "greater than 700 million", "Is your seat in the EU?",
                  "a.pkl", "os.system", "the config Llama 3", "what they were made from is not shown",
                  "8 x h100-sxm", "64.0-64.0 GiB", "hf:maker/model@aaaa", "b" * 64, "key 1"):  # fmt: skip
        assert words in text, words


def test_strangers_words_are_escaped_and_harmless_differences_left_out(examined: Dossier) -> None:
    """A conflict may quote a file; a difference in names is not material."""
    page = html.render(examined, "en").decode()
    assert "<script>" not in page
    assert page.count("alert(1)") == 1


def test_harmless_files_are_counted_and_not_listed(examined: Dossier) -> None:
    """The table is for what needs a look; a check that looked at no file has a dash."""
    text = markdown.render(examined, "en").decode()
    assert "m.safetensors" not in text
    assert "| onnx-paths | ONNX | 0 | - |" in text.replace("\\", "")


def test_without_a_statement_an_area_was_not_looked_at(weighed: Any) -> None:
    """Six areas, six times "not looked at"; never a zero."""
    text = markdown.render(compose(weighed.decision(), []), "en").decode()
    part = text.split("What the files say of use", 1)[1].split("\n## ", 1)[0]
    assert part.count("Not looked at") == 6
