"""A small hub on 127.0.0.1 for tests: serves a folder as Hugging Face and as ModelScope do, with faults on demand.

    with HubServer(folder) as hub:      # folder/maker/model/config.json ...
        HuggingFaceHub(RemoteSettings(hub.url, cache=cache)).resolve(...)

Weights (`*.safetensors`, `*.gguf`, `*.bin`) lie in a storage of its own, at another port, behind a redirect. A file
`sizes.json` beside a model makes files longer than they are: `{"model.safetensors": 5000000000}`.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Fault", "HubServer", "Seen"]

_STORED_APART = (".safetensors", ".gguf", ".bin")
_SIZES = "sizes.json"
_OK, _PARTIAL, _FOUND, _MOVED, _MISSING = 200, 206, 302, 307, 404


@dataclass(slots=True)
class Fault:
    """What answers instead, `times` times, where `match` is found in `METHOD /path?query`; a status of 0 hangs up.

    Without a body the status alone is answered; `edit` changes the right answer's body, `cut` its length.
    """

    match: str
    status: int = _OK
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    times: int = 1_000_000
    flip: bool = False
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as the server saw it."""

    line: str
    part: str
    is_storage: bool
    authorization: str


class HubServer:
    """Both hubs over one folder; `seen` are the requests, `faults` can be changed at any time."""

    def __init__(self, root: Path, *faults: Fault, page: int = 1000, packs: bool = False) -> None:
        self.root, self.faults, self.page, self.packs = root, list(faults), page, packs
        self.seen: list[Seen] = []
        self.lock = threading.Lock()
        self._servers = [self._server(is_storage=False), self._server(is_storage=True)]
        self.url, self.storage_url = (f"http://127.0.0.1:{server.server_address[1]}" for server in self._servers)

    def _server(self, *, is_storage: bool) -> ThreadingHTTPServer:
        handler = type("Handler", (_Handler,), {"hub": self, "is_storage": is_storage})
        return ThreadingHTTPServer(("127.0.0.1", 0), handler)

    def __enter__(self) -> Self:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def commit(self, repository: str) -> str:
        """Return the commit id, which follows from the files."""
        rows = [f"{name} {self.sha256(repository, name)}" for name in self.names(repository)]
        return hashlib.sha1("\n".join(rows).encode(), usedforsecurity=False).hexdigest()

    def names(self, repository: str) -> list[str]:
        """Return the names of the files of a repository, sorted."""
        folder = self.root / repository
        found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        return sorted(name for name in found if name != _SIZES)

    def size(self, repository: str, name: str) -> int:
        """Return the size that is claimed for a file."""
        sizes = self.root / repository / _SIZES
        claimed = json.loads(sizes.read_text()) if sizes.is_file() else {}
        return int(claimed.get(name, (self.root / repository / name).stat().st_size))

    def read(self, repository: str, name: str, first: int, count: int) -> bytes:
        """Return a part of a file, zeros after its end."""
        data = (self.root / repository / name).read_bytes()[first : first + count]
        return data + bytes(count - len(data))

    def sha256(self, repository: str, name: str) -> str:
        """Return the SHA-256 of the bytes that are there, whatever size is claimed."""
        return hashlib.sha256((self.root / repository / name).read_bytes()).hexdigest()

    def oid(self, repository: str, name: str) -> str:
        """Return the git object id of a file."""
        data = (self.root / repository / name).read_bytes()
        return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    hub: HubServer
    is_storage: bool

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer, or fail as told."""
        line = f"{self.command} {self.path}"
        with self.hub.lock:
            authorization = self.headers.get("Authorization", "")
            self.hub.seen.append(Seen(line, self.headers.get("Range", ""), self.is_storage, authorization))
            fault = next((f for f in self.hub.faults if f.times > 0 and re.search(f.match, line)), None)
            if fault:
                fault.times -= 1
        if fault is None or fault.flip or fault.cut:
            status, headers, body = self._storage() if self.is_storage else self._route()
        else:
            status, headers, body = fault.status, fault.headers, fault.body or b""
        if status == 0:
            self.close_connection = True
            return
        if fault and fault.flip and status < _FOUND:
            body = bytes([body[0] ^ 1]) + body[1:]
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[: len(body) // 2] if fault and fault.cut else body)
        self.close_connection |= bool(fault and fault.cut)

    do_HEAD = do_GET  # noqa: N815 - the name is http.server's

    def _json(self, value: Any, **headers: str) -> tuple[int, dict[str, str], bytes]:
        body = json.dumps(value).encode()
        if self.hub.packs and "gzip" in self.headers.get("Accept-Encoding", ""):
            return _OK, {"Content-Encoding": "gzip", **headers}, gzip.compress(body)
        return _OK, headers, body

    def _route(self) -> tuple[int, dict[str, str], bytes]:
        path, query = unquote(urlsplit(self.path).path), parse_qs(urlsplit(self.path).query)
        if found := re.fullmatch(r"/(?:openapi|api)/v1/models/([^/]+/[^/]+)(/repo|/repo/files)?", path):
            return self._modelscope(found[1], found[2] or "", query)
        if path == "/api/models":
            maker = query["author"][0]
            return self._json([{"id": f"{maker}/{folder.name}"} for folder in (self.hub.root / maker).glob("*")])
        found = re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(revision|tree|safetensors-metadata)/(.+))?", path)
        if found and (self.hub.root / found[1]).is_dir():
            return self._huggingface(found[1], found[2] or "revision", found[3] or "main", query)
        if found := re.fullmatch(
            r"/(?:api/resolve-cache/models/)?([^/]+/[^/]+)/(?:resolve/)?([0-9a-f]{40})/(.+)", path
        ):
            return self._file(found[1], found[3], is_cached="resolve-cache" in path)
        return _MISSING, {"X-Error-Code": "RepoNotFound"}, b"{}"

    def _huggingface(
        self, repository: str, verb: str, revision: str, query: dict[str, list[str]]
    ) -> tuple[int, dict[str, str], bytes]:
        """Answer about a repository: what it is, its files, the headers of its shards."""
        hub, commit = self.hub, self.hub.commit(repository)
        if verb == "safetensors-metadata":
            shards = [name for name in hub.names(repository) if name.endswith(".safetensors")]
            return self._json(
                {"index": {}, "headers": {name: _header(hub.root / repository / name) for name in shards}}
            )
        if revision not in {"main", commit}:
            return _MISSING, {"X-Error-Code": "RevisionNotFound"}, b"{}"
        if verb == "revision":
            counts: dict[str, int] = {}
            for name in hub.names(repository):
                if name.endswith(".safetensors"):
                    for entry in _header(hub.root / repository / name).values():
                        elements = 1
                        for count in entry.get("shape", [0]):
                            elements *= count
                        counts[entry.get("dtype", "BF16")] = counts.get(entry.get("dtype", "BF16"), 0) + elements
            tensors = {"parameters": counts, "total": sum(counts.values())}
            return self._json({"id": repository, "sha": commit, "gated": False, "safetensors": tensors})
        start = int(query.get("cursor", ["0"])[0])
        rows = [self._entry(repository, name) for name in hub.names(repository)]
        path = self.path.partition("?")[0]
        link = f'<https://elsewhere.example{path}?recursive=true&cursor={start + hub.page}>; rel="next"'
        more = {"Link": link} if start + hub.page < len(rows) else {}
        return self._json(rows[start : start + hub.page], **more)

    def _entry(self, repository: str, name: str) -> dict[str, Any]:
        hub = self.hub
        size = hub.size(repository, name)
        row: dict[str, Any] = {"type": "file", "path": name, "size": size, "oid": hub.oid(repository, name)}
        return row | (
            {"lfs": {"oid": hub.sha256(repository, name), "size": size}} if name.endswith(_STORED_APART) else {}
        )

    def _file(self, repository: str, name: str, *, is_cached: bool) -> tuple[int, dict[str, str], bytes]:
        """Answer for a file: from storage, from the cache of small files, or by a redirect to it."""
        hub, commit = self.hub, self.hub.commit(repository)
        if name not in hub.names(repository):
            return _MISSING, {"X-Error-Code": "EntryNotFound"}, b"{}"
        headers = {"X-Repo-Commit": commit}
        if name.endswith(_STORED_APART):
            headers["X-Linked-Etag"] = f'"{hub.sha256(repository, name)}"'
            return _FOUND, headers | {"Location": f"{hub.storage_url}/{repository}/{name}?signature=secret"}, b""
        if is_cached:
            return _OK, headers, hub.read(repository, name, 0, hub.size(repository, name))
        return _MOVED, headers | {"Location": f"/api/resolve-cache/models/{repository}/{commit}/{name}"}, b""

    def _storage(self) -> tuple[int, dict[str, str], bytes]:
        """Answer from storage, which refuses a token and knows ranges."""
        repository, name = re.fullmatch(r"/([^/]+/[^/]+)/(.+)", unquote(urlsplit(self.path).path)).groups()  # type: ignore[union-attr]
        if "Authorization" in self.headers:
            return 400, {}, b"one way of signing at a time"
        size = self.hub.size(repository, name)
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not found:
            return _OK, {}, self.hub.read(repository, name, 0, size)
        first, last = int(found[1]), min(int(found[2]), size - 1)
        part = self.hub.read(repository, name, first, last + 1 - first)
        return _PARTIAL, {"Content-Range": f"bytes {first}-{last}/{size}"}, part

    def _modelscope(self, repository: str, verb: str, query: dict[str, list[str]]) -> tuple[int, dict[str, str], bytes]:
        """Answer as ModelScope does."""
        hub = self.hub
        if not (hub.root / repository).is_dir():
            return _MISSING, {}, b'{"Code": 10010205001}'
        if verb == "/repo":
            name = query["FilePath"][0]
            if name.endswith(_STORED_APART):
                return self._file(repository, name, is_cached=False)
            return _OK, {}, hub.read(repository, name, 0, hub.size(repository, name))
        if not verb:
            return self._json({"success": True, "data": {"id": repository, "gated": False, "private": False}})
        rows = [
            {"Type": "blob", "Path": name, "Size": hub.size(repository, name), "Revision": hub.commit(repository),
             "Sha256": hub.sha256(repository, name).upper(), "IsLFS": name.endswith(_STORED_APART)}
            for name in hub.names(repository)
        ]  # fmt: skip
        latest = {"ShortId": hub.commit(repository)[:8], "Id": ""}
        return self._json({"Code": 200, "Data": {"Files": rows, "LatestCommitter": latest}})


def _header(path: Path) -> dict[str, Any]:
    """Return the JSON header of a safetensors file; nothing where it has none."""
    data = path.read_bytes()
    try:
        header: dict[str, Any] = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    except ValueError:
        return {}
    return {name: entry for name, entry in header.items() if name != "__metadata__"}
