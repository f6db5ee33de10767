"""Hostile envelopes, manifests and locks end in one of our own errors, whatever is changed in them."""

from __future__ import annotations

import contextlib
import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.errors import DamagedFile
from weighbridge.formats.dsse import parse_envelope
from weighbridge.inspection.provenance.lock import read_lock
from weighbridge.inspection.provenance.model_signature import read_manifest

SIGNED = Path(__file__).parents[1] / "unit" / "inspection" / "provenance" / "signed"
BUNDLES = [path.read_bytes() for path in sorted(SIGNED.glob("*.sig"))]
PAYLOADS = [parse_envelope(data, "bundle").payload for data in BUNDLES]
LOCK = {
    "schema": "weighbridge/lock/v1", "artefact": "sha256:" + "0" * 64, "name": "m", "reference": "m", "hub": None,
    "repository": None, "commit": None, "files": [{"path": "a", "size": 1, "sha256": "0" * 64}], "by_git": [],
}  # fmt: skip

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every value in a JSON document."""
    rows = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [above, *(place for key, one in rows for place in places(one, (*above, key)))]


def put(document: Any, place: tuple[Any, ...], value: Any) -> Any:
    """Return a document with another value at a place."""
    if not place:
        return value
    copy = json.loads(json.dumps(document))
    holder = copy
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    return copy


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_a_bundle_with_anything_in_it_is_read_or_refused(data: st.DataObject) -> None:
    """Any JSON value in any place of a real bundle."""
    bundle = json.loads(data.draw(st.sampled_from(BUNDLES)))
    changed = put(bundle, data.draw(st.sampled_from(places(bundle))), data.draw(anything))
    with contextlib.suppress(DamagedFile):
        parse_envelope(json.dumps(changed).encode("utf-8", "replace"), "bundle")


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_manifest_with_anything_in_it_is_read_or_refused(data: st.DataObject) -> None:
    """Any JSON value in any place of a real payload; a path that leads out of the model is never handed on."""
    payload = json.loads(data.draw(st.sampled_from(PAYLOADS)))
    changed = put(payload, data.draw(st.sampled_from(places(payload))), data.draw(anything))
    with contextlib.suppress(DamagedFile):
        manifest = read_manifest(json.dumps(changed).encode("utf-8", "replace"), "payload")
        assert not any(part.path.startswith("/") or ".." in part.path.split("/") for part in manifest.parts)


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_a_lock_with_anything_in_it_is_refused(data: st.DataObject) -> None:
    """Its digest does not fit its files, so that nothing of it may be taken."""
    changed = put(LOCK, data.draw(st.sampled_from(places(LOCK))), data.draw(anything))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lock.json"
        path.write_bytes(json.dumps(changed).encode("utf-8", "replace"))
        try:
            read_lock(path)
        except DamagedFile:
            return
    raise AssertionError(changed)
