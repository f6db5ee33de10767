"""Buffers that llama.cpp logged on real models (llamacpp_measured.csv), from the files' metadata and tables alone."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from weighbridge.formats.gguf import read_gguf
from weighbridge.inspection.anatomy.from_gguf import structure_of_gguf
from weighbridge.inspection.anatomy.structure import Structure
from weighbridge.inspection.memory.llamacpp import Settings, buffers
from weighbridge.inspection.memory.repack import weight_buffers

SHARED = Path(os.environ.get("WEIGHBRIDGE_SHARED", Path(__file__).resolve().parents[3] / "shared"))
TABLE = SHARED / "data" / "llamacpp_measured.csv"
FILES = Path.home() / ".cache" / "weighbridge-test-models"
NAMES = {"gemma": "gemma-3-270m", "0.5B": "qwen2.5-coder-0.5b", "1.5B": "qwen2.5-coder-1.5b", "SmolLM2": "smollm2-135m"}
ROWS = list(csv.DictReader(TABLE.read_text("utf-8").splitlines())) if TABLE.is_file() else []
MIB = 1 << 20

pytestmark = [pytest.mark.shared, pytest.mark.skipif(not ROWS, reason=f"{TABLE} is absent")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['model'][:26]}-{row['n_ctx_total']}-{row['kv_type']}")
def test_every_logged_buffer_is_reproduced(row: dict[str, str]) -> None:
    """Each within 0.1%, or within the log's two decimals; the compute buffer with a quantized cache too."""
    path = FILES / f"{next(name for part, name in NAMES.items() if part in row['model'])}.gguf"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    header = read_gguf(path)
    structure = structure_of_gguf(header.metadata, header.tensors)
    assert isinstance(structure, Structure)
    kind = {"f16": "fp16"}.get(row["kv_type"], row["kv_type"])
    found = buffers(
        structure, Settings(int(row["n_ctx_total"]), int(row["n_parallel"]), int(row["n_ubatch"]), cache_type=kind)
    )
    weights = weight_buffers(header.tensors, "x86-avx2")
    assert weights is not None
    assert found.compute.is_exact
    pairs = {
        "kv": found.cache, "compute": found.compute.high, "output": found.output,
        "weights_mapped": weights.mapped.high, "cpu_repack": weights.repacked.high,
    }  # fmt: skip
    for name, n_bytes in pairs.items():
        logged = float(row[f"{name}_mib_logged"])
        assert n_bytes / MIB == pytest.approx(logged, rel=0.001, abs=0.0051), name
