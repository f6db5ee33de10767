"""The pages with the pilot's: who gets in how, and what they may do there."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING

from weighbridge.errors import ExtraMissing, NotFound, UsageError
from weighbridge.pilot.admission.file import load_gateway_file
from weighbridge.web.access import Access
from weighbridge.web.app import create_app
from weighbridge.web.gate import Cookies, Ticket
from weighbridge.web.oidc.settings import load_oidc
from weighbridge.web.server import tables_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.applications import Starlette

    from weighbridge.store.protocol import Store
    from weighbridge.web.pages.pilot.room import PilotRoom
    from weighbridge.workflow.workspace import Workspace

__all__ = ["access_by_login", "access_by_ticket", "gateway_file_of", "pages_over"]


def access_by_ticket(name: str, *, operates: bool) -> Access:
    """Return the way in on this machine: a link that only the terminal prints, for who started it, by name."""
    return Access(ticket=Ticket("operator" if operates else "viewer", name))


def access_by_login(path: Path, read_secret: Callable[[str], str | None]) -> Access:
    """Return the way in by a login; raises UsageError for the file or its secret, ExtraMissing."""
    try:
        from weighbridge.web.oidc.login import Desk
        from weighbridge.web.oidc.provider import Provider
    except ModuleNotFoundError as error:
        raise ExtraMissing(
            f"logging in needs `{error.name}`, which is not installed", hint="pip install 'weighbridge[oidc]'"
        ) from error
    settings = load_oidc(path)
    secret = read_secret(settings.client_secret_env) if settings.client_secret_env else ""
    if secret is None or (settings.client_secret_env and not secret):
        raise UsageError(
            f"`{settings.client_secret_env}`, which holds the client's secret, is not set",
            hint=f"set it, or name a file in `{settings.client_secret_env}_FILE`",
        )
    return Access(
        login=Desk(Provider(settings, secret)), origin=settings.origin, cookies=Cookies(is_secure=settings.is_secure)
    )


def gateway_file_of(path: Path | None, default: Path, folder: Path) -> Path | None:
    """Return the gateway's file: the one named, or `default` where it is there, is right, and is for this workspace.

    Raises UsageError where the one named is of another workspace, and what `load_gateway_file` raises.
    """
    if path is None:
        with suppress(UsageError, NotFound):
            return gateway_file_of(default, default, folder) if default.is_file() else None
        return None
    file = load_gateway_file(path)
    if file.workspace.resolve() != folder.resolve():
        raise UsageError(
            f"`{path}` is for the workspace `{file.workspace}`, not for `{folder}`",
            hint="name one of the two otherwise",
        )
    return file.path


def pages_over(folder: Workspace, room: PilotRoom, access: Access) -> Callable[[Store], Starlette]:
    """Return what makes the application over a store."""
    return lambda store: create_app(
        store, date.today, folder=folder.path, tables=tables_of(folder), room=room, access=access
    )
