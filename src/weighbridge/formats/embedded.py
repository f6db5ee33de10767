"""Find programs, archives, pickles and scripts inside bytes and texts that should be none."""

from __future__ import annotations

import base64
import binascii
import pickletools
import re

__all__ = ["embedded_in", "embedded_in_text", "is_tag_hidden"]

_MAGICS = (
    (re.compile(rb"PK\x03\x04[\x0a-\x3f]\x00"), "a ZIP archive"),
    (re.compile(rb"PK\x05\x06\x00\x00\x00\x00"), "the end of a ZIP archive"),
    (re.compile(rb"\x7fELF[\x01\x02][\x01\x02]\x01"), "a program for Linux (ELF)"),
    (re.compile(rb"MZ[\s\S]{58}[\s\S]{2}\x00\x00"), "a program for Windows (PE)"),
    (re.compile(rb"This program cannot be run in DOS mode"), "a program for Windows (PE)"),
    (re.compile(rb"(?:\xcf\xfa\xed\xfe|\xfe\xed\xfa\xcf)[\x01\x07\x0c\x00]"), "a program for macOS (Mach-O)"),
    (re.compile(rb"7z\xbc\xaf\x27\x1c"), "a 7z archive"),
    (re.compile(rb"Rar!\x1a\x07"), "a RAR archive"),
    (re.compile(rb"\x1f\x8b\x08[\x00-\x1f][\s\S]{4}[\x00\x02\x04][\x00-\x0d\xff]"), "gzip data"),
    (re.compile(rb"\xfd7zXZ\x00"), "xz data"),
    (re.compile(rb"BZh[1-9]1AY&SY"), "bzip2 data"),
    (re.compile(rb"#!\s{0,3}/(?:usr/)?(?:local/)?bin/"), "a script"),
    (re.compile(rb"c(?:os|posix|nt|subprocess|builtins|__builtin__|runpy|sys)\n\w+\n"), "a pickle"),
    (re.compile(rb"<script[\s>]|<\?php", re.IGNORECASE), "a script"),
)
_PICKLE = re.compile(rb"\x80[\x02-\x05][\x00-\xff]")
_MOST_TRIED = 64
_MOST_OPCODES = 2000
_CODE = re.compile(
    r"#!\s?/(?:usr/)?bin/|\b__import__\s*\(|\b(?:exec|eval)\s*\(\s*(?:base64|compile|__import__|open|zlib|bytes)|"
    r"\bos\.(?:system|popen|exec\w+)\s*\(|\bsubprocess\.\w+\s*\(|\b(?:curl|wget)\b[^\n|]{0,200}\|\s*(?:ba|z)?sh\b|"
    r"powershell(?:\.exe)?\s+-|<script[\s>]|javascript:|\bimport\s+(?:os|subprocess|socket|ctypes)\b[\s;,]|cos\nsystem\n|"
    r"/dev/tcp/|\bbash\s+-i\b|\brm\s+-rf\s+/",
    re.IGNORECASE,
)
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/_-]{4}){12,}={0,2}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){24,}")
_MOST_DECODED = 1 << 20
_MOST_BLOBS = 200


def embedded_in(data: bytes) -> list[tuple[int, str]]:
    """Return where in some bytes another format begins, and which, in order; each format once."""
    found: dict[str, int] = {}
    for pattern, what in _MAGICS:
        for hit in pattern.finditer(data):
            if what != "a program for Windows (PE)" or _is_pe(data, hit.start()):
                found[what] = min(found.get(what, hit.start()), hit.start())
                break
    for number, hit in enumerate(_PICKLE.finditer(data)):
        if number >= _MOST_TRIED:
            break
        if _is_pickle(data[hit.start() : hit.start() + _MOST_DECODED]):
            found["a pickle"] = min(found.get("a pickle", hit.start()), hit.start())
            break
    return sorted((at, what) for what, at in found.items())


def _is_pe(data: bytes, at: int) -> bool:
    if data.startswith(b"This", at):
        return True
    place = at + int.from_bytes(data[at + 60 : at + 64], "little")
    return data[place : place + 4] == b"PE\0\0"


def _is_pickle(data: bytes) -> bool:
    """Whether the opcodes from here on come to STOP, with a value before it."""
    try:
        for number, (opcode, _, place) in enumerate(pickletools.genops(data)):
            if opcode.name == "STOP":
                return place is not None and number > 1
            if number > _MOST_OPCODES:
                return True
    except (ValueError, IndexError, OverflowError, UnicodeDecodeError):
        return False
    return False


def embedded_in_text(text: str) -> list[str]:
    """Return what a text carries that is no text: code, or a format behind base64 or hexadecimal digits."""
    found = []
    if hit := _CODE.search(text):
        found.append(f"code: {' '.join(text[hit.start() : hit.start() + 80].split())}")
    for number, blob in enumerate(_BASE64.finditer(text)):
        if number >= _MOST_BLOBS:
            break
        found += [f"{what} in base64" for what in _decoded(_from_base64(blob[0]))]
    for number, blob in enumerate(_HEX.finditer(text)):
        if number >= _MOST_BLOBS:
            break
        found += [f"{what} in hexadecimal digits" for what in _decoded(_from_hex(blob[0]))]
    raw = text.encode("latin-1", "ignore")
    found += [
        what for at, what in embedded_in(raw) if what in {"a pickle", "a program for Linux (ELF)", "a ZIP archive"}
    ]
    return list(dict.fromkeys(found))


def _decoded(data: bytes) -> list[str]:
    found = [what for at, what in embedded_in(data[:_MOST_DECODED]) if at == 0]
    if not found and data.isascii() and _CODE.search(data[:_MOST_DECODED].decode()):
        found.append("code")
    return found


def _from_base64(text: str) -> bytes:
    plain = text[: 4 * _MOST_DECODED // 3].replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4))
    except binascii.Error:
        return b""


def _from_hex(text: str) -> bytes:
    return bytes.fromhex(text[: 2 * (len(text[: 2 * _MOST_DECODED]) // 2)])


def is_tag_hidden(text: str) -> bool:
    """Whether a text holds tag characters, which no eye sees and a model reads."""
    return any(0xE0000 <= ord(letter) <= 0xE007F for letter in text) if not text.isascii() else False  # noqa: PLR2004 - the Unicode block
