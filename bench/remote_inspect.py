"""What a first inspection of a 685 GB model on a hub costs: bytes on the wire, calls, seconds.

    .venv/bin/python bench/remote_inspect.py

A repository in the shape of DeepSeek-V3 (163 shards, 91,991 tensors, 688.6 GB: names, types, shapes and order as its
architecture has them, contents holes) is served by the stub hub in `$WEIGHBRIDGE_SHARED/tools`. Bytes are counted by a
relay between client and server, headers of HTTP and redirects too, and not by the code that is measured. The stub
answers without compression, as a plain mirror does; the hub itself packs its own answers.
"""

from __future__ import annotations

import importlib
import json
import os
import socket
import struct
import sys
import tempfile
import threading
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weighbridge.workflow.inspection.look import look

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARED = Path(os.environ.get("WEIGHBRIDGE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
LAYERS, DENSE, EXPERTS, HIDDEN, VOCABULARY = 61, 3, 256, 7168, 129_280
SHARD_BYTES = 4_300_000_000
BYTES = {"F8_E4M3": 1, "BF16": 2, "F32": 4}
OTHERS = {
    "README.md": 23_000, "LICENSE-MODEL": 14_000, "LICENSE-CODE": 1_000, "tokenizer_config.json": 3_500,
    "modeling_deepseek.py": 75_000, "configuration_deepseek.py": 10_000,
}  # fmt: skip
# of the real repository; the sum is the hub's `safetensors.total` of 2026-10
PUBLISHED = {"BF16": 3_918_786_560, "F32": 41_555_600, "F8_E4M3": 680_571_043_840}


def linear(name: str, rows: int, columns: int) -> Iterator[tuple[str, str, list[int]]]:
    """Yield an FP8 matrix and its scales by blocks of 128."""
    yield f"{name}.weight", "F8_E4M3", [rows, columns]
    yield f"{name}.weight_scale_inv", "F32", [-(-rows // 128), -(-columns // 128)]


def feed_forward(name: str, width: int) -> Iterator[tuple[str, str, list[int]]]:
    """Yield the three matrices of one expert."""
    for part in ("gate_proj", "up_proj"):
        yield from linear(f"{name}.{part}", width, HIDDEN)
    yield from linear(f"{name}.down_proj", HIDDEN, width)


def layer(number: int) -> Iterator[tuple[str, str, list[int]]]:
    """Yield one layer of DeepSeek-V3."""
    at = f"model.layers.{number}"
    yield from linear(f"{at}.self_attn.q_a_proj", 1536, HIDDEN)
    yield f"{at}.self_attn.q_a_layernorm.weight", "BF16", [1536]
    yield from linear(f"{at}.self_attn.q_b_proj", 24_576, 1536)
    yield from linear(f"{at}.self_attn.kv_a_proj_with_mqa", 576, HIDDEN)
    yield f"{at}.self_attn.kv_a_layernorm.weight", "BF16", [512]
    yield from linear(f"{at}.self_attn.kv_b_proj", 32_768, 512)
    yield from linear(f"{at}.self_attn.o_proj", HIDDEN, 16_384)
    if number < DENSE:
        yield from feed_forward(f"{at}.mlp", 18_432)
    else:
        yield f"{at}.mlp.gate.weight", "BF16", [EXPERTS, HIDDEN]
        yield f"{at}.mlp.gate.e_score_correction_bias", "F32", [EXPERTS]
        yield from feed_forward(f"{at}.mlp.shared_experts", 2048)
        for expert in range(EXPERTS):
            yield from feed_forward(f"{at}.mlp.experts.{expert}", 2048)
    for norm in ("input_layernorm", "post_attention_layernorm"):
        yield f"{at}.{norm}.weight", "BF16", [HIDDEN]


def tensors() -> Iterator[tuple[str, str, list[int]]]:
    """Yield all tensors, the layer for multi-token prediction last."""
    yield "model.embed_tokens.weight", "BF16", [VOCABULARY, HIDDEN]
    for number in range(LAYERS):
        yield from layer(number)
    yield "model.norm.weight", "BF16", [HIDDEN]
    yield "lm_head.weight", "BF16", [VOCABULARY, HIDDEN]
    draft = f"model.layers.{LAYERS}"
    yield f"{draft}.embed_tokens.weight", "BF16", [VOCABULARY, HIDDEN]
    yield from ((f"{draft}.{norm}.weight", "BF16", [HIDDEN]) for norm in ("enorm", "hnorm", "shared_head.norm"))
    yield f"{draft}.eh_proj.weight", "BF16", [HIDDEN, 2 * HIDDEN]
    yield f"{draft}.shared_head.head.weight", "BF16", [VOCABULARY, HIDDEN]
    yield from layer(LAYERS)


def shards() -> list[dict[str, Any]]:
    """Return the headers of the shards, filled one after the other."""
    found: list[dict[str, Any]] = [{}]
    end = 0
    for name, dtype, shape in tensors():
        size = BYTES[dtype]
        for count in shape:
            size *= count
        if end + size > SHARD_BYTES:
            found.append({})
            end = 0
        found[-1][name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    return found


def publish(folder: Path) -> tuple[int, int, int]:
    """Write the repository; return its shards, tensors and the bytes of all tensors."""
    folder.mkdir(parents=True)
    headers, stored = shards(), 0
    sizes: dict[str, dict[str, Any]] = {}
    index: dict[str, str] = {}
    counts = dict.fromkeys(PUBLISHED, 0)
    for number, header in enumerate(headers, 1):
        name = f"model-{number:05d}-of-{len(headers):06d}.safetensors"
        text = json.dumps({"__metadata__": {"format": "pt"}, **header}, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        data = max(entry["data_offsets"][1] for entry in header.values())
        (folder / name).write_bytes(struct.pack("<Q", len(text)) + text)
        sizes[name] = {"size": 8 + len(text) + data, "sha256": f"{number:064x}"}
        stored += data
        index |= dict.fromkeys(header, name)
        for entry in header.values():
            counts[entry["dtype"]] += (entry["data_offsets"][1] - entry["data_offsets"][0]) // BYTES[entry["dtype"]]
    print(f"elements as in the real repository: {counts == PUBLISHED} ({sum(counts.values()):,})")
    table = {"metadata": {"total_size": stored}, "weight_map": index}
    (folder / "model.safetensors.index.json").write_text(json.dumps(table, indent=2))
    config = SHARED / "data" / "hub" / "deepseek-ai__DeepSeek-V3-Base" / "config.json"
    (folder / "config.json").write_text(config.read_text() if config.is_file() else '{"model_type": "deepseek_v3"}')
    for name, size in OTHERS.items():
        (folder / name).write_text("#" * size)
    (folder / ".hub.json").write_text(json.dumps({"files": sizes}))
    return len(headers), len(index), stored


class Relay:
    """Passes connections on to a port of this machine, and counts what comes back."""

    def __init__(self, port: int) -> None:
        self.port, self.n_bytes = port, 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            near, _ = self._listening.accept()
            far = socket.create_connection(("127.0.0.1", self.port))
            threading.Thread(target=self._pass, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self._pass, args=(far, near, True), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, is_counted: bool) -> None:
        try:
            while data := source.recv(1 << 14):
                sink.sendall(data)
                self.n_bytes += len(data) * is_counted
        except OSError:
            pass
        sink.close()


def main() -> None:
    """Publish, inspect twice over each hub, and print what it cost."""
    sys.path.insert(0, str(SHARED / "tools"))
    stub_hub: Any = importlib.import_module("stub_hub")
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        n_shards, n_tensors, stored = publish(root / "models" / "deepseek-ai" / "DeepSeek-V3")
        print(f"{n_shards} shards, {n_tensors:,} tensors, {stored:,} bytes of tensors\n")
        os.environ["XDG_CACHE_HOME"] = str(root / "cache")
        with stub_hub.StubHub(root / "models") as hub:
            relays = [Relay(int(url.rpartition(":")[2])) for url in (hub.url, hub.cdn_url)]
            hub.url, hub.cdn_url = (relay.url for relay in relays)
            os.environ["HF_ENDPOINT"] = os.environ["MODELSCOPE_ENDPOINT"] = hub.url
            print("hub   run     MB read   calls   seconds   tables read   bytes of tensors")
            for kind in ("hf", "ms"):
                for run in ("first", "second"):
                    before, started = sum(relay.n_bytes for relay in relays), time.perf_counter()
                    calls = len(hub.requests)
                    found = look(f"{kind}:deepseek-ai/DeepSeek-V3", on=date(2026, 11, 22))
                    took, shadow = time.perf_counter() - started, found.artefact.shadow
                    read = sum(relay.n_bytes for relay in relays) - before
                    if shadow is None:
                        raise SystemExit("the model was not read from afar")
                    names = [file.name for file in shadow.weights]
                    said = shadow.stored_bytes(names) or shadow.declared_bytes_of(names)
                    tables = sum(file.is_table_read for file in shadow.weights)
                    print(
                        f"{kind}    {run:<7}{read / 1e6:>8.2f}{len(hub.requests) - calls:>8}{took:>10.1f}"
                        f"{tables:>10} / {n_shards}   {'exact' if said == stored else said}"
                    )


if __name__ == "__main__":
    main()
