"""Hugging Face's interface, as huggingface_hub 2.4.0 speaks it, over the repositories of `hub_server`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

from weighbridge.testing.hub.exchange import Refusal, Reply, Request, json_reply, paged_reply
from weighbridge.testing.hub.info import describe, header_of
from weighbridge.testing.hub.repositories import written

if TYPE_CHECKING:
    from weighbridge.testing.hub.repositories import Blob, Repository, Shown
    from weighbridge.testing.hub_server import HubServer

__all__ = ["answer_huggingface", "storage_redirect"]

_LISTED = ("modelId", "private", "downloads", "likes", "tags", "pipeline_tag", "library_name", "createdAt")
_FULL = ("author", "sha", "lastModified", "siblings", "gated", "disabled")
_DESCRIBED = (*_LISTED, *_FULL, "cardData", "config", "safetensors", "gguf", "spaces", "usedStorage")
# `expand` of huggingface_hub 2.4.0 (ExpandModelProperty_T)
_EXPANDABLE = frozenset({
    "author", "baseModels", "cardData", "childrenModelCount", "config", "createdAt", "disabled", "downloads",
    "downloadsAllTime", "evalResults", "gated", "gguf", "inference", "inferenceProviderMapping", "lastModified",
    "library_name", "likes", "mask_token", "model-index", "pipeline_tag", "private", "resourceGroup", "safetensors",
    "sha", "siblings", "spaces", "tags", "transformersInfo", "trendingScore", "usedStorage", "widgetData", "xetEnabled",
})  # fmt: skip
_FILE = re.compile(r"/(?:(api/resolve-cache/models/)([^/]+/[^/]+)|([^/]+/[^/]+)/resolve)/([^/]+)/(.+)")
_LIST_PAGE, _TREE_PAGE, _EXPANDED_PAGE, _LOG_PAGE = 1000, 1000, 50, 50


def answer_huggingface(hub: HubServer, request: Request) -> Reply:
    """Answer as the hub does; raises Refusal."""
    if request.path == "/api/models":
        return _list(hub, request)
    if found := re.fullmatch(r"/api/organizations/([^/]+)/overview", request.path):
        return _publisher(hub, found[1])
    if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(/.*)?", request.path):
        moved = hub.moved.get(found[1])
        if moved:
            return _redirect(request, found[1], moved)
        verb, _, rest = (found[2] or "").strip("/").partition("/")
        return _model(hub, request, found[1], (verb or "revision", rest))
    if found := _FILE.fullmatch(request.path):
        name = found[2] or found[3]
        if moved := hub.moved.get(name):
            return _redirect(request, name, moved)
        return _file(hub, request, name, (found[4], found[5], bool(found[1])))
    raise Refusal(404, "", "Sorry, we can't find the page you are looking for.")


def _redirect(request: Request, old: str, new: str) -> Reply:
    """Send on to the new name."""
    query = request.query and "?" + "&".join(f"{n}={quote(v)}" for n, values in request.query.items() for v in values)
    return Reply(307, {"Location": request.raw.replace(old, new, 1) + (query or "")})


def _publisher(hub: HubServer, name: str) -> Reply:
    repositories = [found for found in hub.repositories() if found.name.startswith(f"{name}/")]
    if not repositories and name not in hub.publishers:
        raise Refusal(404, "", "Organization not found")
    count = {"name": name, "fullname": name, "type": "org", "isVerified": True, "numModels": len(repositories)}
    return json_reply(count | hub.publishers.get(name, {}))


def _wanted(hub: HubServer, request: Request, default: tuple[str, ...]) -> tuple[str, ...]:
    """Return the fields that are asked for."""
    asked = request.query.get("expand", []) + request.query.get("expand[]", [])
    unknown = [name for name in asked if not hub.knows_expand or name not in _EXPANDABLE]
    if unknown:
        raise Refusal(400, "", f"Invalid expand {unknown}, expected some of {sorted(_EXPANDABLE)}")
    return ("_id", "id", "modelId", *(asked or default))


def _list(hub: HubServer, request: Request) -> Reply:
    """List models: by maker and words, sorted, page after page."""
    more: tuple[str, ...] = _FULL if request.flag("full") else ()
    more += tuple(name for name in ("cardData", "config") if request.flag(name))
    wanted = _wanted(hub, request, (*_LISTED, *more))
    rows = []
    for repository in hub.repositories():
        row = describe(repository, repository.look())
        hidden = row["private"] and not request.is_trusted
        strange = request.one("author", row["author"]) != row["author"]
        filters = {*request.query.get("filter", ()), *request.query.get("pipeline_tag", ())}
        if hidden or strange or request.one("search").lower() not in row["id"].lower():
            continue
        if filters <= {*row["tags"], row.get("pipeline_tag")}:
            rows.append(row)
    key = request.one("sort", "trendingScore")
    nothing: Any = "" if key in {"lastModified", "createdAt"} else 0
    rows.sort(key=lambda row: row.get(key) or nothing, reverse=request.one("direction", "-1") == "-1")
    size = min(int(request.one("limit") or _LIST_PAGE), hub.page, _LIST_PAGE)
    return paged_reply(request, [{name: row[name] for name in wanted if name in row} for row in rows], size)


def _find(hub: HubServer, request: Request, name: str, revision: str) -> tuple[Repository, Shown]:
    """Return a repository at a revision; nobody is told a missing one from a private one."""
    repository = hub.repository(name)
    if repository is None or (repository.facts.get("private") and not request.is_trusted):
        raise Refusal(404 if request.is_signed else 401, "RepoNotFound", "Repository not found")
    if repository.facts.get("disabled"):
        raise Refusal(403, "", "Access to this resource is disabled.")
    shown = repository.at(revision)
    if shown is None:
        raise Refusal(404, "RevisionNotFound", f"Invalid rev id: {revision}")
    return repository, shown


def _model(hub: HubServer, request: Request, name: str, way: tuple[str, str]) -> Reply:
    """Answer about one repository."""
    verb, rest = way
    if verb == "revision":
        return _describe(hub, request, *_find(hub, request, name, rest))
    revision, _, below = rest.partition("/")
    fixed = "main" if verb in {"refs", "safetensors-metadata"} else revision
    repository, shown = _find(hub, request, name, fixed)
    if verb == "tree":
        return _tree(hub, request, (repository, shown), below)
    if verb == "commits":
        log = repository.revisions[repository.revisions.index(shown) :]
        author = [{"user": name.partition("/")[0], "avatar": ""}]
        rows = [
            {"id": one.commit, "title": one.title, "message": "", "authors": author, "date": written(one.date)}
            for one in log
        ]
        return paged_reply(request, rows, min(hub.page, _LOG_PAGE))
    if verb == "refs":
        tags = [{"name": n, "ref": f"refs/tags/{n}", "targetCommit": c} for n, c in repository.tags.items()]
        head = {"name": "main", "ref": "refs/heads/main", "targetCommit": shown.commit}
        return json_reply({"branches": [head], "converts": [], "tags": tags})
    if verb == "paths-info":
        is_json = request.body.lstrip().startswith(b"{")
        posted = json.loads(request.body) if is_json else parse_qs(request.body.decode())
        expand = "true" in str(posted.get("expand")).lower()
        named = [shown.files[path] for path in posted.get("paths", ()) if path in shown.files]
        return json_reply([_row(repository, shown, blob, expand=expand) for blob in named])
    if verb == "safetensors-metadata":
        shards = {n: header_of(blob) for n, blob in shown.files.items() if n.endswith(".safetensors")}
        return json_reply({"index": {}, "headers": shards})
    raise Refusal(404, "", "Not Found")


def _describe(hub: HubServer, request: Request, repository: Repository, shown: Shown) -> Reply:
    said, wanted = describe(repository, shown, blobs=request.flag("blobs")), _wanted(hub, request, _DESCRIBED)
    answer = {name: said[name] for name in wanted if name in said}
    if request.flag("securityStatus"):
        issues = [
            {"path": name, "level": level}
            for name, level in repository.scans.items()
            if level != "safe" and name in shown.files
        ]
        answer["securityRepoStatus"] = {"scansDone": hub.is_scanned, "filesWithIssues": issues}
    return json_reply(answer)


def _tree(hub: HubServer, request: Request, found: tuple[Repository, Shown], below: str) -> Reply:
    """List files and folders."""
    repository, shown = found
    prefix, expand = f"{below}/" if below else "", request.flag("expand")
    rows: dict[str, dict[str, Any]] = {}
    for name, blob in shown.files.items():
        if not name.startswith(prefix):
            continue
        parts = name.removeprefix(prefix).split("/")
        for depth in range(1, len(parts)):
            if request.flag("recursive") or depth == 1:
                folder = prefix + "/".join(parts[:depth])
                rows[folder] = {"type": "directory", "oid": "0" * 40, "size": 0, "path": folder}
        if request.flag("recursive") or len(parts) == 1:
            rows[name] = _row(repository, shown, blob, expand=expand)
    if below and not rows:
        raise Refusal(404, "EntryNotFound", "Entry not found")
    return paged_reply(request, list(rows.values()), min(hub.page, _EXPANDED_PAGE if expand else _TREE_PAGE))


def _row(repository: Repository, shown: Shown, blob: Blob, *, expand: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"type": "file", "oid": blob.oid, "size": blob.size, "path": blob.name}
    if blob.is_apart:
        row["lfs"] = {"oid": blob.sha256, "size": blob.size, "pointerSize": len(blob.pointer)}
    if expand:
        last, status = repository.last_change(shown, blob.name), repository.scans.get(blob.name, "safe")
        row["lastCommit"] = {"id": last.commit, "title": last.title, "date": written(last.date)}
        row["securityFileStatus"] = {"status": status, "avScan": None, "pickleImportScan": None}
    return row


def _file(hub: HubServer, request: Request, name: str, way: tuple[str, str, bool]) -> Reply:
    """Answer for a file: a redirect to storage, or to the cache of small files, which answers."""
    revision, path, is_cached = way
    repository, shown = _find(hub, request, name, revision)
    if repository.facts.get("gated") and not request.is_trusted:
        raise Refusal(401, "GatedRepo", f"Access to model {name} is restricted.")
    blob = shown.files.get(path)
    if blob is None:
        raise Refusal(404, "EntryNotFound", "Entry not found")
    commit = {"X-Repo-Commit": shown.commit}
    if blob.is_apart:
        return storage_redirect(hub, name, shown, blob)
    if is_cached:
        return Reply(200, commit | {"ETag": f'"{blob.oid}"'}, part=(blob, 0, blob.size))
    there = f"/api/resolve-cache/models/{name}/{shown.commit}/{quote(path)}"
    return Reply(307, commit | {"Location": there, "ETag": f'"{blob.oid}"', "X-Linked-Size": str(blob.size)})


def storage_redirect(hub: HubServer, name: str, shown: Shown, blob: Blob) -> Reply:
    """Send on to storage, with the digest that the hub states."""
    there = f"{hub.storage_url}/{name}/{quote(blob.name)}?commit={shown.commit}&signature=secret"
    said = {"X-Linked-Etag": f'"{blob.sha256}"', "X-Linked-Size": str(blob.size), "X-Repo-Commit": shown.commit}
    return Reply(302, said | {"Location": there})
