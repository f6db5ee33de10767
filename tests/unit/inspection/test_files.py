from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from typing import TYPE_CHECKING

import pytest

from weighbridge import plugin
from weighbridge.core.artefact import Artefact, NotInspected
from weighbridge.core.kinds import FilesV1
from weighbridge.core.reference import Reference
from weighbridge.errors import DamagedFile
from weighbridge.hub.protocol import resolve
from weighbridge.inspection.files import inspect_files
from weighbridge.inspection.inspect import inspect_artefact
from weighbridge.testing.pinned import pin
from weighbridge.testing.tiny_weights import Row, gguf_bytes, safetensors_bytes, safetensors_raw

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 11, 21)
RSS_LIMIT_KIB = 200 * 1024
SOUND = {"a": ("F32", [2], 8)}


def _files(path: Path, *left_alone: NotInspected) -> FilesV1:
    return FilesV1.model_validate(inspect_files(pin(path, *left_alone), TODAY).body)


def _found(path: Path, *left_alone: NotInspected) -> list[tuple[str, str, str, str]]:
    """Return the findings but the one that there are no weights: most folders here are made of a file or two."""
    findings = _files(path, *left_alone).findings
    return [(f.check, f.severity, f.place, f.message) for f in findings if f.check != "no-weights"]


def test_a_sound_folder_has_no_findings(tmp_path: Path) -> None:
    """Every check ran, and 0 means looked at."""
    (tmp_path / "LICENSE").write_text("x")
    (tmp_path / "model.safetensors").write_bytes(safetensors_bytes(SOUND))
    body = _files(tmp_path)
    assert {"damaged-weights", "missing-shard", "no-licence-file", "no-weights", "outside-link"} <= set(body.checks)
    assert set(body.checks) == set(plugin.names("checks"))
    assert body.findings == []
    assert body.findings_by_severity.model_dump() == {"low": 0, "medium": 0, "high": 0, "critical": 0, "total": 0}
    assert (body.count, body.total_bytes) == (2, 1 + (tmp_path / "model.safetensors").stat().st_size)


def test_damaged_weights_are_found_wherever_they_lie(tmp_path: Path) -> None:
    """A lie about the header's length, a cut GGUF and a file of another format: one finding each, the rest goes on."""
    (tmp_path / "LICENSE").write_text("x")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.safetensors").write_bytes(safetensors_raw(b"{}", length=2 << 30))
    (tmp_path / "b.gguf").write_bytes(gguf_bytes({}, [Row("t", (8,), 0, 32)])[:-8])
    (tmp_path / "c.GGUF").write_bytes(b"GGML")
    found = [one for one in _found(tmp_path) if one[0] == "damaged-weights"]
    assert [(check, severity, place) for check, severity, place, _ in found] == [
        ("damaged-weights", "high", "b.gguf"),
        ("damaged-weights", "high", "c.GGUF"),
        ("damaged-weights", "high", "sub/a.safetensors"),
    ]
    assert found[0][3].startswith("ends at byte ")
    assert found[2][3] == "claims a header of 2147483648 bytes at byte 0; the format allows 100000000"


def _index(folder: Path, *shards: str) -> None:
    index = {"weight_map": {f"t{number}": shard for number, shard in enumerate(shards)}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def test_a_file_that_an_index_names_and_that_is_absent_is_found(tmp_path: Path) -> None:
    """Also where the name leads out of the folder: it is compared, never opened."""
    (tmp_path / "LICENSE").write_text("x")
    (tmp_path / "model-00001-of-00002.safetensors").write_bytes(safetensors_bytes(SOUND))
    _index(tmp_path, "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "../../etc/passwd")
    place = "model.safetensors.index.json"
    assert _found(tmp_path) == [
        (
            "missing-shard", "high", place,
            "names 2 files that are not there: `../../etc/passwd`, `model-00002-of-00002.safetensors`",
        ),
    ]  # fmt: skip


def test_a_gap_in_the_numbering_is_found_without_an_index(tmp_path: Path) -> None:
    """`-00002-of-00003.gguf` alone says that two parts are elsewhere."""
    (tmp_path / "LICENSE").write_text("x")
    (tmp_path / "m-00002-of-00003.gguf").write_bytes(gguf_bytes())
    assert [message for *_, message in _found(tmp_path)] == [
        "names 2 files that are not there: `m-00001-of-00003.gguf`, `m-00003-of-00003.gguf`",
    ]


def test_what_an_index_and_a_numbering_both_say_is_found_once(tmp_path: Path) -> None:
    """The index names parts 1 and 2 of 4, the numbering implies 3 and 4 too: no file is in two findings."""
    (tmp_path / "LICENSE").write_text("x")
    (tmp_path / "m-00001-of-00004.safetensors").write_bytes(safetensors_bytes(SOUND))
    _index(tmp_path, "m-00001-of-00004.safetensors", "m-00002-of-00004.safetensors")
    assert [(place, message) for _, _, place, message in _found(tmp_path)] == [
        (
            "m-00001-of-00004.safetensors",
            "names 2 files that are not there: `m-00003-of-00004.safetensors`, `m-00004-of-00004.safetensors`",
        ),
        ("model.safetensors.index.json", "names `m-00002-of-00004.safetensors`, which is not there"),
    ]


def test_a_folder_without_weights_is_found(tmp_path: Path) -> None:
    """Settings and pickles alone pin nothing that would answer; one file of either format is enough."""
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").touch()
    found = [finding for finding in _files(tmp_path).findings if finding.check == "no-weights"]
    message = "no weights are here, so what was pinned is not what would answer"
    assert [(each.severity, each.place, each.message) for each in found] == [("high", ".", message)]
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "m.GGUF").write_bytes(gguf_bytes())
    assert not [finding for finding in _files(tmp_path).findings if finding.check == "no-weights"]


def test_a_flood_of_findings_becomes_a_count(tmp_path: Path) -> None:
    """250 damaged files: 200 by name, and one finding for the other 50 that is as bad as they are."""
    (tmp_path / "LICENSE").write_text("x")
    for number in range(250):
        (tmp_path / f"{number:03d}.safetensors").touch()
    found = _found(tmp_path)
    assert len(found) == 201
    message = "50 more findings of this check are not listed, the worst of them high"
    assert ("damaged-weights", "high", ".", message) in found


def test_a_flood_of_absent_files_is_counted(tmp_path: Path) -> None:
    """A hostile index must not make a million findings."""
    (tmp_path / "LICENSE").write_text("x")
    _index(tmp_path, *(f"{number}.safetensors" for number in range(5000)))
    found = _found(tmp_path)
    shown = "`0.safetensors`, `1.safetensors`, `10.safetensors` ..."
    assert [message for *_, message in found] == [f"names 5,000 files that are not there: {shown}"]


def test_an_index_that_cannot_be_read_is_found(tmp_path: Path) -> None:
    """Not looked at must not read as complete."""
    (tmp_path / "LICENSE").write_text("x")
    (tmp_path / "model.safetensors.index.json").write_text('{"weight_map": {"a": "1", "a": "2"}}')
    ((check, severity, _, message),) = _found(tmp_path)
    assert (check, severity) == ("missing-shard", "high")
    assert "could not be looked for: `model.safetensors.index.json` holds the key `a` twice" in message


def test_a_link_out_of_the_folder_is_found(tmp_path: Path) -> None:
    """A folder of links, as the folder hub pins it: out of it is high, nowhere is medium, inside is no finding."""
    folder = tmp_path / "model"
    (folder / "inside").mkdir(parents=True)
    (folder / "LICENSE").write_text("x")
    (folder / "m.gguf").write_bytes(gguf_bytes())
    (tmp_path / "key.pem").write_text("secret")
    (folder / "key.pem").symlink_to("../key.pem")
    (folder / "passwd").symlink_to("/etc/passwd")
    (folder / "gone").symlink_to("absent")
    (folder / "again").symlink_to("inside")
    artefact = resolve(Reference.parse(str(folder)))
    findings = FilesV1.model_validate(inspect_files(artefact, TODAY).body).findings
    assert [(found.check, found.severity, found.place) for found in findings] == [
        ("outside-link", "medium", "gone"),
        ("outside-link", "high", "key.pem"),
        ("outside-link", "high", "passwd"),
    ]
    assert findings[2].message == "symbolic link leads out of the folder: -> `/etc/passwd`; it was not followed"


def test_a_pipe_that_was_left_alone_is_no_link(tmp_path: Path) -> None:
    """Other reasons belong to the list of files left alone."""
    (tmp_path / "LICENSE").write_text("x")
    assert _found(tmp_path, NotInspected("pipe", "is a named pipe, not a file")) == []


def test_a_missing_licence_is_found(tmp_path: Path) -> None:
    """A tag on a card is not a licence."""
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n")
    assert _found(tmp_path) == [("no-licence-file", "low", ".", "no licence file comes with the weights")]


def test_every_check_explains_itself() -> None:
    """`explain` prints the first line of the function and the paragraphs of its module."""
    for name in plugin.names("checks"):
        check = plugin.load("checks", name)
        assert check.__name__ == name.replace("-", "_")
        assert check.__doc__
        module = sys.modules[check.__module__].__doc__ or ""
        for start in ("What it finds:", "Why it matters:", "What to do:", "Works offline:"):
            assert f"\n{start}" in module


def test_an_endpoint_has_nothing_to_inspect() -> None:
    """There only behaviour can be looked at."""
    reference = Reference.parse("http://127.0.0.1:1/v1#m")
    assert inspect_artefact(Artefact(reference, "m", "sha256:" + "0" * 64), TODAY) == []


def test_an_artefact_gives_its_statements(tmp_path: Path) -> None:
    """Files, anatomy, card and safety, all about the same digest."""
    (tmp_path / "model.safetensors").write_bytes(safetensors_bytes(SOUND))
    artefact = pin(tmp_path)
    found = inspect_artefact(artefact, TODAY)
    assert {"files/v1", "anatomy/v2", "card/v1", "safety/v1"} <= {evidence.kind for evidence in found}
    assert {evidence.subject for evidence in found} == {artefact.digest}


def test_a_lone_damaged_gguf_is_a_clear_error(tmp_path: Path) -> None:
    """Nothing can be said about a file that is no model."""
    path = tmp_path / "m.gguf"
    path.write_bytes(b"GGUF")
    with pytest.raises(DamagedFile, match="ends at byte 4, inside the version"):
        inspect_artefact(pin(path), TODAY)


_MEASURE = """
import sys
from datetime import date
from pathlib import Path
from weighbridge.inspection.inspect import inspect_artefact
from weighbridge.testing.pinned import pin

inspect_artefact(pin(Path(sys.argv[1])), date(2026, 11, 21))
status = Path("/proc/self/status").read_text()
print(status.split("VmHWM:")[1].split()[0])
"""


def _peak_kib(folder: Path) -> int:
    """Inspect in a process of its own and return its peak resident set; ru_maxrss would carry over from us."""
    done = subprocess.run([sys.executable, "-c", _MEASURE, folder], check=True, capture_output=True, text=True)
    return int(done.stdout)


def _write_largest_header(folder: Path) -> None:
    entries, size = 88_000, 4
    header = {
        f"model.layers.{n % 60}.mlp.experts.{n}.down_proj.weight_scale": {
            "dtype": "F32", "shape": [1, 1], "data_offsets": [n * size, n * size + size],
        }
        for n in range(entries)
    }  # fmt: skip
    path = folder / "model.safetensors"
    path.write_bytes(safetensors_raw(json.dumps(header, separators=(",", ":")).encode()))
    os.truncate(path, path.stat().st_size + entries * size)


def _write_largest_index(folder: Path) -> None:
    _index(folder, *(f"model-{number % 163:05d}-of-00163.safetensors" * 2 for number in range(200_000)))


def _write_texts(folder: Path) -> None:
    items = b'"ab",' * 1_700_000
    (folder / "config.json").write_bytes(b'{"a":[' + items + b'""]}')


def _write_card(folder: Path) -> None:
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    os.truncate(folder / "README.md", 500 << 20)


def _write_yaml(folder: Path) -> None:
    (folder / "README.md").write_text("---\na: [" + "x," * 200_000 + "]\n---\n")


def _write_table(folder: Path) -> None:
    rows = b"".join(
        (256).to_bytes(8, "little") + b"%0256d" % n + (1).to_bytes(4, "little") + (8).to_bytes(8, "little")
        + (0).to_bytes(4, "little") + (n * 32).to_bytes(8, "little")
        for n in range(65_000)
    )  # fmt: skip
    head = b"GGUF" + (3).to_bytes(4, "little") + (65_000).to_bytes(8, "little") + bytes(8)
    (folder / "m.gguf").write_bytes(head + rows)


def _write_keys(folder: Path) -> None:
    pairs = [(f"{n:01000d}", [1] * 300) for n in range(12_000)]
    (folder / "m.gguf").write_bytes(gguf_bytes(pairs))


def _write_endless_series(folder: Path) -> None:
    for number in range(200):
        (folder / f"a{number}-00001-of-99999.safetensors").touch()


def _write_empty_weights(folder: Path) -> None:
    for number in range(20_000):
        (folder / f"{number}.safetensors").touch()
        (folder / f"{number}-00001-of-99999.gguf").touch()


def _write_numbers(folder: Path) -> None:
    numbers = ",".join(map(str, range(1_600_000)))
    (folder / "config.json").write_text(f'{{"model_type":"llama","hidden_size":[{numbers}]}}')


def _write_shards(folder: Path) -> None:
    for shard in range(2):
        entries = (f'"{shard}-{n}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}' for n in range(100_000))
        header = ("{" + ",".join(entries) + "}").encode()
        (folder / f"model-{shard + 1:05d}-of-00002.safetensors").write_bytes(safetensors_raw(header))


@pytest.mark.parametrize(
    "write",
    [
        _write_endless_series,
        _write_empty_weights,
        _write_numbers,
        _write_shards,
        _write_largest_header,
        _write_largest_index,
        _write_texts,
        _write_card,
        _write_yaml,
        _write_table,
        _write_keys,
    ],
)
def test_inspection_stays_under_200_mb(tmp_path: Path, write: object) -> None:
    """The largest inputs that are read, and those made to unfold, in peak resident memory of a whole process."""
    assert callable(write)
    write(tmp_path)
    assert _peak_kib(tmp_path) < RSS_LIMIT_KIB
