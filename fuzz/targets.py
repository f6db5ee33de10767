"""What is fuzzed: one function a parser, from any bytes to nothing; only a WeighbridgeError may be raised."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.errors import WeighbridgeError
from weighbridge.formats.archives.packed import METHODS, Allowance, Unpacked
from weighbridge.formats.archives.seven_zip import read_seven_zip
from weighbridge.formats.archives.tar import read_tar
from weighbridge.formats.archives.zip import read_zip
from weighbridge.formats.bounded_file import BoundedFile
from weighbridge.formats.card import parse_front_matter
from weighbridge.formats.chat_template import parse_template
from weighbridge.formats.config import read_config, read_index
from weighbridge.formats.dsse import parse_envelope
from weighbridge.formats.embedded import embedded_in, embedded_in_text
from weighbridge.formats.gguf import read_gguf
from weighbridge.formats.magic import format_of_source
from weighbridge.formats.npy import read_npy_header
from weighbridge.formats.pickles.scan import scan_pickles
from weighbridge.formats.protobuf import Malformed, Steps, fields_of
from weighbridge.formats.safetensors import read_header
from weighbridge.formats.source import Held
from weighbridge.formats.strict_json import parse_json
from weighbridge.inspection.code.notebook import cells_of
from weighbridge.inspection.code.objects import in_json, in_yaml
from weighbridge.inspection.code.source import read_source
from weighbridge.inspection.licence.identify import identify
from weighbridge.inspection.licence.reading import read_text
from weighbridge.inspection.provenance.lock import read_lock
from weighbridge.inspection.provenance.model_signature import read_manifest
from weighbridge.inspection.safety.graph import reached_by
from weighbridge.inspection.safety.pickle_judge import PickleJudge
from weighbridge.inspection.safety.readers import look
from weighbridge.inspection.safety.report import FilePart, Report
from weighbridge.inspection.stray import in_gguf, in_safetensors
from weighbridge.inspection.templates.capabilities import capabilities_of
from weighbridge.inspection.templates.fold import constants_of
from weighbridge.inspection.templates.hidden import hidden_in
from weighbridge.inspection.templates.instructions import covert_words
from weighbridge.inspection.templates.taint import taint_of
from weighbridge.inspection.templates.triggers import triggers_of
from weighbridge.inspection.templates.work import heavy_work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from weighbridge.formats.archives.member import Archive

__all__ = ["TARGETS"]

_PLACE = Path("fuzzed")
_MAX_JSON = 1 << 20
_ALLOWANCE = 16 << 20


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _as_file(data: bytes, read: Callable[[Path], object]) -> None:
    """Hand bytes to a reader of files."""
    with tempfile.NamedTemporaryFile(prefix="fuzz") as file:
        file.write(data)
        file.flush()
        read(Path(file.name))


def _drain(archive: Archive) -> None:
    for member in archive.members[:50]:
        if member.source is not None:
            member.source.read(0, 4096)
        if isinstance(member.source, Unpacked):
            member.source.close()
    archive.close()


def _pickle(data: bytes) -> None:
    judge = PickleJudge()
    scan_pickles(Held(data), judge.tell)
    list(judge.said())


def _zip(data: bytes) -> None:
    _drain(read_zip(Held(data), Allowance(_ALLOWANCE)))


def _tar(data: bytes) -> None:
    _drain(read_tar(Held(data)))


def _seven_zip(data: bytes) -> None:
    _drain(read_seven_zip(Held(data), Allowance(_ALLOWANCE)))


def _packed(data: bytes) -> None:
    for method in METHODS:
        unpacked = Unpacked(Held(data), method, Allowance(_ALLOWANCE))
        assert unpacked.size >= 0  # noqa: S101 - a law, not a test
        unpacked.close()


def _gguf(data: bytes) -> None:
    def read(path: Path) -> None:
        header = read_gguf(path)
        with BoundedFile(path) as file:
            list(in_gguf(file, header))

    _as_file(data, read)


def _safetensors(data: bytes) -> None:
    def read(path: Path) -> None:
        header = read_header(path)
        with BoundedFile(path) as file:
            list(in_safetensors(file, header))

    _as_file(data, read)


def _protobuf(data: bytes) -> None:
    with suppress(Malformed):
        list(fields_of(Held(data), 0, len(data), Steps()))
    with suppress(Malformed):
        reached_by(Held(data))


def _json(data: bytes) -> None:
    with suppress(WeighbridgeError):
        parse_json(data, _PLACE, max_bytes=_MAX_JSON)
    parse_json(data, _PLACE, max_bytes=_MAX_JSON, constants_as_text=True)


def _config(data: bytes) -> None:
    with suppress(WeighbridgeError):
        _as_file(data, read_config)
    _as_file(data, read_index)


def _template(data: bytes) -> None:
    text = _text(data)
    list(hidden_in(text))
    covert_words(text)
    tree = parse_template(text)
    capabilities_of(tree)
    constants_of(tree)
    taint_of(tree)
    triggers_of(tree)
    list(heavy_work(tree))


def _licence(data: bytes) -> None:
    text = _text(data)
    read_text(text, identify(text), "LICENSE")


def _settings(data: bytes) -> None:
    with suppress(WeighbridgeError):
        in_yaml(data)
    with suppress(WeighbridgeError):
        in_json(data, "config.json")
    cells_of("a.ipynb", data)


def _signature(data: bytes) -> None:
    with suppress(WeighbridgeError):
        read_manifest(data, _PLACE)
    with suppress(WeighbridgeError):
        _as_file(data, read_lock)
    parse_envelope(data, _PLACE)


def _safety(data: bytes) -> None:
    """Read a file as `inspect` does, under several names."""
    for name in _names(data):
        source = Held(data)
        look(FilePart(name, source, format_of_source(source, name)), Report(name, Allowance(_ALLOWANCE)))


def _names(data: bytes) -> Iterator[str]:
    yield "f"
    yield ("f.pkl", "f.pb", "f.json", "f.h5", "f.pth", "f.onnx", "f.yaml", "f.npy")[len(data) % 8]


def _embedded(data: bytes) -> None:
    embedded_in(data)
    embedded_in_text(_text(data))


def _drop(_: object) -> None:
    """Drop a value."""


TARGETS: dict[str, Callable[[bytes], None]] = {
    "card": lambda data: _drop(parse_front_matter(_text(data), "README.md")),
    "config": _config,
    "embedded": _embedded,
    "gguf": _gguf,
    "json": _json,
    "licence": _licence,
    "npy": lambda data: _drop(read_npy_header(Held(data))),
    "packed": _packed,
    "pickle": _pickle,
    "protobuf": _protobuf,
    "python": lambda data: _drop(read_source(_text(data))),
    "safetensors": _safetensors,
    "safety": _safety,
    "settings": _settings,
    "seven_zip": _seven_zip,
    "signature": _signature,
    "tar": _tar,
    "template": _template,
    "zip": _zip,
}
