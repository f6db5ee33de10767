from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from weighbridge.core.kinds import SafetyV1
from weighbridge.inspection.safety.inspect import inspect_safety
from weighbridge.testing.pinned import pin

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 11, 22)


def _varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + _varint(number >> 7)


def _field(number: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _node(name: str, op: str, *inputs: str, calls: str = "") -> bytes:
    attr = _field(5, _field(1, "f") + _field(2, _field(10, _field(1, calls)))) if calls else b""
    return _field(1, name) + _field(2, op) + b"".join(_field(3, one) for one in inputs) + attr


def _function(name: str, *nodes: bytes) -> bytes:
    return _field(1, _field(1, name)) + b"".join(_field(3, node) for node in nodes)


def _model(
    nodes: list[bytes], functions: list[bytes], *, served: str = "serve", saver: tuple[str, str] = ("", "")
) -> bytes:
    """Return a SavedModel as `saved_model.proto` says: one meta graph, a signature that gives `served`, a saver."""
    library = b"".join(_field(1, one) for one in functions)
    graph = b"".join(_field(1, node) for node in nodes) + _field(2, library)
    signature = _field(1, "serving_default") + _field(
        2, _field(2, _field(1, "y") + _field(2, _field(1, f"{served}:0")))
    )
    meta = (
        _field(1, _field(4, "serve")) + _field(2, graph) + _field(3, _field(2, f"{saver[0]}:0") + _field(3, saver[1]))
    )
    return b"\x08\x01" + _field(2, meta + _field(5, signature))


def _verdict(folder: Path, data: bytes) -> tuple[str, list[str]]:
    (folder / "saved_model.pb").write_bytes(data)
    (file,) = SafetyV1.model_validate(inspect_safety(pin(folder), TODAY).body).files
    return file.verdict, [found.message for found in file.findings]


# as `tf.saved_model.save` of TensorFlow 2 writes it: the saver's operations lie in functions that only it calls
_SAVING = _function("__inference__traced_save_9", _node("s", "SaveV2"), _node("m", "MergeV2Checkpoints"))
_RESTORING = _function("__inference__traced_restore_9", _node("r", "RestoreV2"))
_SAVER = [_node("save", "PartitionedCall", calls="__inference__traced_save_9"),
          _node("restore", "StatefulPartitionedCall", calls="__inference__traced_restore_9")]  # fmt: skip


def test_a_saver_of_its_own_is_no_finding(tmp_path: Path) -> None:
    """Every SavedModel has one; its paths come from whoever loads or saves."""
    served = _node("serve", "MatMul", "x")
    data = _model([served, _node("x", "Placeholder"), *_SAVER], [_SAVING, _RESTORING], saver=("save", "restore"))
    assert _verdict(tmp_path, data) == ("nothing found", [])


@pytest.mark.parametrize("op", ["MergeV2Checkpoints", "SaveV2", "Save", "SaveSlices"])
@pytest.mark.parametrize("where", ["node", "function", "input", "restore", "loose"])
def test_a_checkpoint_written_by_anything_else_is_found(tmp_path: Path, op: str, where: str) -> None:
    """`MergeV2Checkpoints` deletes the folders that it is told to, and writes where it is told to."""
    evil, names = _node("e", op), ("save", "restore")
    nodes, functions = list(_SAVER), [_SAVING, _RESTORING]
    if where == "node":
        nodes += [_node("serve", op)]
    elif where == "input":
        nodes += [_node("serve", "Identity", "^e"), evil]
    elif where == "function":
        nodes += [_node("serve", "PartitionedCall", calls="f")]
        functions += [_function("f", _node("g", "PartitionedCall", calls="h")), _function("h", evil)]
    elif where == "restore":
        functions[1] = _function("__inference__traced_restore_9", evil)
    else:
        functions += [_function("__inference__traced_save_10", evil)]
    verdict, messages = _verdict(tmp_path, _model(nodes, functions, saver=names))
    assert verdict == "runs code on load"
    assert f"has the operation `{op}`, which writes or deletes files when the graph runs" in messages


def test_a_graph_that_restores_from_a_place_of_its_own_is_found(tmp_path: Path) -> None:
    """`RestoreV2` in a signature reads any checkpoint that the graph names."""
    data = _model([_node("serve", "RestoreV2")], [])
    assert _verdict(tmp_path, data)[0] == "runs code on load"


@pytest.mark.parametrize(
    "op", ["PyFunc", "EagerPyFunc", "ReadFile", "WriteFile", "MatchingFiles", "TFRecordDatasetV2", "TextLineDataset",
           "SaveDatasetV2", "LoadDataset", "CreateSummaryFileWriter", "RpcCall", "DebugIdentityV2", "SqlDataset"],
)  # fmt: skip
def test_an_operation_that_reaches_outside_is_found_wherever_it_lies(tmp_path: Path, op: str) -> None:
    """In a function that nothing calls, too; op definitions of TensorFlow 2.19."""
    data = _model([_node("serve", "Identity")], [_function("f", _node("x", op))])
    verdict, messages = _verdict(tmp_path, data)
    assert (verdict, len(messages)) == ("runs code on load", 1)
    assert f"`{op}`" in messages[0]


def test_a_print_into_a_file_is_found(tmp_path: Path) -> None:
    """`PrintV2` with `output_stream` `file://...` appends to any file; to stderr it is what `tf.print` does."""

    def printing(place: str) -> bytes:
        return _node("serve", "PrintV2") + _field(5, _field(1, "output_stream") + _field(2, _field(2, place)))

    assert _verdict(tmp_path, _model([printing("file:///home/x/.bashrc")], []))[0] == "runs code on load"
    assert _verdict(tmp_path, _model([printing("stderr")], []))[0] == "nothing found"


def test_the_old_savers_of_a_first_version_are_no_finding(tmp_path: Path) -> None:
    """TensorFlow 1 leaves the nodes of earlier savers in the graph; nothing runs them."""
    old, new = _node("save/SaveV2", "SaveV2"), _node("save_1/SaveV2", "SaveV2")
    start, end = _node("save_1/control", "Identity", "^save_1/SaveV2"), _node("save_1/restore_all", "NoOp")
    nodes = [_node("serve", "Identity"), old, new, start, end]
    assert _verdict(tmp_path, _model(nodes, [], saver=("save_1/control", "save_1/restore_all")))[0] == "nothing found"


def test_a_graph_that_cannot_be_followed_hides_no_operation(tmp_path: Path) -> None:
    """Cut in its library: the names still stand in the bytes."""
    served = _node("serve", "Identity")
    data = _model([served, *_SAVER], [_SAVING, _RESTORING], saver=("save", "restore"))
    assert _verdict(tmp_path, data[:-40])[0] == "runs code on load"


@pytest.mark.parametrize(
    ("name", "data", "verdict"),
    [
        ("saved_model.pbtxt", b'meta_graphs { graph_def { node { name: "a" op: "PyFunc" } } }', "runs code on load"),
        ("saved_model.pbtxt", b'meta_graphs { graph_def { node { name: "a" op: "MatMul" } } }', "nothing found"),
        ("frozen.pb", _field(1, _node("a", "ReadFile")), "runs code on load"),
        ("frozen.pb", _field(1, _node("a", "MatMul")), "nothing found"),
        ("keras_metadata.pb", _field(1, _field(4, '{"class_name": "Lambda", "config": {}}')), "runs code on load"),
        ("keras_metadata.pb", _field(1, _field(4, '{"class_name": "Dense", "config": {}}')), "nothing found"),
        ("cut.pb", _field(1, _node("a", "MatMul"))[:-2], "unknown"),
    ],
)
def test_other_forms_of_a_graph_are_read(tmp_path: Path, name: str, data: bytes, verdict: str) -> None:
    """TensorFlow loads `saved_model.pbtxt` and frozen graphs too; Keras reads layers from `keras_metadata.pb`."""
    (tmp_path / name).write_bytes(data)
    (file,) = SafetyV1.model_validate(inspect_safety(pin(tmp_path), TODAY).body).files
    assert file.verdict == verdict
