"""The child process of the embedded llama.cpp: loads one GGUF file and serves it on 127.0.0.1.

A process of its own, because a hostile file may crash the C++ parser: then this process dies, not Weighbridge.
Reads its settings as one JSON line from stdin, prints `ready ADDRESS`, and ends when stdin is closed.
"""

from __future__ import annotations

import json
import os
import sys


def serve() -> None:
    """Serve until the parent closes stdin, or dies."""
    import xllamacpp

    wanted = json.loads(sys.stdin.readline())
    params = xllamacpp.CommonParams()
    params.model.path = wanted["model"]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [wanted["key"]]
    params.n_parallel = wanted["slots"]
    params.n_ctx = wanted["slots"] * wanted["context_tokens"]  # llama.cpp divides it among the slots
    params.cpuparams.n_threads = wanted["threads"]
    params.cpuparams_batch.n_threads = wanted["threads"]
    params.model_alias = {wanted["alias"]}  # or answers carry the path on this machine
    params.use_jinja = True  # the file's own chat template, tools included
    params.reasoning_format = xllamacpp.common_reasoning_format.COMMON_REASONING_FORMAT_DEEPSEEK
    params.cache_prompt = True  # a slot keeps its last prompt: examples that questions share are read once
    params.cache_ram_mib = 0  # no prompt states beyond the slots: a run starts from nothing
    params.offline = True
    params.ui = False
    params.endpoint_slots = False
    server = xllamacpp.Server(params)
    print(f"ready {server.listening_address}", flush=True)  # noqa: T201 - the word the parent waits for
    sys.stdin.read()
    os._exit(0)  # the server's threads do not end by themselves


if __name__ == "__main__":
    serve()
