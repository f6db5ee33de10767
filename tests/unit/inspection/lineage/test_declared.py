from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from weighbridge.core.kinds import LineageV1
from weighbridge.inspection.lineage.inspect import inspect_lineage
from weighbridge.inspection.lineage.names import conflict, quantization_words, read_name, same_model
from weighbridge.testing.pinned import pin
from weighbridge.testing.tiny_weights import gguf_bytes

TODAY = date(2026, 11, 22)
REAL = Path.home() / ".cache" / "weighbridge-test-models"


def _lineage(path: Path) -> LineageV1:
    return LineageV1.model_validate(inspect_lineage(pin(path), TODAY).body)


def _card(folder: Path, text: str) -> None:
    (folder / "README.md").write_text(f"---\n{text}\n---\n")


def _config(folder: Path, **fields: object) -> None:
    (folder / "config.json").write_text(json.dumps(fields))


def test_a_card_and_a_config_of_two_versions_contradict(tmp_path: Path) -> None:
    """Reflection-Llama-3.1-70B: its card says Llama 3.1, its config was saved from Llama 3."""
    _card(tmp_path, "base_model: meta-llama/Meta-Llama-3.1-70B-Instruct")
    _config(tmp_path, _name_or_path="meta-llama/Meta-Llama-3-70B-Instruct")
    body = _lineage(tmp_path)
    assert body.agreement == "sources contradict"
    (found,) = body.contradictions
    assert found == (
        "`base_model` in README.md: `meta-llama/Meta-Llama-3.1-70B-Instruct`; `_name_or_path` in config.json: "
        "`meta-llama/Meta-Llama-3-70B-Instruct`; versions differ: llama 3.1 and llama 3"
    )


def test_sources_that_agree_are_said_to(tmp_path: Path) -> None:
    """A copy by another maker is of the same model; the relation is the card's."""
    _card(tmp_path, "base_model: unsloth/Llama-3.2-3B-Instruct\nbase_model_relation: finetune")
    _config(tmp_path, _name_or_path="meta-llama/Llama-3.2-3B-Instruct")
    body = _lineage(tmp_path)
    assert (body.agreement, body.relation) == ("sources agree", "finetune")
    assert body.contradictions == []


def test_two_stages_of_one_model_are_noted(tmp_path: Path) -> None:
    """Trained from the base model or from its instruct stage: told, and no contradiction of origin."""
    _card(tmp_path, "base_model: Qwen/Qwen2.5-14B")
    _config(tmp_path, _name_or_path="Qwen/Qwen2.5-14B-Instruct")
    body = _lineage(tmp_path)
    assert body.agreement == "sources agree"
    assert "two stages" in body.notes[0]


def test_a_merge_recipe_names_its_models(tmp_path: Path) -> None:
    """mergekit_config.yml: models of slices and of lists, adapters cut off, each once."""
    (tmp_path / "mergekit_config.yml").write_text(
        "slices:\n- sources:\n  - model: 01-ai/Yi-1.5-6B-Chat\n    layer_range: [0, 32]\n  - model: 01-ai/Yi-1.5-6B\n"
        "merge_method: slerp\nbase_model: 01-ai/Yi-1.5-6B-Chat\nmodels:\n- model: a/b+c/lora\n"
    )
    body = _lineage(tmp_path)
    assert sorted(body.bases) == ["01-ai/Yi-1.5-6B", "01-ai/Yi-1.5-6B-Chat", "a/b"]
    assert (body.relation, body.relation_source) == ("merge", "mergekit_config.yml")


def test_an_adapter_names_its_base(tmp_path: Path) -> None:
    """adapter_config.json states what the adapter changes."""
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "Qwen/Qwen3-8B"}')
    body = _lineage(tmp_path)
    assert (body.bases, body.relation) == (["Qwen/Qwen3-8B"], "adapter")


def test_a_local_path_is_a_hint_and_the_own_name_is_nothing(tmp_path: Path) -> None:
    """What a trainer's disk was called is no statement of origin; a model saved under its own name has no base."""
    _config(tmp_path, _name_or_path="/root/autodl-tmp/Qwen-7B-Chat-new")
    body = _lineage(tmp_path)
    assert (body.bases, body.agreement) == ([], "nothing declared")
    assert [one.standing for one in body.declared] == ["hint"]
    own = tmp_path / "Llama-3.2-3B"
    own.mkdir()
    _config(own, _name_or_path="meta-llama/Llama-3.2-3B")
    assert _lineage(own).bases == []


def test_a_name_of_another_family_is_noted(tmp_path: Path) -> None:
    """A name says what a model is, not what it was made from: told where it is another family, no contradiction."""
    for name, base, count in (("My-Gemma-9B", "meta-llama/Llama-3-8B", 1), ("Qwen3-Novel", "Qwen/Qwen2.5-7B", 0)):
        folder = tmp_path / name
        folder.mkdir()
        _card(folder, f"base_model: {base}")
        body = _lineage(folder)
        assert body.contradictions == []
        assert len([note for note in body.notes if "families differ: gemma and llama 3" in note]) == count


def test_two_families_contradict_unless_one_is_a_brand(tmp_path: Path) -> None:
    """Gemma and Llama cannot be one base; OpenReasoning-Nemotron-32B is made from Qwen2.5-32B by its own card."""
    for base, loaded, count in (
        ("google/gemma-2-9b", "meta-llama/Llama-3-8B", 1),
        ("Qwen/Qwen2.5-32B", "nvidia/OpenReasoning-Nemotron-32B", 0),
    ):
        _card(tmp_path, f"base_model: {base}")
        _config(tmp_path, _name_or_path=loaded)
        assert len(_lineage(tmp_path).contradictions) == count


def test_gguf_metadata_name_bases(tmp_path: Path) -> None:
    """`general.base_model.N`, by repository where it is given, with a card that says otherwise."""
    metadata = {
        "general.architecture": "llama", "general.base_model.count": 1, "general.base_model.0.name": "Llama 2 7B",
        "general.base_model.0.repo_url": "https://huggingface.co/meta-llama/Llama-2-7b", "general.file_type": 15,
    }  # fmt: skip
    (tmp_path / "m.gguf").write_bytes(gguf_bytes(metadata))
    _card(tmp_path, "base_model: meta-llama/Llama-2-13b")
    body = _lineage(tmp_path)
    assert body.bases == ["meta-llama/Llama-2-13b", "meta-llama/Llama-2-7b"]
    assert "sizes differ: 13B and 7B" in body.contradictions[0]
    assert body.quantization == "Q4_K_M (GGUF)"


@pytest.mark.parametrize(
    ("name", "file_type", "is_twice"),
    [
        ("Qwen2.5 Coder 0.5B Instruct AWQ", 15, True),
        ("Some Model GPTQ Int4", 7, True),
        ("Model Q8_0", 15, True),
        ("Model Q4_K_M", 15, False),
        ("Model AWQ", 1, False),  # dequantized to F16: stored whole now
        ("gemma 3 4b it qat q4_0 unquantized", 2, False),
        ("Hawq Model", 15, False),
        ("gpt-oss-20b MXFP4", 38, False),
        ("Some Model 4bit", 15, False),
    ],
)
def test_quantized_weights_quantized_again_are_noticed(
    tmp_path: Path, name: str, file_type: int, *, is_twice: bool
) -> None:
    """The name inside a GGUF file says from which weights it was made; its own type is no sign."""
    metadata = {"general.architecture": "llama", "general.name": name, "general.file_type": file_type}
    (tmp_path / "m.gguf").write_bytes(gguf_bytes(metadata))
    twice = _lineage(tmp_path).twice_quantized
    assert (twice is not None) == is_twice
    if twice:
        assert twice.said == name


def test_the_real_file_made_from_awq_weights_is_noticed() -> None:
    """Qwen2.5-Coder 0.5B as Ollama publishes it: "Instruct AWQ" in a Q4_K_M file."""
    path = REAL / "qwen2.5-coder-0.5b.gguf"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    twice = _lineage(path).twice_quantized
    assert twice is not None
    assert (twice.said, twice.stored) == ("Qwen2.5 Coder 0.5B Instruct AWQ", "Q4_K_M (GGUF)")


def test_a_quantized_copy_is_known_by_its_name(tmp_path: Path) -> None:
    """Qwen3-14B-MLX-4bit with the base Qwen3-14B: quantized, though no field says so."""
    folder = tmp_path / "Qwen3-14B-MLX-4bit"
    folder.mkdir()
    _card(folder, "base_model: Qwen/Qwen3-14B")
    _config(folder, quantization={"group_size": 64, "bits": 4})
    body = _lineage(folder)
    assert (body.relation, body.quantization, body.twice_quantized) == ("quantized", "mlx, 4 bits", None)


@pytest.mark.parametrize(
    ("text", "families", "size"),
    [
        ("meta-llama/Meta-Llama-3.1-70B-Instruct", {"llama": "3.1"}, "70b"),
        ("Qwen/Qwen-7B-Chat", {"qwen": ""}, "7b"),
        ("DeepSeek-R1-Distill-Qwen-7B", {"deepseek": "", "qwen": ""}, "7b"),
        ("mistralai/Mixtral-8x7B-v0.1", {"mixtral": ""}, "8x7b"),
        ("Qwen3-30B-A3B", {"qwen": "3"}, "30b"),
        ("bert-base-uncased", {}, None),
    ],
)
def test_names_are_read(text: str, families: dict[str, str], size: str | None) -> None:
    """A number before `B` is a size, never a version."""
    name = read_name(text)
    assert (name.families, name.size) == (families, size)


def test_names_conflict_only_where_they_cannot_be_one() -> None:
    """Names that say too little, or nothing that is known, are never held against each other."""
    assert conflict("Llama-3-8B", "Llama-3.1-8B") == "versions differ: llama 3 and llama 3.1"
    assert conflict("Qwen-14B", "Qwen2.5-14B") is None
    assert conflict("olmOCR-2-7B-1025", "Qwen2.5-VL-7B-Instruct") is None  # the 2 is olmOCR's own version
    assert conflict("Baichuan-M2-32B", "Qwen2.5-32B") is None  # Baichuan's line on Qwen
    assert conflict("foo/bar", "meta-llama/Llama-3-8B") is None
    assert same_model("maker__Model-7B-GGUF", "other/Model_7B-AWQ")
    assert quantization_words("x/Model-bnb-4bit") == {"bitsandbytes": "bnb", "bits": "4bit"}


def test_hostile_declarations_leave_notes(tmp_path: Path) -> None:
    """Damaged sources are named; lists of anything and deep recipes do no harm."""
    _card(tmp_path, "base_model: [a, {b: c}, 1]\nbase_model: x")
    (tmp_path / "mergekit_config.yml").write_bytes(b"\xff\xfe")
    _config(tmp_path, _name_or_path=["x"], quantization_config="odd")
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    body = _lineage(tmp_path)
    assert body.bases == []
    assert len(body.notes) == 3
