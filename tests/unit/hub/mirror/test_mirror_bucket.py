from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import boto3  # type: ignore[import-untyped]
import pytest
from moto.server import ThreadedMotoServer

from weighbridge.core.progress import silent
from weighbridge.errors import DamagedFile, HubChanged, NotFound, UsageError
from weighbridge.hub.mirror import upload
from weighbridge.hub.mirror.bucket import bucket_of, check_bucket
from weighbridge.hub.mirror.manifest import MANIFEST
from weighbridge.testing.hub_server import Fault, HubServer
from weighbridge.workflow.verify import against_mirror

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from weighbridge.workflow.mirror import Mirrored

BUCKET, TO = "house", "s3://house/models"
WEIGHTS = r"/acme/tiny/model\.safetensors\?commit"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Run moto's S3."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    started = ThreadedMotoServer(port=0, verbose=False)
    started.start()
    host, port = started.get_host_and_port()
    yield f"http://{host.replace('0.0.0.0', '127.0.0.1')}:{port}"
    started.stop()


@pytest.fixture
def s3(server: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give an empty bucket, and boto3 to look into it from outside."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": server,
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    for row in client.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        client.delete_object(Bucket=BUCKET, Key=row["Key"])
    return client


def _objects(client: Any) -> dict[str, bytes]:
    """Return all objects by key, as boto3 reads them."""
    rows = client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return {row["Key"]: client.get_object(Bucket=BUCKET, Key=row["Key"])["Body"].read() for row in rows}


@pytest.mark.parametrize("spooled", [8 << 20, 1000])
def test_a_bucket_holds_the_repository(
    shelf: Path, fetch: Callable[..., Mirrored], s3: Any, monkeypatch: pytest.MonkeyPatch, spooled: int
) -> None:
    """Every byte under the same layout, each with its digest, and a manifest; small ones held, large ones streamed."""
    monkeypatch.setattr(upload, "_SPOOLED_BYTES", spooled)
    with HubServer(shelf, Fault(WEIGHTS, cut=True, times=2)) as hub:
        done = fetch(hub, to=TO)
        seen = len(hub.seen)
        assert fetch(hub, to=TO).outcome == "here"
        assert not [one for one in hub.seen[seen:] if "/resolve" in one.line]
    top = f"models/hf/acme/tiny/{done.origin.commit}"
    found = _objects(s3)
    folder = shelf / "acme" / "tiny"
    wanted = {f"{top}/{path.relative_to(folder)}": path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert found.pop(f"{top}/{MANIFEST}")
    assert found == wanted
    assert len(s3.head_object(Bucket=BUCKET, Key=f"{top}/model.safetensors")["Metadata"]["sha256"]) == 64
    assert all(check.holds for check in check_bucket(bucket_of(TO), silent))


def test_damaged_bytes_never_become_visible(
    shelf: Path, fetch: Callable[..., Mirrored], s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The upload of a file whose digest is another is given up; there is no manifest."""
    monkeypatch.setattr(upload, "_SPOOLED_BYTES", 1000)
    with HubServer(shelf, Fault(WEIGHTS, flip=True)) as hub:
        with pytest.raises(HubChanged, match=r"model\.safetensors"):
            fetch(hub, to=TO)
        assert not [key for key in _objects(s3) if key.endswith(("model.safetensors", MANIFEST))]
        hub.faults.clear()
        done = fetch(hub, to=TO)
    assert done.made
    assert done.made.kept_files == 3  # of seven: three have no SHA-256 that the hub states, one was damaged


def test_a_changed_object_is_named(shelf: Path, fetch: Callable[..., Mirrored], s3: Any) -> None:
    """The bytes count, not the digest that somebody wrote beside them; and what nobody mirrored is extra."""
    with HubServer(shelf) as hub:
        done = fetch(hub, to=TO)
    top = f"models/hf/acme/tiny/{done.origin.commit}"
    old = s3.head_object(Bucket=BUCKET, Key=f"{top}/README.md")
    s3.put_object(Bucket=BUCKET, Key=f"{top}/README.md", Body=b"x" * old["ContentLength"], Metadata=old["Metadata"])
    s3.put_object(Bucket=BUCKET, Key=f"{top}/evil.bin", Body=b"x")
    (check,) = check_bucket(bucket_of(TO), silent)
    assert (check.changed, check.extra, check.holds) == (("README.md",), ("evil.bin",), False)
    (said,) = against_mirror(TO, None, silent)
    assert [(one.kind, one.name) for one in said.differences] == [("changed", "README.md"), ("extra", "evil.bin")]


def test_a_broken_manifest_is_no_absent_one(shelf: Path, fetch: Callable[..., Mirrored], s3: Any) -> None:
    """A mirror whose manifest cannot be read is told, not passed over; the next mirroring writes it again."""
    with HubServer(shelf) as hub:
        done = fetch(hub, to=TO)
        place = f"models/hf/acme/tiny/{done.origin.commit}/{MANIFEST}"
        s3.put_object(Bucket=BUCKET, Key=place, Body=b"{broken")
        with pytest.raises(DamagedFile, match=MANIFEST):
            check_bucket(bucket_of(TO), silent)
        fetch(hub, to=TO)
    (check,) = check_bucket(bucket_of(TO), silent)
    assert check.holds


def test_a_place_that_cannot_be_used(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No mirror there, no such bucket, no TLS on the way to another machine."""
    assert s3
    with pytest.raises(NotFound, match="no mirror"):
        check_bucket(bucket_of(TO), silent)
    with pytest.raises(NotFound, match="no such bucket"):
        check_bucket(bucket_of("s3://no-such-bucket/x"), silent)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://storage.example")
    with pytest.raises(UsageError, match="unprotected"):
        bucket_of(TO)
    assert bucket_of(TO, may_be_plain=True).url == TO
