"""Tell a format by its first bytes, never by its name."""

from __future__ import annotations

from pathlib import PurePosixPath

__all__ = ["HEAD_BYTES", "format_of"]

HEAD_BYTES = 1024  # a tar header is 512 bytes, its mark at 257

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
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF8", "gif"),
    (b"%PDF-", "pdf"),
    (b"version https://git-lfs.github.com/spec/", "git lfs pointer"),
    (b"#!", "script"),
)
_TEXTS = {
    ".py": "python", ".json": "json", ".jsonl": "json", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml",
    ".jinja": "jinja", ".jinja2": "jinja", ".md": "markdown", ".sh": "script",
}  # fmt: skip


def format_of(head: bytes, name: str) -> str:
    """Return the format of a file of which `head` is the beginning; of text the name tells the kind, else "unknown"."""
    if not head:
        return "empty"
    for magic, what in _MAGICS:
        if head.startswith(magic):
            return what
    if head[0] == 0x80 and len(head) > 2 and head[1] <= 5:  # noqa: PLR2004 - PROTO, then one of six protocols
        return "pickle"
    if head[257:262] == b"ustar":
        return "tar"
    return _by_shape(head) or (_TEXTS.get(PurePosixPath(name.lower()).suffix, "text") if _is_text(head) else "unknown")


def _by_shape(head: bytes) -> str:
    """Return the format of what has a mark of two letters, or none but its shape; "" for any other."""
    if head.startswith(b"MZ") and b"\0" in head:
        return "pe"
    if len(head) > 8 and head[8:9] == b"{" and head[6:8] == b"\0\0":  # noqa: PLR2004 - a length, then JSON
        return "safetensors"
    return ""


def _is_text(head: bytes) -> bool:
    """Whether these bytes are UTF-8 without NUL; the last character may be cut."""
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 3 and error.reason == "unexpected end of data"
    return b"\0" not in head
