"""Add up tensor tables, one file at a time, and remember what makes an element count misleading."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from weighbridge.formats.tensor import MAX_ELEMENTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.formats.tensor import Tensor

__all__ = ["MAX_TENSORS", "Tally", "kind_of"]

MAX_TENSORS = 400_000  # a model of 384 experts with packed weights, scales and shapes apart holds some 210,000

# integer containers: several small weights share one element of these types in safetensors
_CONTAINERS = frozenset({"U8", "U16", "U32", "U64", "I16", "I32"})
_INTEGERS = frozenset({"BOOL", "I16", "I32", "I64", "U8", "U16", "U32", "U64"})
_PACKED_NAMES = (".qweight", ".qzeros", ".weight_packed", "_blocks", ".weight")
_SCALE_NAMES = ("_scale_inv", "_scale", "_scales", ".scale", ".scales")
_ROTARY_NAMES = ("rotary_emb.inv_freq", "rope_freqs.weight")
_EMBEDDING_NAMES = ("embed_tokens.weight", "token_embd.weight", "wte.weight", "word_embeddings.weight",
                    "embed_in.weight", "tok_embeddings.weight")  # fmt: skip
_HEAD_NAMES = ("lm_head.weight", "embed_out.weight")
_LAYER = re.compile(r"(?:^|\.)(?:layers|blk|h)\.(\d{1,4})\.")
_MOST_KINDS = 4096
_LONGEST_KIND = 6
_DRAFT_NAMES = ("mtp.", "model.mtp.")


def kind_of(name: str) -> str:
    """Return what a tensor is within its layer: the name after its last number, or its last two words."""
    parts = name.rsplit(".", _LONGEST_KIND)[-_LONGEST_KIND:]
    last = max((at for at, part in enumerate(parts) if part.isdigit() or part == "*"), default=-1)
    return ".".join(parts[last + 1 :] if last >= 0 else parts[-2:])


class Tally:
    """Totals over tensors; every count is in elements, `n_bytes` None as soon as one tensor's bytes are unknown.

    `kinds` adds weights up by name without numbers (`mlp.gate_proj.weight`), as far as there are not too many names.
    """

    def __init__(self) -> None:
        self.tensors = 0
        self.weights = 0
        self.n_bytes: int | None = 0
        self.dtypes: dict[str, int] = {}
        self.packed = 0
        self.scales = 0
        self.buffers = 0
        self.repeated = 0
        self.experts_seen = False
        self.embedding: tuple[int, ...] | None = None
        self.head: tuple[int, ...] | None = None
        self._by_layer: dict[int, int] = {}
        self._draft = 0
        self._names: set[int] = set()
        self.kinds: dict[str, int] = {}

    def add(self, tensors: Iterable[Tensor], *, containers: bool) -> None:
        """Add one file's table; `containers` says that its integer types may hold packed weights."""
        for tensor in tensors:
            self.tensors += 1
            self.dtypes[tensor.dtype] = self.dtypes.get(tensor.dtype, 0) + tensor.elements
            if self.n_bytes is not None:
                self.n_bytes = None if tensor.n_bytes is None else self.n_bytes + tensor.n_bytes
            self._sort(tensor, containers)
            self._remember(tensor)

    @property
    def is_believable(self) -> bool:
        """Whether the totals are exact numbers in JSON; a table may claim more than any disk holds."""
        return max(self.weights, self.packed, self.buffers, self.n_bytes or 0, *self.dtypes.values(), 0) <= MAX_ELEMENTS

    def draft_elements(self, layers: int | None, drafts: int) -> int:
        """Return the elements of multi-token-prediction layers: numbered from `layers` on, or named so."""
        if layers is None or not drafts:
            return self._draft
        return self._draft + sum(count for layer, count in self._by_layer.items() if layer >= layers)

    def _sort(self, tensor: Tensor, containers: bool) -> None:
        """Put a tensor's elements where they count: weights, packed weights, or buffers."""
        name, elements = tensor.name, tensor.elements
        if containers and tensor.dtype in _CONTAINERS and len(tensor.shape) > 1 and name.endswith(_PACKED_NAMES):
            self.packed += elements
        elif tensor.dtype in _INTEGERS or name.endswith(_ROTARY_NAMES):
            self.buffers += elements
        else:
            self.weights += elements
            kind = kind_of(name)
            if kind in self.kinds or len(self.kinds) < _MOST_KINDS:
                self.kinds[kind] = self.kinds.get(kind, 0) + elements
            if name.endswith(_SCALE_NAMES):
                self.scales += elements

    def _remember(self, tensor: Tensor) -> None:
        """Note what the name says: experts, embedding, head, a layer's number, a name met before."""
        name = tensor.name
        key = hash(name)
        if key in self._names:
            self.repeated += 1
        self._names.add(key)
        self.experts_seen = self.experts_seen or "expert" in name or "_exps" in name
        if name.startswith(_DRAFT_NAMES):
            self._draft += tensor.elements
        elif (layer := _LAYER.search(name)) and "vision" not in name and "visual" not in name:
            number = int(layer[1])
            self._by_layer[number] = self._by_layer.get(number, 0) + tensor.elements
        elif name.endswith(_EMBEDDING_NAMES):
            self.embedding = tensor.shape
        elif name.endswith(_HEAD_NAMES) or name == "output.weight":
            self.head = tensor.shape
