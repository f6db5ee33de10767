"""A small hub on 127.0.0.1 for tests: serves a folder as Hugging Face and as ModelScope do, with faults on demand.

    with HubServer(folder) as hub:      # folder/maker/model/config.json ...
        HuggingFaceHub(RemoteSettings(hub.url, cache=cache)).resolve(...)

Weights (`*.safetensors`, `*.gguf`, `*.bin` ...) lie in a storage of its own, at another port, behind a redirect. A file
`sizes.json` beside a model makes files longer than they are: `{"model.safetensors": 5000000000}`.

What a publisher does: a changed folder is a new revision, `write` makes one with a title and a date, `rename`,
`delete`, `squash` do as they say, and `repository(name)` has `facts` (`{"gated": "auto", "private": True, "disabled":
True, "downloads": 7}`), `scans` and `tags`. Old revisions stay until a squash; `token` opens what is gated or private.
`link_host` is where pages of a listing claim to go on.
"""

from __future__ import annotations

import gzip
import shutil
import threading
import time
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from weighbridge.testing.hub.exchange import Refusal, Reply, Request
from weighbridge.testing.hub.faults import Fault, RandomFaults
from weighbridge.testing.hub.huggingface import answer_huggingface
from weighbridge.testing.hub.modelscope import answer_modelscope
from weighbridge.testing.hub.repositories import Repository, Shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from weighbridge.testing.hub.repositories import Blob

__all__ = ["Fault", "HubServer", "RandomFaults", "Seen"]

_REDIRECTED = 300


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as the server saw it."""

    line: str
    part: str
    is_storage: bool
    authorization: str


class HubServer:
    """Both hubs over one folder; `seen` are the requests, `faults` and `chance` can be changed at any time."""

    def __init__(
        self,
        root: Path,
        *faults: Fault,
        page: int = 1000,
        packs: bool = False,
        knows_expand: bool = True,
        chance: RandomFaults | None = None,
    ) -> None:
        self.root, self.faults, self.page, self.packs = root, list(faults), page, packs
        self.knows_expand, self.chance = knows_expand, chance
        self.token, self.is_scanned, self.link_host = "hf_test", True, ""
        self.publishers: dict[str, dict[str, Any]] = {}
        self.moved: dict[str, str] = {}
        self.seen: list[Seen] = []
        self.lock = threading.RLock()
        self._known: dict[str, Repository] = {}
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

    def repository(self, name: str) -> Repository | None:
        """Return the repository at a folder below the root, with what was seen of it so far; None where none is."""
        folder = self.root / name
        with self.lock:
            if not folder.is_dir() or name.count("/") != 1:
                return None
            found = self._known.setdefault(name, Repository(name, folder))
            found.look()
            return found

    def repositories(self) -> list[Repository]:
        """Return all, by name."""
        names = sorted(f"{path.parent.name}/{path.name}" for path in self.root.glob("*/*") if path.is_dir())
        return [found for name in names if (found := self.repository(name))]

    def write(
        self, name: str, files: Mapping[str, bytes | None], *, title: str = "", date: datetime | None = None
    ) -> str:
        """Publish a revision, and the repository where it is new; None deletes a file. Return the commit."""
        with self.lock:
            (self.root / name).mkdir(parents=True, exist_ok=True)
            known = self._known.get(name)
            if known:
                known.look()
            found = self._known.setdefault(name, Repository(name, self.root / name))
            found.change(files)
            return found.look(title, date).commit

    def rename(self, old: str, new: str) -> None:
        """Give a repository another name, to which the old one leads on; its id and its commits stay."""
        with self.lock:
            self._repository(old).move(new, self.root / new)
            self._known[new] = self._known.pop(old)
            self.moved = {name: new if to == old else to for name, to in self.moved.items()} | {old: new}

    def delete(self, name: str) -> None:
        """Delete a repository."""
        with self.lock:
            shutil.rmtree(self._repository(name).folder)
            del self._known[name]

    def squash(self, name: str) -> str:
        """Write the history of a repository anew, as one commit; return it."""
        with self.lock:
            return self._repository(name).squash().commit

    def commit(self, name: str) -> str:
        """Return the commit of the head."""
        return self._repository(name).look().commit

    def oid(self, name: str, file: str) -> str:
        """Return the git object id of a file of the head."""
        return self._blob(name, file).oid

    def sha256(self, name: str, file: str) -> str:
        """Return the SHA-256 of the bytes of a file of the head, whatever size is claimed."""
        return self._blob(name, file).sha256

    def _blob(self, name: str, file: str) -> Blob:
        return self._repository(name).look().files[file]

    def _repository(self, name: str) -> Repository:
        found = self.repository(name)
        if found is None:
            raise KeyError(name)
        return found

    def answer(self, request: Request, *, is_storage: bool) -> Reply:
        """Answer a request."""
        try:
            with self.lock:
                if is_storage:
                    return self._from_storage(request)
                if request.path.startswith(("/openapi/v1/", "/api/v1/")):
                    return answer_modelscope(self, request)
                reply = answer_huggingface(self, request)
        except Refusal as refusal:
            reply = refusal.reply
        host = self.link_host or self.url
        links = {name: value.replace("{host}", host) for name, value in reply.headers.items() if name == "Link"}
        return replace(reply, headers=reply.headers | links)

    def _from_storage(self, request: Request) -> Reply:
        """Answer from storage, which refuses a token and knows ranges."""
        maker, model, file = request.path.strip("/").split("/", 2)
        found = self.repository(f"{maker}/{model}")
        shown: Shown | None = found.at(request.one("commit")) if found else None
        if request.is_signed:
            raise Refusal(400, "", "one way of signing at a time")
        if shown is None or file not in shown.files:
            raise Refusal(403, "", "expired")
        blob = shown.files[file]
        first, _, last = request.range.removeprefix("bytes=").partition("-")
        if not (request.range.startswith("bytes=") and first.isdigit()):
            return Reply(200, {"ETag": '"of-storage"'}, part=(blob, 0, blob.size))
        begin, end = int(first), min(int(last), blob.size - 1) if last.isdigit() else blob.size - 1
        if begin >= blob.size:
            return Reply(416, {"Content-Range": f"bytes */{blob.size}"})
        return Reply(206, {"Content-Range": f"bytes {begin}-{end}/{blob.size}"}, part=(blob, begin, end + 1 - begin))


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for the acknowledgement of its headers
    hub: HubServer
    is_storage: bool

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer, or fail as told."""
        line, hub = f"{self.command} {self.path}", self.hub
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        authorization = self.headers.get("Authorization", "")
        with hub.lock:
            hub.seen.append(Seen(line, self.headers.get("Range", ""), self.is_storage, authorization))
            fault = next((fault for fault in hub.faults if fault.fires(line)), None)
            fault = fault or (hub.chance.next(self.path.partition("?")[0]) if hub.chance else None)
        if fault and fault.slow_s:
            time.sleep(fault.slow_s)
        if fault and not fault.is_answered:
            reply = Reply(fault.status, fault.headers, fault.body or b"")
        else:
            reply = hub.answer(self._request(body, authorization), is_storage=self.is_storage)
        if reply.status == 0:
            self.close_connection = True
            return
        self._send(reply, fault)

    do_HEAD = do_POST = do_GET  # noqa: N815 - the names are http.server's

    def _request(self, body: bytes, authorization: str) -> Request:
        parts = urlsplit(self.path)
        return Request(
            raw=parts.path,
            path=unquote(parts.path),
            query=parse_qs(parts.query, keep_blank_values=True),
            body=body,
            range=self.headers.get("Range", ""),
            is_trusted=authorization == f"Bearer {self.hub.token}",
            is_signed=bool(authorization),
        )

    def _send(self, reply: Reply, fault: Fault | None) -> None:
        """Send a reply, packed where both sides want that, damaged where a fault says so."""
        if reply.is_packable and self.hub.packs and "gzip" in self.headers.get("Accept-Encoding", ""):
            packed = {"Content-Encoding": "gzip"}
            reply = replace(reply, headers=reply.headers | packed, body=gzip.compress(reply.body, mtime=0))
        self.send_response(reply.status)
        for name, value in ({"Content-Length": str(reply.length)} | reply.headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        body = reply.read()
        if fault and fault.flip and body and reply.status < _REDIRECTED:
            body = bytes([body[0] ^ 1]) + body[1:]
        is_cut = bool(fault and fault.cut and body)
        self.wfile.write(body[: len(body) // 2] if is_cut else body)
        self.close_connection |= is_cut
