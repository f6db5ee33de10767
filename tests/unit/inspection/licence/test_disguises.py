"""What only dresses a licence text leaves its name; what turns a term takes it: over a sample of the base."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from weighbridge.inspection.licence.base import load_base
from weighbridge.inspection.licence.identify import identify

if TYPE_CHECKING:
    from types import ModuleType

BENCH = Path(__file__).resolve().parents[4] / "bench/licence_identify.py"
LICENCES = (
    "mit", "apache-2.0", "bsd-3-clause", "gpl-3.0", "mpl-2.0", "cc-by-nc-4.0", "llama-3.1", "llama-2",
    "gemma-2024-04-01", "deepseek-model-1.0", "qwen-2024", "tencent-hunyuan-community-eu", "yi-2.1",
    "moonshot-modified-mit", "minimax-model-licence", "falcon-180b-1.0", "exaone-1.1-nc", "chatglm-6b",
    "stability-community-2024", "bigcode-openrail-m-v1", "gml-attribution", "bilibili-index-1.0",
)  # fmt: skip


def load_bench() -> ModuleType:
    """Return the bench that holds the disguises and changes."""
    spec = importlib.util.spec_from_file_location("licence_identify", BENCH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


bench = load_bench()


def dice(seed: int) -> random.Random:
    """Return dice that fall the same way each time."""
    return random.Random(seed)  # noqa: S311 - no secret


def text_of(licence_id: str) -> str:
    """Return the first text that the base holds of a licence."""
    return next(known.read() for known in load_base().references.values() if known.licence_id == licence_id)


@pytest.mark.parametrize("licence_id", LICENCES)
@pytest.mark.parametrize("disguise", sorted(set(bench.DISGUISES) - {"translated headings", "hyphenated"}))
def test_a_disguise_keeps_the_name(licence_id: str, disguise: str) -> None:
    """Wrapping, mark-up, comment signs, capitals, quotes and slips of recognition touch no term."""
    found = identify(bench.DISGUISES[disguise](text_of(licence_id), dice(7)))
    assert found.licence_id == licence_id
    assert bench.files_plainly(found), found.material


@pytest.mark.parametrize("licence_id", LICENCES)
@pytest.mark.parametrize("change", sorted(bench.CHANGES))
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_changed_term_takes_the_plain_name(licence_id: str, change: str, seed: int) -> None:
    """A number, territory, negation, duty, clause or rider that differs is never passed over."""
    text = text_of(licence_id)
    changed = bench.CHANGES[change](text, dice(seed))
    if changed is None or changed == text:
        pytest.skip("the text has no such place")
    assert not bench.files_plainly(identify(changed))
