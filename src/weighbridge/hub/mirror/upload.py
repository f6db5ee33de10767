"""Stream a revision into object storage: each file verified before its upload becomes visible, the manifest last."""

from __future__ import annotations

import hashlib
import tempfile
import threading
import time
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

from weighbridge.errors import DamagedFile, HubUnreachable
from weighbridge.formats.place import quote
from weighbridge.hub.mirror.bucket import SHA256, Bucket
from weighbridge.hub.mirror.make import Job, Made, damage_on_the_way, manifest_of, rate
from weighbridge.hub.mirror.manifest import MANIFEST
from weighbridge.hub.remote.answer import BrokenOff

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.progress import Progress
    from weighbridge.hub.mirror.manifest import Manifest
    from weighbridge.hub.remote.listing import RemoteFile

__all__ = ["mirror_to_bucket"]

_LARGEST_PARTS = 10_000  # of one upload, by S3's own rule
_LEAST_PART_BYTES = 16 << 20
_TRIES, _MISSES, _LITTLE = 3, 5, 1 << 20
_SPOOLED_BYTES = 8 << 20
_POLL_S = 0.1


class _Damaged(Exception):
    """What came has another digest; ends an upload before it is visible."""


def _before(bucket: Bucket, top: str) -> Manifest | None:
    """Return what was uploaded before; a manifest that cannot be read vouches for nothing, and is replaced."""
    try:
        return bucket.manifest(top)
    except DamagedFile:
        return None


def mirror_to_bucket(job: Job, bucket: Bucket, key: tuple[str, ...], progress: Progress) -> Made:
    """Stream every chosen file into the bucket; raises HubChanged where a file never came as it was listed."""
    top = "/".join(key)
    before = _before(bucket, top)
    trusted = {file.name: file.sha256 for file in before.files} if before else {}
    known: dict[str, str] = {}
    todo: list[RemoteFile] = []
    with ThreadPoolExecutor(job.lanes) as pool:
        carried = pool.map(lambda file: bucket.holds(f"{top}/{file.name}", file.size), job.choice.files)
        for file, sha256 in zip(job.choice.files, carried, strict=True):
            if sha256 and sha256 == (file.sha256 or trusted.get(file.name)):
                known[file.name] = sha256
            else:
                todo.append(file)
    kept = len(known)
    if todo:
        _Upload(job, bucket, top, known).run(todo, progress)
    job.feed.refuse_moved()
    manifest = manifest_of(job, known, before)
    if todo or before is None or before.files != manifest.files:
        bucket.call("put", f"{top}/{MANIFEST}", manifest.to_bytes(), use_multipart=False)
    else:
        manifest = before
    return Made(f"{bucket.url}/{top}", manifest, sum(file.size for file in todo), kept)


class _Upload:
    """Several files on their way into a bucket."""

    def __init__(self, job: Job, bucket: Bucket, top: str, known: dict[str, str]) -> None:
        self._feed, self._lanes = job.feed, job.lanes
        self._bucket, self._top, self._known = bucket, top, known
        self._lock = threading.Lock()
        self._bytes = 0
        self._damaged: list[str] = []

    def run(self, files: list[RemoteFile], progress: Progress) -> None:
        """Upload all; the first trouble that does not pass ends it."""
        total, began, shown = sum(file.size for file in files), time.monotonic(), 0
        label = f"uploading {len(files)} file{'s' if len(files) > 1 else ''}"
        ordered = sorted(files, key=lambda file: -file.size)
        note = lambda: rate(began, self._bytes)  # noqa: E731 - as short as what it says
        with ThreadPoolExecutor(self._lanes) as pool, progress(label, max(total, 1), "bytes", note=note) as advance:
            pending = {pool.submit(self._bring, file) for file in ordered}
            try:
                while pending:
                    done, pending = wait(pending, _POLL_S, FIRST_EXCEPTION)
                    for future in done:
                        future.result()
                    now = self._bytes
                    advance(now - shown)
                    shown = now
            except BaseException:
                self._feed.stop()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        if self._damaged:
            raise damage_on_the_way(self._damaged)

    def _bring(self, file: RemoteFile) -> None:
        """Upload one file, three times at most where it comes damaged."""
        for number in range(_TRIES):
            before = self._bytes
            try:
                self._known[file.name] = self._spool(file) if _is_spooled(file) else self._pipe(file)
            except _Damaged:
                self._count(min(0, before - self._bytes))
                self._feed.rest(number)
            else:
                return
        with self._lock:
            self._damaged.append(file.name)

    def _spool(self, file: RemoteFile) -> str:
        """Verify a file here, then upload it; for small ones, and for those whose SHA-256 nobody knows yet."""
        with tempfile.SpooledTemporaryFile(_SPOOLED_BYTES) as spool:
            sha = hashlib.sha256()
            blob = hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)
            for piece in self._pieces(file):
                spool.write(piece)
                sha.update(piece)
                blob.update(piece)
            if not (sha.hexdigest() == file.sha256 or (not file.sha256 and blob.hexdigest() == file.git_oid)):
                raise _Damaged
            spool.seek(0)
            self._put(file, spool, sha.hexdigest(), is_large=file.size > _SPOOLED_BYTES)
            return sha.hexdigest()

    def _pipe(self, file: RemoteFile) -> str:
        """Upload a file while it comes; where its digest is another in the end, the upload is given up."""

        def verified() -> Iterator[memoryview]:
            sha = hashlib.sha256()
            for piece in self._pieces(file):
                sha.update(piece)
                yield piece
            if sha.hexdigest() != file.sha256:
                raise _Damaged

        self._put(file, verified(), file.sha256, is_large=True)
        return file.sha256

    def _put(self, file: RemoteFile, data: Any, sha256: str, *, is_large: bool) -> None:
        part_bytes = max(_LEAST_PART_BYTES, -(-file.size // _LARGEST_PARTS))
        self._bucket.call(
            "put", f"{self._top}/{file.name}", data, attributes={SHA256: sha256},
            use_multipart=is_large, chunk_size=part_bytes, max_concurrency=4,
        )  # fmt: skip

    def _pieces(self, file: RemoteFile) -> Iterator[memoryview]:
        """Yield a file from its beginning to its end, over as many connections as it takes."""
        at, misses, said = 0, 0, ""
        while at < file.size:
            before = at
            try:
                with self._feed.open(file, at, file.size) as flow:
                    came = flow.first
                    for piece in flow.pieces:
                        fresh = piece[max(0, at - came) :]  # a source without ranges begins at the beginning
                        came += len(piece)
                        if len(fresh):
                            at += len(fresh)
                            self._count(len(fresh))
                            yield fresh
            except BrokenOff as error:
                said = str(error)
            misses = 0 if at - before >= min(_LITTLE, max(1, (file.size - before) // 4)) else misses + 1
            if misses >= _MISSES:
                raise HubUnreachable(f"{quote(file.name)} does not come: {said}", hint="run it again later")
            if at < file.size and misses:
                self._feed.rest(misses - 1)

    def _count(self, n_bytes: int) -> None:
        with self._lock:
            self._bytes += n_bytes


def _is_spooled(file: RemoteFile) -> bool:
    return file.size <= _SPOOLED_BYTES or not file.sha256
