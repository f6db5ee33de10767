from __future__ import annotations

import csv
import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from weighbridge.core.kinds import AnatomyV2, CardV1, FilesV1
from weighbridge.formats.safetensors import read_header
from weighbridge.formats.strict_json import parse_json
from weighbridge.inspection.inspect import inspect_artefact
from weighbridge.testing.pinned import pin
from weighbridge.testing.tiny_weights import safetensors_raw

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("WEIGHBRIDGE_SHARED", ROOT.parent / "shared"))
HUB = SHARED / "data" / "hub"
FOLDERS = sorted(path.name for path in HUB.iterdir() if path.is_dir()) if HUB.is_dir() else []
TODAY = date(2026, 11, 21)

pytestmark = [pytest.mark.shared, pytest.mark.skipif(not FOLDERS, reason=f"{HUB} is absent")]


def _inspect(name: str) -> tuple[FilesV1, AnatomyV2, CardV1]:
    files, anatomy, card, *_ = inspect_artefact(pin(HUB / name), TODAY)
    return (
        FilesV1.model_validate(files.body), AnatomyV2.model_validate(anatomy.body), CardV1.model_validate(card.body),
    )  # fmt: skip


def _said(body: AnatomyV2) -> list[str]:
    return [*body.notes, *(one.message for one in body.disagreements)]


@pytest.mark.parametrize("name", FOLDERS)
def test_a_real_repository_without_weights_is_inspected(name: str) -> None:
    """No total is invented where the weights are absent, and every shard that its index names is found absent."""
    files, anatomy, _ = _inspect(name)
    assert (anatomy.format, anatomy.parameters.stored) == ("config", None)
    assert anatomy.layers is not None
    index = HUB / name / "model.safetensors.index.json"
    shards = set(json.loads(index.read_text())["weight_map"].values()) if index.exists() else set()
    found = [finding for finding in files.findings if finding.check == "missing-shard"]
    assert [finding.place for finding in found] == ([index.name] if shards else [])
    assert not shards or (len(shards) == 1 or f"names {len(shards):,} files that are not there" in found[0].message)
    assert [finding.severity for finding in files.findings if finding.check == "no-weights"] == ["high"]
    assert not [finding for finding in files.findings if finding.check == "damaged-weights"]


@pytest.mark.parametrize("name", FOLDERS)
def test_the_bytes_that_an_index_states_are_explained(name: str) -> None:
    """To the byte, for every architecture that is known: fp32 copies, stored rotary tables, a tied head, MLX groups."""
    index = HUB / name / "model.safetensors.index.json"
    stated = json.loads(index.read_text()).get("metadata", {}).get("total_size") if index.exists() else None
    _, anatomy, _ = _inspect(name)
    named = {one.name for one in anatomy.disagreements}
    assert "unexplained-difference" not in named
    if anatomy.parameters.status == "unknown":
        assert name == "Logics-MLLM__Logics-Thinking"  # a remote architecture without a reference class
    elif stated:
        assert anatomy.weights.bytes == stated
    elif index.exists():
        assert "index-empty" in named


@pytest.mark.parametrize("name", FOLDERS)
def test_real_configurations_that_ask_for_custom_code_are_found(name: str) -> None:
    """Just those with an `auto_map`, by Python's own JSON; nothing else in a repository without weights can run."""
    files, _, _ = _inspect(name)
    asking = [path for path in (HUB / name).glob("**/*config.json") if json.loads(path.read_text()).get("auto_map")]
    found = [finding.place for finding in files.findings if finding.check in {"unread-code", "remote-code"}]
    assert found == sorted(path.relative_to(HUB / name).as_posix() for path in asking)
    assert files.left_alone == []


@pytest.mark.parametrize("name", FOLDERS)
def test_the_index_of_the_collection_agrees(name: str) -> None:
    """Front matter and chat template are found where the collection's own index says they are."""
    with (HUB / "index.csv").open(newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["dir"] == name)
    _, anatomy, card = _inspect(name)
    has_card = (HUB / name / "README.md").exists()
    assert (has_card and "`README.md` has no front matter" not in card.notes) == (row["readme_front_matter"] == "yes")
    if row["chat_template"] in {"yes", "no"}:
        assert anatomy.chat_template is (row["chat_template"] == "yes")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("deepseek-ai__DeepSeek-R1", ("deepseek_v3", 61, "MLA", 256, 8, 163840, "fp8")),
        ("google__gemma-2b-it", ("gemma", 18, "MQA", 0, 0, 8192, None)),
        ("google__medgemma-27b-it", ("gemma3", 62, "GQA", 0, 0, 131072, None)),
        ("tiiuae__falcon-180B-chat", ("falcon", 80, "GQA", 0, 0, None, None)),
        ("stvlynn__Qwen-7B-Chat-Cantonese", ("qwen", 32, "MHA", 0, 0, 32768, None)),
        ("Qwen__Qwen3-14B-MLX-4bit", ("qwen3", 40, "GQA", 0, 0, 40960, "mlx 4-bit")),
    ],
)
def test_declared_architecture(name: str, expected: tuple[Any, ...]) -> None:
    """Read off the config files by eye: nested, null, differently named and absent fields."""
    _, body, _ = _inspect(name)
    assert (
        body.architecture, body.layers, body.attention, body.experts, body.experts_used, body.context_length,
        body.weights.quantization,
    ) == expected  # fmt: skip


@pytest.mark.parametrize(
    ("name", "licence", "bases", "files"),
    [
        ("deepseek-ai__DeepSeek-R1", "mit", [], ["LICENSE"]),
        ("deepseek-ai__DeepSeek-V3-Base", None, [], ["LICENSE-CODE", "LICENSE-MODEL"]),
        ("google__medgemma-27b-it", "other", ["google/gemma-3-27b-pt"], []),
        ("MBZUAI__AIN", "mit", ["qwen2-VL-7B"], []),
        ("YouriLalain__2PRYMMAL-Yi1.5-6B-SLERP", "apache-2.0", ["01-ai/Yi-1.5-6B-Chat", "01-ai/Yi-1.5-6B"], []),
        ("mattshumer__Reflection-Llama-3.1-70B", "llama3.1", ["meta-llama/Meta-Llama-3.1-70B-Instruct"], []),
    ],
)
def test_declared_card(name: str, licence: str | None, bases: list[str], files: list[str]) -> None:
    """Read off the cards by eye."""
    _, _, card = _inspect(name)
    assert (card.licence, card.base_models, card.licence_files) == (licence, bases, files)


def test_the_index_of_medgemma_contradicts_itself() -> None:
    """27,432,406,640 parameters by size, 28,842,036,848 by count: the tied head counted twice."""
    _, anatomy, _ = _inspect("google__medgemma-27b-it")
    assert any("28,842,036,848 parameters and 54,864,813,280 bytes" in note for note in _said(anatomy))


@pytest.mark.parametrize("path", sorted(HUB.glob("*/safetensors_headers/*.json")), ids=lambda path: path.name[:12])
def test_real_headers_are_read(path: Path, tmp_path: Path) -> None:
    """Headers of Llama-3.2-3B as published: a norm of 3,072 BF16 elements takes 6,144 bytes."""
    raw = path.read_bytes().strip()
    size = max(entry["data_offsets"][1] for key, entry in json.loads(raw).items() if key != "__metadata__")
    (tmp_path / "m.safetensors").write_bytes(safetensors_raw(raw, bytes(size)))
    header = read_header(tmp_path / "m.safetensors")
    assert [(t.dtype, t.shape, t.elements, t.n_bytes) for t in header.tensors] == [("BF16", (3072,), 3072, 6144)]
    assert (header.metadata, header.damage) == ({"format": "pt"}, ())


@pytest.mark.parametrize("path", sorted(SHARED.glob("data/**/*config*.json"))[:400], ids=lambda path: path.parent.name)
def test_real_configs_are_strict_json(path: Path) -> None:
    """Our strictness refuses no real config of the collection that the standard allows."""
    data = path.read_bytes()
    assert parse_json(data, path, max_bytes=16 << 20) == json.loads(data)
