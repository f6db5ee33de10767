"""Tell a format by its bytes, never by its name; only the kind of a text is told by the name."""

from __future__ import annotations

import zlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from weighbridge.formats.archives.tar import is_tar
from weighbridge.formats.pickles.scan import begins_as_pickle, is_text_pickle

if TYPE_CHECKING:
    from weighbridge.formats.source import Source

__all__ = ["HEAD_BYTES", "format_of", "format_of_source", "is_text"]

HEAD_BYTES = 1024  # a tar header is 512 bytes
_MOST_TRIED = 64 << 20  # a text or unknown file that is tried as a pickle without the mark of a protocol

_MAGICS = (
    (b"GGUF", "gguf"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x93NUMPY", "numpy"),
    (b"\x89HDF\r\n\x1a\n", "hdf5"),
    (b"\x7fELF", "elf"),
    (b"\xcf\xfa\xed\xfe", "mach-o"),
    (b"\xca\xfe\xba\xbe", "mach-o"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x02\x21\x4c\x18", "lz4"),  # its older frame
    (b"Rar!\x1a\x07", "rar"),
    (b"LZIP", "lzip"),
    (b"\x1f\x9d", "compress"),
    (b"\x89LZO\0", "lzop"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF8", "gif"),
    (b"%PDF-", "pdf"),
    (b"version https://git-lfs.github.com/spec/", "git lfs pointer"),
    (b"#!", "script"),
)
_PICKLES = frozenset({".pkl", ".pickle", ".joblib", ".dill", ".pt", ".pth", ".ckpt"})
_PROTO = 0x80
_TEXTS = {
    ".py": "python", ".json": "json", ".jsonl": "json", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml",
    ".jinja": "jinja", ".jinja2": "jinja", ".md": "markdown", ".sh": "script", ".bat": "script", ".ps1": "script",
}  # fmt: skip


def format_of_source(source: Source, name: str) -> str:
    """Return the format of a source; where bytes at its beginning do not settle it, it is tried as a text pickle."""
    found = format_of(source.read(0, HEAD_BYTES), name)
    if found == "pickle" and not PurePosixPath(name).suffix and not is_text_pickle(source):
        return "unknown"  # raw numbers of a tensor may begin with the mark of a protocol; an unpickler stops there
    if found in {*_TEXTS.values(), "text", "unknown"} and source.size <= _MOST_TRIED and is_text_pickle(source):
        return "pickle"
    return found


def format_of(head: bytes, name: str) -> str:
    """Return the format of a file of which `head` is the beginning; of text the name tells the kind, else "unknown"."""
    if not head:
        return "empty"
    if _is_safetensors(head):
        return "safetensors"
    if begins_as_pickle(head) or _claims_pickle(head, name):
        return "pickle"
    found = next((what for magic, what in _MAGICS if head.startswith(magic)), "") or _by_shape(head, name)
    if found:
        return found
    return _TEXTS.get(PurePosixPath(name.lower()).suffix, "text") if is_text(head) else "unknown"


def is_text(head: bytes) -> bool:
    """Whether these bytes are UTF-8 without NUL; the last character may be cut."""
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3 or error.reason != "unexpected end of data":
            return False
    return b"\0" not in head


def _claims_pickle(head: bytes, name: str) -> bool:
    """Whether a damaged pickle lies under the name of one: no opcode, or no protocol, follows the mark."""
    suffix = PurePosixPath(name.lower()).suffix
    return head[0] == _PROTO and (suffix in _PICKLES or (suffix == ".bin" and head[1:2] <= b"\5"))


def _is_safetensors(head: bytes) -> bool:
    """Whether a length in eight bytes is followed by an object of JSON."""
    return len(head) > 8 and head[8:9] == b"{" and head[5:8] == b"\0\0\0"  # noqa: PLR2004 - the length is 8 bytes


def _by_shape(head: bytes, name: str) -> str:
    """Return the format of what has a mark of two bytes, or none but its shape; "" for any other."""
    tests = (
        ("pe", head.startswith(b"MZ") and b"\0" in head),
        ("tar", is_tar(head)),
        ("zstd", head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] < 0x60),  # noqa: PLR2004 - to be skipped, RFC 8878
        ("zlib", head[:1] == b"\x78" and int.from_bytes(head[:2], "big") % 31 == 0 and _inflates(head)),
        ("lzma", head[:3] == b"\x5d\0\0" and not is_text(head)),
        ("savedmodel", head[:3] == b"\x08\x01\x12" and (b"serve" in head or name.lower().endswith(".pb"))),
        ("onnx", _is_onnx(head, name)),
        ("protobuf", head[:1] == b"\n" and name.lower().endswith(".pb")),
    )
    return next((what for what, holds in tests if holds), "")


def _inflates(head: bytes) -> bool:
    try:
        zlib.decompressobj().decompress(head, 1)
    except zlib.error:
        return False
    return True


def _is_onnx(head: bytes, name: str) -> bool:
    """Whether a protobuf begins with ONNX's `ir_version` and then its producer, graph or opset."""
    if len(head) < 4 or head[0] != 8 or not 1 <= head[1] <= 32:  # noqa: PLR2004 - field 1, a small varint
        return False
    is_newer = head[1] > 2  # noqa: PLR2004 - SavedModel has version 1, and no ONNX is of version 2
    return head[2] in {0x12, 0x1A, 0x22, 0x3A, 0x42} and (is_newer or name.lower().endswith(".onnx") or b"onnx" in head)
