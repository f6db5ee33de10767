"""Archives and model files around a pickle, sound or lying on purpose; the command in them is `id`."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import struct
import tarfile
import zipfile
import zlib

from weighbridge.testing.hostile_pickles import called

__all__ = ["hostile_files", "seven_zip_bytes", "tar_bytes", "zip_bytes"]

_DIRECTORY = b"PK\x01\x02"


def zip_bytes(*members: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """Return a ZIP archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


def tar_bytes(*members: tuple[str, bytes]) -> bytes:
    """Return a tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def seven_zip_bytes(name: str, data: bytes) -> bytes:
    """Return a 7z archive of one member, packed by LZMA2, its header not packed (`7zFormat.txt` of the LZMA SDK)."""
    packed = lzma.compress(data, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 16}])
    names = b"\0" + (name + "\0").encode("utf-16-le")
    header = b"\x01\x04\x06\x00\x01\x09" + _seven_number(len(packed)) + b"\x00\x07\x0b\x01\x00\x01\x21\x21\x01\x08"
    header += b"\x0c" + _seven_number(len(data)) + b"\x00\x08\x00\x00"
    header += b"\x05\x01\x11" + _seven_number(len(names)) + names + b"\x00\x00"
    start = struct.pack("<QQI", len(packed), len(header), zlib.crc32(header))
    return b"7z\xbc\xaf\x27\x1c\x00\x04" + struct.pack("<I", zlib.crc32(start)) + start + packed + header


def hostile_files() -> dict[str, tuple[bytes, str]]:
    """Return files by name with the verdict that each deserves."""
    runs, pickle = "runs code on load", called("os", "system")
    torch = zip_bytes(("archive/data.pkl", pickle), ("archive/version", b"3\n"))
    files = {
        "model.pt": torch,
        "deflated.pt": zip_bytes(("a/data.pkl", pickle), method=zipfile.ZIP_DEFLATED),
        "bzipped.pt": zip_bytes(("a/data.pkl", pickle), method=zipfile.ZIP_BZIP2),
        "other_name.zip": zip_bytes(("weights.txt", pickle)),
        "encrypted_mark.pt": _changed(torch, torch.index(_DIRECTORY) + 8, 1),  # CVE-2025-1945
        "wrong_checksum.pt": _changed(_changed(torch, torch.index(_DIRECTORY) + 16, 255), 14, 255),  # CVE-2025-10156
        "two_names.pt": torch[:-60].replace(_DIRECTORY, _DIRECTORY) + torch[-60:].replace(b"data.pkl", b"xxxx.pkl"),
        "not_in_directory.pt": torch[: torch.index(_DIRECTORY)] + zip_bytes(("b", b"hi")),
        "behind_rubbish.pt": b"rubbish " * 9 + torch,
        "nested.zip": zip_bytes(("inner.zip", torch)),
        "a.tar": tar_bytes(("m/data.pkl", pickle)),
        "a.tar.gz": gzip.compress(tar_bytes(("m/data.pkl", pickle))),
        "a.gz": gzip.compress(pickle),
        "a.bz2": bz2.compress(pickle),
        "a.xz": lzma.compress(pickle),
        "a.lzma": lzma.compress(pickle, format=lzma.FORMAT_ALONE),
        "a.z": zlib.compress(pickle),
        "a.7z": seven_zip_bytes("m/data.pkl", pickle),
        "logo.png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(30) + pickle,
        "tail.safetensors": _safetensors() + torch,
        "model.nemo": tar_bytes(("model_config.yaml", b"model:\n  _target_: os.system\n  command: id\n")),
        "object.npy": _object_array(pickle),
        "object.npz": zip_bytes(("a.npy", _object_array(pickle))),
        "lambda.keras": zip_bytes(("config.json", _keras("keras.layers", "Lambda"))),
        "lambda.json": _keras("keras.layers", "Lambda"),
        "function.keras": zip_bytes(("config.json", _keras("os", "function", "system"))),  # CVE-2025-1550
        "unsafe.keras": zip_bytes(("config.json", _keras("keras.config", "function", "enable_unsafe_deserialization"))),
        "lambda.h5": b"\x89HDF\r\n\x1a\n" + bytes(200) + _keras("keras.layers", "Lambda") + bytes(200),
        "saved_model.pb": b"\x08\x01\x12\x40\x0a\x05serve\x12\x06PyFunc" + bytes(20),
    }
    deserved = dict.fromkeys(files, runs)
    other = {
        "slip.zip": (zip_bytes(("../../x.txt", b"hi")), "breaks the format"),
        "cut.pt": (torch[: torch.index(_DIRECTORY)][:40], "breaks the format"),
        "four_deep.zip": (_deep(4), "unknown"),
        "external.onnx": (_onnx(b"../../../etc/passwd"), "asks for trust"),
        "handler.mar": (zip_bytes(("handler.py", b"import os")), "asks for trust"),
    }
    return {name: (data, deserved[name]) for name, data in files.items()} | other


def _seven_number(number: int) -> bytes:
    return bytes([number]) if number < 0x80 else bytes([0x80 | number >> 8, number & 255])  # noqa: PLR2004 - to 14 bits


def _changed(data: bytes, at: int, mask: int) -> bytes:
    """Return bytes with some bits of one of them turned."""
    return data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]


def _safetensors() -> bytes:
    header = json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(8)


def _object_array(pickle: bytes) -> bytes:
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + pickle


def _keras(module: str, name: str, called_name: str | None = None) -> bytes:
    layer = {"module": module, "class_name": name, "config": called_name or {"function": ["4wE="]}}
    return json.dumps({"class_name": "Sequential", "config": {"layers": [layer]}}).encode()


def _deep(levels: int) -> bytes:
    data = called("os", "system")
    for _ in range(levels):
        data = zip_bytes(("inner", data))
    return data


def _onnx(location: bytes) -> bytes:
    entry = b"\x0a\x08location\x12" + bytes([len(location)]) + location
    return b"\x08\x08\x12\x04test\x3a\x40" + entry
