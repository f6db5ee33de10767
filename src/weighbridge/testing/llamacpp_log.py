"""Load a GGUF file in llama.cpp and read from its log what it allocates: the oracle of tests of memory."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Log", "log_of"]

# in a process of its own, which is killed once the last buffer is logged: C++ may abort, threads may hang
_PROBE = """
import json, sys
import xllamacpp as x
wanted = json.loads(sys.argv[1])
params = x.CommonParams()
params.model.path, params.n_ctx, params.n_parallel = wanted["model"], wanted["context"], wanted["sequences"]
params.n_ubatch, params.verbosity, params.warmup, params.port = wanted["micro_batch"], 5, False, 0
params.hostnames, params.offline, params.ui, params.cache_ram_mib = ["127.0.0.1"], True, False, 0
params.fit_params = False
if wanted["type"] != "f16":
    params.cache_type_k = params.cache_type_v = getattr(x.ggml_type, "GGML_TYPE_" + wanted["type"].upper())
x.Server(params)
"""
_LAST = "compute buffer size"
_PATIENCE_S = 60
_STEP_S = 0.05


@dataclass(frozen=True, slots=True)
class Log:
    """What was printed of every buffer, in MiB with two decimals; 0 where nothing was printed."""

    cache: float
    state: float
    output: float
    compute: float
    mapped: float
    repacked: float
    text: str


def log_of(path: Path, *, context: int, sequences: int = 1, micro_batch: int = 512, cache_type: str = "f16") -> Log:
    """Return what llama.cpp logs for a file and a context that its sequences share."""
    wanted = {
        "model": str(path), "context": context, "sequences": sequences, "micro_batch": micro_batch, "type": cache_type,
    }  # fmt: skip
    text = _run(json.dumps(wanted))

    def logged(pattern: str) -> list[float]:
        return [float(number) for number in re.findall(pattern + r" =\s+([\d.]+) MiB", text)]

    return Log(
        cache=sum(logged("llama_kv_cache: size")),
        state=sum(logged("llama_memory_recurrent: size")),
        output=sum(logged("output buffer size")),
        compute=next(iter(logged(_LAST)), 0.0),
        mapped=sum(logged("CPU_Mapped model buffer size")),
        repacked=sum(logged("CPU_REPACK model buffer size")),
        text=text,
    )


def _run(wanted: str) -> str:
    with tempfile.TemporaryFile() as log:
        probe = subprocess.Popen([sys.executable, "-c", _PROBE, wanted], stdout=log, stderr=log)
        end, text = time.monotonic() + _PATIENCE_S, ""
        while _LAST not in text and probe.poll() is None and time.monotonic() < end:
            time.sleep(_STEP_S)
            log.seek(0)
            text = log.read().decode("utf-8", "replace")
        probe.kill()
        probe.wait()
        log.seek(0)
        return log.read().decode("utf-8", "replace")
