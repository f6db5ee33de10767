"""What llama.cpp itself logs that it allocates for real weights, against what is computed from the file alone."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from weighbridge.formats.gguf import read_gguf
from weighbridge.inspection.anatomy.from_gguf import structure_of_gguf
from weighbridge.inspection.anatomy.structure import Structure
from weighbridge.inspection.memory.llamacpp import Buffers, Settings, buffers
from weighbridge.inspection.memory.repack import weight_buffers
from weighbridge.testing.llamacpp_log import Log, log_of

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(importlib.util.find_spec("xllamacpp") is None, reason="the embedded engine is not installed"),
]

MIB = 1 << 20
ROUNDING = 0.0051  # the log has two decimals of a MiB
REAL = Path.home() / ".cache" / "weighbridge-test-models"


def _agree(path: Path, settings: Settings) -> tuple[Log, Buffers]:
    """Compare every buffer of a context; the compute buffer lies within its span."""
    log = log_of(
        path, context=settings.context, sequences=settings.sequences, micro_batch=settings.micro_batch,
        cache_type=settings.cache_type.replace("fp16", "f16"),
    )  # fmt: skip
    header = read_gguf(path)
    structure = structure_of_gguf(header.metadata, header.tensors)
    assert isinstance(structure, Structure), structure
    computed = buffers(structure, settings)
    assert log.compute, log.text[-2000:]
    assert computed.cache / MIB == pytest.approx(log.cache, abs=2 * ROUNDING)  # a base and a sliding cache
    assert computed.state / MIB == pytest.approx(log.state, abs=ROUNDING)
    assert computed.output / MIB == pytest.approx(log.output, abs=ROUNDING)
    assert computed.compute.low / MIB <= log.compute + ROUNDING
    assert computed.compute.high / MIB >= log.compute - ROUNDING
    return log, computed


def _weights_agree(path: Path, log: Log) -> None:
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    found = weight_buffers(read_gguf(path).tensors, "x86-avx2" if "avx2" in flags else None)
    assert found is not None
    assert found.mapped.low / MIB - ROUNDING <= log.mapped <= found.mapped.high / MIB + ROUNDING
    assert found.repacked.low / MIB - ROUNDING <= log.repacked <= found.repacked.high / MIB + ROUNDING


@pytest.mark.parametrize(
    "settings",
    [Settings(4096), Settings(4096, micro_batch=128), Settings(16384, 4), Settings(4096, cache_type="q8_0")],
    ids=["4096", "ubatch-128", "four-sequences", "q8_0"],
)
def test_the_demo_model_takes_what_llama_cpp_logs(demo_model: Path, settings: Settings) -> None:
    """Cache, output, compute and weights of real weights that every developer has; the compute buffer exactly."""
    log, computed = _agree(demo_model, settings)
    _weights_agree(demo_model, log)
    assert computed.compute.is_exact
    assert computed.notes == ()


@pytest.mark.shared
@pytest.mark.parametrize("name", ["gemma-3-270m", "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"])
@pytest.mark.parametrize("settings", [Settings(8192), Settings(16384, 4), Settings(8192, cache_type="q4_0")])
def test_real_files_take_what_llama_cpp_logs(name: str, settings: Settings) -> None:
    """Sliding layers, a separate head, repacked Q4_K rows, and rotations of a quantized cache."""
    path = REAL / f"{name}.gguf"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    log, computed = _agree(path, settings)
    _weights_agree(path, log)
    assert computed.compute.is_exact
