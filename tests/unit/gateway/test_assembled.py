"""The gateway as `weighbridge serve` puts it together: every way in, with and without a key; whose numbers are told.

One route without the guard was enough elsewhere (CVE-2025-66405, Portkey's `/v1/proxy/*`; CVE-2026-30886, objects
looked up by id alone): so the ways are taken from what is mounted, not from a list that can fall behind.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from weighbridge.errors import UsageError
from weighbridge.gateway.assembly import assembled
from weighbridge.gateway.request.endpoints import ENDPOINTS, MODELS
from weighbridge.pilot.access.desk import KeyDesk
from weighbridge.pilot.access.keys import SCOPES
from weighbridge.pilot.access.orders import Revocation
from weighbridge.pilot.access.pepper import load_pepper
from weighbridge.pilot.admission.file import load_gateway_file
from weighbridge.pilot.state.protocol import UsageRow
from weighbridge.pilot.state.sqlite import SQLiteState

from .test_admin import Office

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from weighbridge.gateway.app import Gateway
    from weighbridge.gateway.hooks import Hooks

FILE = """
[[route]]
name = "qwen"
decision = "latest"
reference = "org/model"
policy = "pilot"
fingerprint = "weighed"
[route.upstream]
url = "http://127.0.0.1:9/v1"
model = "m"
"""
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
BELOW = (
    "",
    "/",
    "/v1/keys",
    "/v1/keys/abcdefghijkl",
    "/v1/keys/abcdefghijkl/rotate",
    "/v1/spend",
    "/../v1/models",
    "/x",
)


class Whole(Office):
    """The whole gateway over a workspace, asked in memory."""

    def __init__(self, app: Gateway, workspace: Path) -> None:
        self.app = app
        self.noted = []
        self.hooks: Hooks = app._hooks
        self.state = SQLiteState(workspace / "pilot.sqlite")
        self.desk = KeyDesk(self.state, load_pepper(workspace), self.note, self.hooks.gatekeeper.refresh)  # type: ignore[attr-defined]

    @property
    def paths(self) -> list[str]:
        """Every path that leads somewhere, and some below those that are mounted."""
        mounted = [f"{mount.path}{below}" for mount in self.hooks.mounts for below in BELOW]
        return [*ENDPOINTS, MODELS, f"{MODELS}/qwen", *mounted]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """Put a gateway together."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "gateway.toml").write_text(FILE)
    file = load_gateway_file(folder / "gateway.toml")
    with assembled(file, lambda _name: None) as parts:
        office = Whole(parts.app, file.workspace)
        yield office
        office.state.close()


def test_every_way_in_asks_for_a_key(whole: Whole) -> None:
    """Endpoints and all that is mounted, with every method: 401 without a key, and with one that has ended."""
    ended = whole.key("red", *SCOPES)
    whole.desk.revoke("", ended.key.id, Revocation())
    assert len(whole.hooks.mounts) >= 3
    for path in whole.paths:
        for method in METHODS:
            for key in (None, ended):
                status, answer = whole.ask(method, path, key)
                assert status == 401, (method, path)
                assert method == "HEAD" or answer["error"]["code"] == "invalid_api_key"


def test_every_way_in_asks_for_its_scope(whole: Whole) -> None:
    """A key without any scope that counts gets nothing done anywhere; each scope opens its own ways only."""
    weak = whole.key("red", "audit:read")
    for path in whole.paths:
        for method in METHODS:
            status, _ = whole.ask(method, path, weak, {})
            assert status in {403, 404, 405}, (method, path)
    for mount in whole.hooks.mounts:
        if mount.scope:
            for scope in set(SCOPES) - {mount.scope}:
                assert whole.ask("GET", mount.path, whole.key("red", scope))[0] == 403, (mount.path, scope)


def test_what_keys_spent_is_told_to_their_tenant_only(whole: Whole) -> None:
    """The matrix for numbers: each tenant's admin sees its own, and who may act for all sees all."""
    users = {tenant: whole.key(tenant, "inference") for tenant in ("red", "blue")}
    day = datetime.now(UTC).date()
    whole.state.add_usage([UsageRow(day, user.key.id, "qwen", 1, 2, 3, 4) for user in users.values()])
    for tenant in ("red", "blue", "*"):
        status, answer = whole.ask("GET", "/admin/v1/spend", whole.key(tenant, "admin:keys"))
        assert status == 200
        told = {row["key"] for row in answer["data"]} & {user.key.id for user in users.values()}
        assert told == {user.key.id for owner, user in users.items() if tenant in {owner, "*"}}, tenant


@pytest.mark.parametrize("name", ["file/below", "file"])
def test_a_workspace_that_cannot_be_is_a_mistake_of_the_file(tmp_path: Path, name: str) -> None:
    """Said with its name and what to do."""
    (tmp_path / "file").touch()
    (tmp_path / "gateway.toml").write_text(f'[gateway]\nworkspace = "{name}"\n{FILE}')
    with (
        pytest.raises(UsageError, match="cannot be made") as error,
        assembled(load_gateway_file(tmp_path / "gateway.toml"), lambda _name: None),
    ):
        pass
    assert error.value.hint
