"""A mirror in object storage (`s3://bucket/prefix`): the same layout, and the manifest last.

Credentials and the address come from the environment, as for other clients of S3 (`AWS_ACCESS_KEY_ID`,
`AWS_ENDPOINT_URL`, `AWS_REGION` ...). Each object carries the SHA-256 of its bytes as metadata `sha256`; an object that
carries another size or digest is written anew. A failed upload is given up before it becomes visible.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weighbridge.errors import ExtraMissing, HubUnreachable, NotFound, UsageError
from weighbridge.formats.place import quote
from weighbridge.hub.mirror.check import MirrorCheck
from weighbridge.hub.mirror.manifest import MANIFEST, MAX_BYTES, Manifest, manifest_of_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.progress import Advance, Progress

__all__ = ["SHA256", "Bucket", "bucket_of", "check_bucket"]

SHA256 = "sha256"  # the metadata of an object that holds its digest
_CHUNK_BYTES = 4 << 20
_THIS_MACHINE = ("http://127.0.0.1", "http://localhost", "http://[::1]")


@dataclass(frozen=True, slots=True)
class Bucket:
    """A place in object storage: `url` as it was typed, without a slash at its end, and the store behind it."""

    url: str
    store: Any

    def call(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Call a function of obstore; raises as `told` does."""
        import obstore

        with self.told():
            return getattr(obstore, name)(self.store, *arguments, **options)

    @contextmanager
    def told(self) -> Iterator[None]:
        """Say in the house's words what the storage says: NotFound, UsageError, HubUnreachable; FileNotFoundError."""
        from obstore import exceptions

        try:
            yield
        except (exceptions.UnauthenticatedError, exceptions.PermissionDeniedError) as error:
            raise UsageError(
                f"{quote(self.url)} refuses these credentials",
                hint="set `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or a profile's role",
            ) from error
        except (exceptions.BaseError, FileNotFoundError) as error:
            if "NoSuchBucket" in str(error):
                raise NotFound(f"{quote(self.url)} was not found: no such bucket", hint="make it first") from error
            if isinstance(error, FileNotFoundError):
                raise
            raise HubUnreachable(
                f"{quote(self.url)}: {quote(str(error).partition(chr(10))[0])}",
                hint="look at `AWS_ENDPOINT_URL` and `AWS_REGION`; what is there already is kept",
            ) from error

    def sizes(self) -> dict[str, int]:
        """Return the sizes of all objects, in bytes, by key below the prefix."""
        pages = self.call("list")
        with self.told():
            return {row["path"]: row["size"] for page in pages for row in page}

    def manifest(self, key: str) -> Manifest | None:
        """Return the manifest under a key, None where there is none; raises DamagedFile for one that is no manifest."""
        try:
            found = self.call("get", f"{key}/{MANIFEST}")
            data = bytes(found.bytes()) if found.meta["size"] <= MAX_BYTES else b""
            return manifest_of_bytes(data, Path(f"{self.url}/{key}/{MANIFEST}"))
        except FileNotFoundError:
            return None

    def holds(self, key: str, size: int) -> str:
        """Return the SHA-256 that an object of this size carries, "" where there is none."""
        try:
            found = self.call("get", key, options={"head": True})
        except FileNotFoundError:
            return ""
        return str(found.attributes.get(SHA256, "")) if found.meta["size"] == size else ""


def bucket_of(url: str, *, may_be_plain: bool = False) -> Bucket:
    """Open `s3://bucket/prefix`; raises ExtraMissing, or UsageError for an address without TLS that nobody allowed."""
    try:
        from obstore.exceptions import BaseError
        from obstore.store import S3Store
    except ImportError as error:
        raise ExtraMissing("object storage needs an extra", hint="`pip install 'weighbridge[s3]'`") from error
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "") or os.environ.get("AWS_ENDPOINT_URL_S3", "")
    if endpoint.startswith("http://") and not (may_be_plain or endpoint.startswith(_THIS_MACHINE)):
        raise UsageError(
            f"`AWS_ENDPOINT_URL` is {quote(endpoint)}: keys and files would go there unprotected",
            hint="use https, or say that you mean it: `--allow-http`",
        )
    try:
        store = S3Store.from_url(url, client_options={"allow_http": endpoint.startswith("http://"), "timeout": "1h"})
    except (BaseError, ValueError) as error:
        raise UsageError(f"{quote(url)} is no place in object storage", hint="write `s3://bucket/prefix`") from error
    return Bucket(url.rstrip("/"), store)


def check_bucket(bucket: Bucket, progress: Progress) -> list[MirrorCheck]:
    """Read every object of every mirror in a bucket, and compare; raises NotFound where there is no mirror.

    All bytes come over the wire: the digests that objects carry are what somebody wrote there.
    """
    sizes = bucket.sizes()
    tops = sorted(key.removesuffix(MANIFEST).rstrip("/") for key in sizes if key.rpartition("/")[2] == MANIFEST)
    found = [(top, manifest) for top in tops if (manifest := bucket.manifest(top)) is not None]
    if not found:
        raise NotFound(f"there is no mirror in {quote(bucket.url)}", hint="`weighbridge mirror REF --to s3://...`")
    with progress("reading", sum(one.n_bytes for _, one in found), "bytes") as advance:
        return [_check(bucket, top, manifest, sizes, advance) for top, manifest in found]


def _check(bucket: Bucket, top: str, manifest: Manifest, sizes: dict[str, int], advance: Advance) -> MirrorCheck:
    """Compare one mirror."""
    prefix = f"{top}/" if top else ""
    here = {key.removeprefix(prefix): size for key, size in sizes.items() if key.startswith(prefix)}
    here.pop(MANIFEST, None)
    wanted = {file.name: file for file in manifest.files}
    changed = {
        name
        for name, file in wanted.items()
        if name in here and (here[name] != file.size or _sha256(bucket, prefix + name, advance) != file.sha256)
    }
    return MirrorCheck(
        path=f"{bucket.url}/{top}",
        manifest=manifest,
        changed=tuple(sorted(changed)),
        missing=tuple(sorted(wanted.keys() - here.keys())),
        extra=tuple(sorted(here.keys() - wanted.keys())),
    )


def _sha256(bucket: Bucket, key: str, advance: Advance) -> str:
    """Return the SHA-256 of an object's bytes."""
    sha = hashlib.sha256()
    with bucket.told():
        for chunk in bucket.call("get", key).stream(min_chunk_size=_CHUNK_BYTES):
            sha.update(chunk)
            advance(len(chunk))
    return sha.hexdigest()
