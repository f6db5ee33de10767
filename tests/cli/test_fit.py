"""`weighbridge fit` as a user runs it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import CommandLine

QWEN3_32B: dict[str, Any] = {
    "model_type": "qwen3", "hidden_size": 5120, "num_hidden_layers": 64, "num_attention_heads": 64,
    "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 25600, "vocab_size": 151936,
    "tie_word_embeddings": False, "attention_bias": False, "torch_dtype": "bfloat16", "max_position_embeddings": 40960,
}  # fmt: skip


@pytest.fixture
def model(tmp_path: Path) -> str:
    """Write a folder with a config.json alone."""
    folder = tmp_path / "qwen"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(QWEN3_32B))
    return "qwen"


@pytest.mark.parametrize(
    ("words", "code", "verdict"),
    [
        (["--on", "h100-sxm", "--context", "16000"], 0, "fits"),
        (["--on", "br166"], 11, "unknown"),
        (["--on", "h100", "--context", "32000"], 11, "unknown"),
        (["--on", "l4"], 12, "does not fit"),
    ],
)
def test_the_verdict_is_the_exit_code(
    weighbridge: CommandLine, model: str, words: list[str], code: int, verdict: str
) -> None:
    """0 fits, 11 unknown, 12 does not fit; in words and in JSON."""
    document = weighbridge.json("fit", model, *words, code=code)
    assert (document["schema"], document["verdict"]) == ("weighbridge/fit/v1", verdict)
    said = weighbridge("fit", model, *words)
    assert said.returncode == code
    assert verdict.upper() in said.stdout
    assert said.stdout.rstrip().splitlines()[-1].startswith("Next: ")
    assert weighbridge("fit", model, *words, "--no-verdict-code").returncode == 0


def test_what_is_needed_and_left_adds_up(weighbridge: CommandLine, model: str) -> None:
    """Parts sum to the total, and the room less the total is what is left."""
    found = weighbridge.json("fit", model, "--on", "h200-sxm:2", "--context", "8192", "--sequences", "4")
    needed = found["needed"]
    parts = ("weights", "cache", "activation", "overhead")
    for bound in ("low", "high"):
        assert needed["total"][bound] == sum(needed[part][bound] for part in parts)
    assert found["left"]["low"] == found["room"]["low"] - needed["total"]["high"]
    assert needed["cache"]["high"] == 4 * needed["cache_per_sequence"] == 4 * 8192 * 262_144 // 2
    assert found["device"]["plan"] == {"tp": 2, "pp": 1, "dp": 1, "ep": 1}
    assert found["sequences"] >= 4


def test_without_a_device_all_are_ranked(weighbridge: CommandLine, model: str) -> None:
    """A row for each device, with its confidence; the last line names a device on which it runs."""
    rows = {row["device"]: row for row in weighbridge.json("fit", model)["ranking"]}
    assert len(rows) >= 60
    assert rows["h100-sxm"]["schemes"][0] == {"quantization": "bf16", "devices": 1, "devices_perhaps": 1}
    assert rows["apple-m3-max"]["engine"] == "llama.cpp"
    said = weighbridge("fit", model)
    assert said.returncode == 0
    assert "--on " in said.stdout.rstrip().splitlines()[-1]


def test_schemes_stand_under_their_own_column(weighbridge: CommandLine, tmp_path: Path) -> None:
    """llama.cpp does not read NVFP4: its rows have no cell there, and 16, 8 and 4 bits stand below one another."""
    config = QWEN3_32B | {"quantization_config": {"quant_method": "modelopt", "quant_algo": "NVFP4"}}
    (tmp_path / "nvfp4.json").write_text(json.dumps(config))
    lines = weighbridge("fit", "nvfp4.json").stdout.splitlines()
    head = next(line for line in lines if line.startswith("  device "))
    assert head.endswith("nvfp4       bf16   fp8/q8_0     4 bits")
    mac = next(line for line in lines if "apple-m3-ultra" in line)
    card = next(line for line in lines if "h100-sxm" in line)
    assert mac.split()[-4:] == ["llama.cpp", "1", "1", "1"]
    assert card.split()[-5:-1] == ["vllm", "1", "1", "1"]
    assert len(mac) == len(card) == len(head)


def test_this_machine_holds_the_demo(weighbridge: CommandLine, demo_model: Path) -> None:
    """A GGUF file is placed in llama.cpp by its own tables."""
    found = weighbridge.json("fit", str(demo_model), "--on", "this", "--context", "2048")
    assert found["asked"]["engine"] == "llama.cpp"
    assert found["needed"]["weights"]["low"] >= 96_576_768 - 2304  # the tensors of the file (llamacpp_measured.csv)


def test_a_users_own_device_is_used(weighbridge: CommandLine, model: str) -> None:
    """From a TOML file, beside those that ship."""
    (weighbridge.folder / "own.toml").write_text('[big]\nmemory_gb = 400\nvendor = "Us"\n')
    found = weighbridge.json("fit", model, "--on", "big", "--devices", "own.toml")
    assert (found["device"]["id"], found["verdict"]) == ("big", "fits")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--on", "h1000"], 2, "no device is named `h1000`"),
        (["--on", "h100:0"], 2, "is not a number of devices"),
        (["--on", "h100:3", "--tp", "2"], 2, "3 devices cannot form groups of 2 x 1"),
        (["--on", "h100:3", "--tp", "3"], 2, "64 heads cannot be divided among 3 devices"),
        (["--on", "h100", "--engine", "vlm"], 2, "no profile of the engine `vlm`"),
        (["--on", "h100", "--quantization", "q9"], 2, "there is no quantization `q9`"),
        (["--on", "h100", "--kv-dtype", "q4_0"], 2, "vllm has no cache type `q4_0`"),
        (["--on", "h100", "--devices", "none.toml"], 3, "cannot be read"),
        (["--context", "0"], 2, "context"),
    ],
)
def test_wrong_words_are_named(weighbridge: CommandLine, model: str, words: list[str], code: int, message: str) -> None:
    """One sentence, a hint, and the exit code of wrong usage."""
    done = weighbridge("fit", model, *words)
    assert done.returncode == code
    assert message in done.stderr
    assert done.stdout == ""


def test_an_unknown_architecture_is_unknown(weighbridge: CommandLine, model: str) -> None:
    """No figure is invented for it."""
    path = weighbridge.folder / model / "config.json"
    path.write_text(json.dumps({**QWEN3_32B, "model_type": "qwen9"}))
    found = weighbridge.json("fit", model, "--on", "h100", code=11)
    assert "qwen9" in found["reason"]
    assert "needed" not in found


def test_a_quantization_in_the_name_alone_is_not_believed(weighbridge: CommandLine, model: str) -> None:
    """A folder named after FP8 whose files declare nothing: unknown until it is said."""
    (weighbridge.folder / model).rename(weighbridge.folder / "Qwen3-32B-FP8")
    assert "declares" in weighbridge.json("fit", "Qwen3-32B-FP8", "--on", "h100", code=11)["reason"]
    said = weighbridge.json("fit", "Qwen3-32B-FP8", "--on", "h100", "--quantization", "fp8")
    assert said["verdict"] == "fits"
