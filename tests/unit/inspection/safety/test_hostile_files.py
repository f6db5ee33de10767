from __future__ import annotations

import gzip
import io
import pickle
import subprocess
import sys
import zipfile
from datetime import date
from typing import TYPE_CHECKING

import pytest

from weighbridge.core.kinds import SafetyV1
from weighbridge.inspection.safety.inspect import inspect_safety
from weighbridge.testing.hostile_archives import hostile_files, seven_zip_bytes, tar_bytes, zip_bytes
from weighbridge.testing.hostile_pickles import benign_pickles, called, hostile_pickles
from weighbridge.testing.pinned import pin

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 11, 21)
HOSTILE = hostile_files()


def _judge(folder: Path) -> SafetyV1:
    return SafetyV1.model_validate(inspect_safety(pin(folder), TODAY).body)


def _verdict(tmp_path: Path, name: str, data: bytes) -> str:
    (tmp_path / name).write_bytes(data)
    return next(file.verdict for file in _judge(tmp_path).files if file.path == name)


def test_every_hostile_pickle_runs_code(tmp_path: Path) -> None:
    """Each form and each name that passed some scanner, under a name that says nothing."""
    for number, data in enumerate(hostile_pickles().values()):
        (tmp_path / f"{number:03d}.json").write_bytes(data)
    files = _judge(tmp_path).files
    missed = [how for how, file in zip(hostile_pickles(), files, strict=True) if file.verdict != "runs code on load"]
    assert missed == []


def test_no_benign_pickle_has_a_finding(tmp_path: Path) -> None:
    """All six protocols, with a text that talks of `os.system`."""
    for how, data in benign_pickles().items():
        (tmp_path / f"{how}.pkl").write_bytes(data)
    files = _judge(tmp_path).files
    assert [(file.verdict, file.format, file.findings) for file in files] == [("nothing found", "pickle", [])] * 6


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_gets_its_verdict(tmp_path: Path, name: str) -> None:
    """By its bytes, through every wrapping."""
    data, verdict = HOSTILE[name]
    assert _verdict(tmp_path, name, data) == verdict


def test_the_finding_names_what_is_called_and_where(tmp_path: Path) -> None:
    """The global, its arguments, the member and the byte."""
    (tmp_path / "m.pt").write_bytes(zip_bytes(("m/data.pkl", called("os", "system"))))
    (found,) = _judge(tmp_path).files[0].findings
    assert (found.check, found.severity, found.confidence) == ("pickle-code", "critical", "high")
    assert found.message.startswith("m/data.pkl: calls `os.system` with ('id')")
    assert found.message.endswith("(byte 20)")


def test_a_class_of_a_package_asks_for_trust(tmp_path: Path) -> None:
    """Made without arguments it runs nothing of this file, but the package must be trusted; that is no hard finding."""
    data = b"\x80\x04\x8c\x1fsklearn.linear_model._logistic_\x8c\x12LogisticRegression\x93)\x81."
    (tmp_path / "m.pkl").write_bytes(data)
    (file,) = _judge(tmp_path).files
    assert (file.verdict, [found.severity for found in file.findings]) == ("asks for trust", ["medium"])


def test_a_torch_archive_with_a_large_store_is_judged_by_its_pickle_alone(tmp_path: Path) -> None:
    """The stores of tensors are read at their beginning only."""
    data = zip_bytes(("m/data.pkl", pickle.dumps({})), ("m/data/0", bytes(range(256)) * 4096))
    assert _verdict(tmp_path, "m.pt", data) == "nothing found"


def test_a_bomb_is_not_unpacked_to_its_end(tmp_path: Path) -> None:
    """300 MB of a pickle's bytes from 300 kB: more than is read of one file is unknown, never nothing found."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("data.pkl", "w") as member:
        member.write(b"\x80\x04")
        for _ in range(300):
            member.write(b"N0" * 500_000)
    (tmp_path / "m.pt").write_bytes(buffer.getvalue())
    (file,) = _judge(tmp_path).files
    assert file.verdict == "unknown"


def test_a_7z_archive_of_an_unknown_method_is_unknown(tmp_path: Path) -> None:
    """The method's number changed to one that nobody knows: named as not looked into."""
    data = seven_zip_bytes("a", b"text").replace(b"\x01\x21\x21\x01", b"\x01\x21\x77\x01")
    assert _verdict(tmp_path, "a.7z", data) == "unknown"


def test_an_encrypted_member_is_unknown(tmp_path: Path) -> None:
    """What cannot be read must not pass as clean."""
    data = bytearray(zip_bytes(("a", b"some text that is no pickle")))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    data[data.index(b"some text")] ^= 255
    (tmp_path / "m.zip").write_bytes(data)
    (file,) = _judge(tmp_path).files
    assert file.verdict == "breaks the format"
    assert any("is encrypted: not looked into" in found.message for found in file.findings)


def test_a_tar_link_that_leads_out_is_found(tmp_path: Path) -> None:
    """NeMo extracts its archives."""
    data = bytearray(tar_bytes(("a", b"")))
    data[156:157] = b"2"
    data[157:168] = b"/etc/passwd"
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    assert _verdict(tmp_path, "a.tar", bytes(data)) == "breaks the format"


def test_texts_images_and_empty_files_are_settled(tmp_path: Path) -> None:
    """A file of weights that is empty is broken; any other empty file is not news."""
    (tmp_path / "README.md").write_text("os.system in a text\n")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    (tmp_path / "__init__.py").touch()
    (tmp_path / "w.bin").touch()
    (tmp_path / "x.bin").write_bytes(bytes(range(1, 256)) * 9)
    assert {file.path: file.verdict for file in _judge(tmp_path).files} == {
        "README.md": "nothing found", "a.png": "nothing found", "__init__.py": "nothing found",
        "w.bin": "breaks the format", "x.bin": "unknown",
    }  # fmt: skip


@pytest.mark.parametrize(
    "start", [b"\x82\xdf\x3f\xbf", b"\x83\xc8\x93\xbf", b"\x84\xd7\x9d\x0f\x3f\xbf", b"\x80\x04\x28\x3f"]
)
def test_numbers_of_a_tensor_that_look_like_a_pickle_are_no_pickle(tmp_path: Path, start: bytes) -> None:
    """Every 85th storage begins with a number of the registry: a third of 300 small files of torch 2.13 had one."""
    member = ("m/data/1", start + bytes(range(0x80, 0x90)))
    assert _verdict(tmp_path, "m.pt", zip_bytes(("m/data.pkl", pickle.dumps({})), member)) == "nothing found"


def test_a_number_of_the_registry_in_raw_bytes_behind_a_pickle_is_no_pickle(tmp_path: Path) -> None:
    """As it stands in tensors of files that torch wrote before its ZIP format."""
    data = pickle.dumps({}) + b"\x11\x9f\x80\x03\x83\xc8\x93\xbf\xf0\xe1"
    assert _verdict(tmp_path, "m.bin", data) != "runs code on load"


def test_a_registered_class_that_is_called_runs_code_without_the_mark_of_a_protocol(tmp_path: Path) -> None:
    """`copyreg` gives numbers to names; which name a number has cannot be read in the file."""
    assert _verdict(tmp_path, "m.bin", b"\x82\x01(X\x04\x00\x00\x00echotR.") == "runs code on load"


def test_a_compressed_tar_in_a_compressed_tar_is_read(tmp_path: Path) -> None:
    """A `.tar.gz` counts as one archive where it lies in another."""
    inner = gzip.compress(tar_bytes(("m/weights", called("os", "system"))))
    assert _verdict(tmp_path, "m.tar.gz", gzip.compress(tar_bytes(("in.tar.gz", inner)))) == "runs code on load"


def test_a_pickle_with_a_byte_that_is_no_opcode_breaks_the_format(tmp_path: Path) -> None:
    """An unpickler stops there: the file cannot be what its name says."""
    for name, data in (("m.pkl", b"\x80\x04\xff\xff"), ("m.bin", b"\x80\x02\xfe."), ("m.joblib", b"\x80\x09N.")):
        assert _verdict(tmp_path, name, data) == "breaks the format"


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        (b"import os; os.system('id')", "runs code on load"),
        (b"import\tsys;exec('x')", "runs code on load"),
        (b"import _virtualenv", "asks for trust"),
        (b"/opt/packages", "nothing found"),
        (b" import os; os.system('id')", "nothing found"),  # `site` tests the very beginning of a line
    ],
)
def test_a_path_file_is_no_weights(tmp_path: Path, line: bytes, verdict: str) -> None:
    """`site.addpackage` of CPython runs lines that begin with `import`; torch's `.pth` is told by its bytes."""
    assert _verdict(tmp_path, "x.pth", b"# a comment\n" + line + b"\n") == verdict
    assert _verdict(tmp_path, "y.zip", zip_bytes(("in/x.pth", b"\xef\xbb\xbf" + line))) == verdict
    assert _verdict(tmp_path, "weights.pth", zip_bytes(("m/data.pkl", pickle.dumps({})))) == "nothing found"


def test_what_is_nested_too_deeply_says_so(tmp_path: Path) -> None:
    """Three levels are read; a fourth is named, with the bound."""
    data = b"text"
    for _ in range(4):
        data = gzip.compress(data)
    (tmp_path / "a.gz").write_bytes(data)
    (file,) = _judge(tmp_path).files
    assert file.verdict == "unknown"
    assert [found.message for found in file.findings] == [
        "unpacked > unpacked > unpacked: is gzip inside 3 others; 3 levels are read, so it is not known what it holds"
    ]


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"\x04\x22\x4d\x18", "lz4"), (b"\x02\x21\x4c\x18", "lz4"), (b"Rar!\x1a\x07\x00", "rar"),
        (b"Rar!\x1a\x07\x01\x00", "rar"), (b"LZIP\x01", "lzip"), (b"\x1f\x9d\x90", "compress"),
    ],
)  # fmt: skip
def test_what_is_compressed_in_a_way_that_is_not_read_is_unknown(tmp_path: Path, start: bytes, what: str) -> None:
    """By its magic number, under any name; in an archive too. Never "nothing found"."""
    data = start + bytes(range(200, 256)) * 3
    for name, content in (("a.bin", data), ("a.txt", data), ("a.zip", zip_bytes(("in", data)))):
        assert _verdict(tmp_path, name, content) == "unknown"
        (file,) = (one for one in _judge(tmp_path).files if one.path == name)
        assert any(f"is compressed as {what}, which is not read here" in found.message for found in file.findings)


def test_zstandard_is_read_where_its_package_is_installed(tmp_path: Path) -> None:
    """Frames one after the other, one to be skipped before them; what cannot be unpacked is broken."""
    zstandard = pytest.importorskip("zstandard")
    pack = zstandard.ZstdCompressor().compress
    skipped = b"\x50\x2a\x4d\x18\x04\0\0\0abcd"
    evil = called("os", "system")
    for data in (pack(evil), skipped + pack(evil), pack(evil[:5]) + pack(evil[5:]), pack(gzip.compress(evil))):
        assert _verdict(tmp_path, "a.zst", data) == "runs code on load"
    assert _verdict(tmp_path, "a.zst", pack(b"a text")) == "nothing found"
    assert _verdict(tmp_path, "a.zst", pack(evil * 50)[:-9]) == "breaks the format"


def test_zstandard_without_its_package_is_unknown(tmp_path: Path) -> None:
    """And the extra that would read it is named."""
    (tmp_path / "a.zst").write_bytes(b"\x28\xb5\x2f\xfd\x04\x00abcd")
    code = (
        "import sys; sys.modules['zstandard'] = None\n"
        "from datetime import date; from pathlib import Path\n"
        "from weighbridge.testing.pinned import pin\n"
        "from weighbridge.inspection.safety.inspect import inspect_safety\n"
        f"file = inspect_safety(pin(Path({str(tmp_path)!r})), date(2026, 11, 22)).body['files'][0]\n"
        "print(file['verdict'], file['findings'][0]['message'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("unknown is compressed as zstd, which is read with the extra `zstd` only")


def test_a_bomb_of_zstandard_is_not_unpacked_to_its_end(tmp_path: Path) -> None:
    """One gigabyte from 33 kB: unknown, and never in memory."""
    zstandard = pytest.importorskip("zstandard")
    packer = zstandard.ZstdCompressor().compressobj()
    block = bytes(1 << 20)
    parts = [packer.compress(b"\x80\x04" + b"N0" * 500), *(packer.compress(block) for _ in range(1024))]
    data = b"".join([*parts, packer.flush()])
    assert _verdict(tmp_path, "a.zst", data) in {"unknown", "breaks the format"}


def test_a_compressed_file_of_no_known_format_is_unknown(tmp_path: Path) -> None:
    """It was unpacked, and nobody knows what it holds; the members of an archive may be raw numbers."""
    assert _verdict(tmp_path, "a.gz", gzip.compress(bytes(range(1, 256)) * 9)) == "unknown"
