"""What the names of files say: weights, their shards and companions; told before anything is opened."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Listing", "is_companion", "is_weights", "list_names", "says_weights", "without_part"]

_TENSORS = (".safetensors",)
# PyTorch's names for weights; any other `.bin` or `.pt` may hold anything
_TORCH = re.compile(
    r"(?:pytorch_model|model|adapter_model|consolidated|diffusion_pytorch_model|flax_model|tf_model|ggml-[\w.-]+)"
    r"[\w.-]*\.(?:bin|pt|pth|ckpt|h5|msgpack|npz)"
)
_MLX = re.compile(r"weights(?:\.\d+)?\.npz")
_POSSIBLE = (".onnx", ".engine", ".plan", ".trt", ".tflite", ".litertlm", ".task", ".mlmodel", ".rkllm", ".nemo",
             ".ckpt", ".pth", ".pt", ".keras", ".llamafile", ".mlpackage", ".h5")  # fmt: skip
_LONGEST_HEADER = 100_000_000  # the bound of the safetensors library
_UNFINISHED = (".incomplete", ".part", ".aria2", ".crdownload", ".downloadinprogress")
_PART = re.compile(r"[-.]\d{5}-of-\d{5}(?=\.)|[-.]part\d{1,3}of\d{1,3}(?=\.|$)", re.IGNORECASE)
_COMPANION = re.compile(
    r"(?:^|[-_.])(?:mmproj|projector|draft|eagle\d?|medusa|mtp|imatrix|vae)(?:[-_.]|$)", re.IGNORECASE
)
_CONFIGS = ("config.json", "params.json", "mlc-chat-config.json", "genai_config.json")
_TOKENIZERS = frozenset({"tokenizer.json", "tokenizer_config.json", "tokenizer.model", "tekken.json"})


@dataclass(slots=True)
class Listing:
    """The names in one folder that bear on models, by what they are."""

    tensors: list[str] = field(default_factory=list)
    torch: list[str] = field(default_factory=list)
    gguf: list[str] = field(default_factory=list)
    possible: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    configs: list[str] = field(default_factory=list)
    tokenizers: list[str] = field(default_factory=list)
    has_adapter: bool = False
    has_pipeline: bool = False
    card: str = ""

    @property
    def says_something(self) -> bool:
        """Whether any model, or part of one, may be here."""
        return bool(
            self.tensors
            or self.torch
            or self.gguf
            or self.possible
            or self.configs
            or self.tokenizers
            or self.has_adapter
            or self.has_pipeline
        )


def list_names(names: Iterable[str]) -> Listing:
    """Sort the names of a folder's files."""
    found = Listing()
    for name in names:
        lower = name.lower()
        if lower == "adapter_config.json":
            found.has_adapter = True
        elif lower == "model_index.json":
            found.has_pipeline = True
        elif lower == "readme.md":
            found.card = name
        elif (kind := _kind(lower)) is not None:
            getattr(found, kind).append(name)
    return found


@lru_cache(maxsize=65536)
def _kind(lower: str) -> str | None:
    """Return which list of a `Listing` a name belongs to, None for none."""
    tests = (
        ("tensors", lower.endswith(_TENSORS)),
        ("gguf", lower.endswith(".gguf")),
        ("configs", lower in _CONFIGS),
        ("tokenizers", lower in _TOKENIZERS),
        ("unfinished", lower.endswith(_UNFINISHED)),
        ("torch", _TORCH.fullmatch(lower) is not None or _MLX.fullmatch(lower) is not None),
        ("possible", lower.endswith(_POSSIBLE)),
    )
    return next((kind for kind, holds in tests if holds), None)


def says_weights(name: str) -> bool:
    """Whether a file's name bears on models, so that it was read with its folder."""
    return _kind(name.lower()) is not None


def is_weights(first: bytes) -> bool:
    """Whether a file's first ten bytes are those of GGUF or of safetensors, whatever its name.

    Safetensors begin with the length of their header, at most 100 MB, and with the header: a JSON object.
    """
    return first.startswith(b"GGUF") or (
        first[8:10] == b'{"' and int.from_bytes(first[:8], "little") <= _LONGEST_HEADER
    )


def without_part(name: str) -> str:
    """Return a file's name without its number among the parts of one model."""
    return _PART.sub("", name)


def is_companion(name: str) -> bool:
    """Whether a file belongs to a model without being one: a projector, a drafting head, an importance matrix."""
    return _COMPANION.search(name) is not None
