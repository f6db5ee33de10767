from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.kinds import CardV1
from weighbridge.inspection.card import inspect_card
from weighbridge.testing.pinned import pin
from weighbridge.testing.tiny_weights import gguf_bytes

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 11, 21)


def _card(path: Path) -> CardV1:
    return CardV1.model_validate(inspect_card(pin(path), TODAY).body)


def _gguf(folder: Path, metadata: dict[str, Any]) -> None:
    (folder / "m.gguf").write_bytes(gguf_bytes({"general.architecture": "llama", **metadata}))


def test_a_card_is_read_as_declared(tmp_path: Path) -> None:
    """The licence tag is lower-cased; one base model or language and a list of them read alike."""
    (tmp_path / "README.md").write_text(
        "---\nlicense: Apache-2.0\nlicense_link: https://x/LICENSE\nbase_model: Qwen/Qwen3-14B\n"
        "language: no\ntags:\n- mlx\nlibrary_name: mlx\n---\n"
    )
    assert _card(tmp_path) == CardV1(
        source="README.md", licence="apache-2.0", licence_link="https://x/LICENSE", base_models=["Qwen/Qwen3-14B"],
        languages=["no"], tags=["mlx"], library="mlx",
    )  # fmt: skip


def test_gguf_metadata_declares_too(tmp_path: Path) -> None:
    """Base models are named by their repository, in the hub's own form."""
    _gguf(
        tmp_path,
        {
            "general.license": "MIT",
            "general.languages": ["en", "zh"],
            "general.tags": ["chat"],
            "general.base_model.count": 2,
            "general.base_model.0.name": "Qwen2.5 7B",
            "general.base_model.0.repo_url": "https://huggingface.co/Qwen/Qwen2.5-7B",
            "general.base_model.1.name": "Other",
            "general.base_model.1.organization": "Maker",
        },
    )
    assert _card(tmp_path) == CardV1(
        source="GGUF metadata of `m.gguf`", licence="mit", base_models=["Qwen/Qwen2.5-7B", "Maker/Other"],
        languages=["en", "zh"], tags=["chat"],
    )  # fmt: skip


def test_card_and_gguf_that_disagree_are_both_named(tmp_path: Path) -> None:
    """The card comes first, and the note says what the file declares."""
    (tmp_path / "README.md").write_text("---\nlicense: mit\nbase_model: a/b\n---\n")
    _gguf(tmp_path, {"general.license": "gemma", "general.base_model.0.name": "c"})
    card = _card(tmp_path)
    assert (card.source, card.licence) == ("README.md and GGUF metadata of `m.gguf`", "mit")
    assert card.notes == [
        "`README.md` declares the licence `mit`, the GGUF file `gemma`",
        "`README.md` names `a/b` as base, the GGUF file `c`",
    ]


def test_several_licence_tags_are_a_note(tmp_path: Path) -> None:
    """A list of licences does not say which file has which."""
    (tmp_path / "README.md").write_text("---\nlicense:\n- mit\n- Apache-2.0\n---\n")
    card = _card(tmp_path)
    assert card.licence == "mit, apache-2.0"
    assert card.notes == ["`README.md` declares several licences: `mit`, `Apache-2.0`"]


def test_nothing_declared_is_said_as_such(tmp_path: Path) -> None:
    """The statement exists, and its source is none."""
    (tmp_path / "config.json").write_text("{}")
    assert _card(tmp_path) == CardV1(source="none", licence=None)


@pytest.mark.parametrize("front", ["license: [", "license: mit\nlicense: gpl", "a: &a [1]\nb: *a", "- list"])
def test_a_damaged_card_is_a_note_and_the_gguf_is_still_read(tmp_path: Path, front: str) -> None:
    """One hostile file must not hide what another says."""
    (tmp_path / "README.md").write_text(f"---\n{front}\n---\n")
    _gguf(tmp_path, {"general.license": "mit"})
    card = _card(tmp_path)
    assert card.licence == "mit"
    assert len(card.notes) == 1
    assert card.notes[0].startswith("`README.md` (front matter) ")


@pytest.mark.parametrize("front", ["license: {a: b}", "base_model:\n- {a: b}\n- [x]", "tags: null", "language: ~"])
def test_values_of_another_shape_are_left_out(tmp_path: Path, front: str) -> None:
    """A card may hold anything anywhere; what is not text is not declared."""
    (tmp_path / "README.md").write_text(f"---\n{front}\n---\n")
    assert _card(tmp_path) == CardV1(source="none", licence=None)


def test_licence_files_are_listed_by_name(tmp_path: Path) -> None:
    """Names seen in real repositories, and neighbours that are something else."""
    real = ["LICENSE", "LICENSE-MODEL", "LICENSE.txt", "MODEL_LICENSE_AGREEMENT.txt", "NOTICE", "COPYING", "Licence.md",
            "UNLICENSE", "Notice.txt", "LICENSES/MIT.txt"]  # fmt: skip
    other = ["README.md", "license_check.py", "noticed.txt", "config.json", "LICENSE.json"]
    for name in real + other:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert _card(tmp_path).licence_files == sorted(real)
