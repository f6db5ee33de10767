"""ModelScope's interfaces, as modelscope_hub 0.5.1 speaks them, over the repositories of `hub_server`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from weighbridge.testing.hub.exchange import Refusal, Reply, Request, json_reply
from weighbridge.testing.hub.huggingface import storage_redirect
from weighbridge.testing.hub.info import base_models, describe
from weighbridge.testing.hub.repositories import written

if TYPE_CHECKING:
    from weighbridge.testing.hub.repositories import Repository, Shown
    from weighbridge.testing.hub_server import HubServer

__all__ = ["answer_modelscope"]

_LISTED = 3000  # rows of any listing, and it does not say so
_BIGGEST_PAGE = 100


def answer_modelscope(hub: HubServer, request: Request) -> Reply:
    """Answer as the hub does: the newer interface in lower case, the older one in capitals."""
    found = re.fullmatch(r"/(openapi|api)/v1/models(?:/([^/]+/[^/]+)(/.*)?)?", request.path)
    if not found:
        return _missing(is_newer=request.path.startswith("/openapi"))
    is_newer = found[1] == "openapi"
    if not found[2]:
        return _list(hub, request) if is_newer else _missing(is_newer=False)
    repository = hub.repository(found[2])
    shown = repository.at(request.one("Revision")) if repository else None
    is_hidden = repository is not None and repository.facts.get("private") and not request.is_trusted
    if repository is None or shown is None or is_hidden:
        return _missing(is_newer=is_newer)
    if is_newer:
        return json_reply({"success": True, "data": _row(repository), "request_id": "0"})
    return _of_one(hub, request, (repository, shown), found[3] or "")


def _of_one(hub: HubServer, request: Request, found: tuple[Repository, Shown], verb: str) -> Reply:
    """Answer about one repository in the older interface."""
    if verb == "/repo":
        return _file(hub, request, *found)
    data = _older(*found, verb)
    if data is None:
        return _missing(is_newer=False)
    return json_reply({"Code": 200, "Data": data, "Message": "success", "RequestId": "0", "Success": True})


def _missing(*, is_newer: bool) -> Reply:
    if is_newer:
        return json_reply({"success": False, "code": "ResourceNotFound", "message": "", "request_id": "0"}, 404)
    return json_reply({"Code": 10010205001, "Data": None, "Message": "", "RequestId": "0", "Success": False}, 404)


def _list(hub: HubServer, request: Request) -> Reply:
    """List the models of an owner."""
    number, size = int(request.one("page_number", "1")), int(request.one("page_size", "10"))
    if number * size > _LISTED or size > _BIGGEST_PAGE:
        error = {"success": False, "code": "InputParameterError", "message": "page_size", "request_id": "0"}
        return json_reply(error, 400)
    shown = (repository for repository in hub.repositories() if not repository.facts.get("private"))
    rows = [row for row in map(_row, shown) if request.one("owner", row["owner"]) == row["owner"]]
    key = {"likes": "likes", "last_modified": "last_modified"}.get(request.one("sort"), "downloads")
    rows.sort(key=lambda row: row[key], reverse=True)
    page = {"models": rows[(number - 1) * size : number * size], "total_count": len(rows)}
    page |= {"page_number": number, "page_size": size}
    return json_reply({"success": True, "data": page, "request_id": "0"})


def _row(repository: Repository) -> dict[str, Any]:
    """Describe a model in the newer interface."""
    said = describe(repository, repository.look())
    owner, _, name = repository.name.partition("/")
    return {
        "id": repository.name,
        "owner": owner,
        "name": name,
        "display_name": name,
        "description": "",
        "downloads": said["downloads"],
        "likes": said["likes"],
        "created_at": said["createdAt"],
        "last_modified": said["lastModified"],
        "license": said["cardData"].get("license"),
        "tags": [tag for tag in said["tags"] if ":" not in tag],
        "tasks": [said["pipeline_tag"]] if "pipeline_tag" in said else [],
        "file_size": said["usedStorage"],
        "private": said["private"],
        "gated": bool(said["gated"]),
        "login_required": False,
    }


def _older(repository: Repository, shown: Shown, verb: str) -> dict[str, Any] | None:
    """Answer in the older interface: files, revisions, or the description with the base models."""
    head = repository.look()
    if verb == "/repo/files":
        rows = [
            {"Type": "blob", "Path": name, "Name": name.rpartition("/")[2], "Size": blob.size,
             "Sha256": blob.sha256.upper(), "IsLFS": blob.is_apart,
             "Revision": repository.last_change(shown, name).commit, "CommittedDate": int(shown.date.timestamp())}
            for name, blob in shown.files.items()
        ]  # fmt: skip
        return {"Files": rows[:_LISTED], "LatestCommitter": {"ShortId": shown.commit[:8], "Id": ""}}
    if verb == "/revisions":
        main = {"Revision": "master", "CreatedAt": int(head.date.timestamp())}
        return {"RevisionMap": {"Branches": [main], "Tags": [{"Revision": name} for name in repository.tags]}}
    if verb:
        return None
    row, (relation, bases) = _row(repository), base_models(repository, shown)
    return {
        "Id": int(describe(repository, head)["_id"][:8], 16),
        "Path": row["owner"],
        "Name": row["name"],
        "Downloads": row["downloads"],
        "Stars": row["likes"],
        "License": row["license"],
        "CreatedTime": int(repository.created.timestamp()),
        "LastUpdatedTime": int(head.date.timestamp()),
        "BaseModel": bases,
        "BaseModelRelation": relation,
        "StorageSize": row["file_size"],
        "LastModified": written(head.date),
    }


def _file(hub: HubServer, request: Request, repository: Repository, shown: Shown) -> Reply:
    """Answer for a file: small ones at once, whatever part is asked for."""
    if repository.facts.get("gated") and not request.is_trusted:
        raise Refusal(403, "", "gated")
    blob = shown.files.get(request.one("FilePath"))
    if blob is None:
        return _missing(is_newer=False)
    if blob.is_apart:
        return storage_redirect(hub, repository.name, shown, blob)
    return Reply(200, {"ETag": f'"{blob.sha256}"'}, part=(blob, 0, blob.size))
