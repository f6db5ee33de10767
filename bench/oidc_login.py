"""Log in to the pages with a real provider in a real browser: panva's certified `oidc-provider`, Debian's chromium.

    npm install --prefix FOLDER oidc-provider@9
    python bench/oidc_login.py FOLDER

Needs node, chromium, playwright and the extras `oidc` and `ui`. A line for each login says where it ended: with claims
in the ID token, as a strict provider tells them (at its UserInfo endpoint alone), with another algorithm, with roles
in an object, after the provider changed its keys, with a token that ends soon; and leaving, here and at the provider.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import sync_playwright

from weighbridge.store.sqlite import SQLiteStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

FILE = """
issuer = "http://127.0.0.1:{provider}"
client_id = "weighbridge"
client_secret_env = "OIDC_SECRET"
origin = "http://127.0.0.1:{pages}"
groups_claim = "{claim}"
[viewer]
groups = ["staff"]
[operator]
groups = ["ml-platform"]
emails = ["boss@example.org"]
"""
WAYS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("claims in the ID token", {"inToken": True}, "groups"),
    ("claims at UserInfo", {}, "groups"),
    ("ES256", {"algorithm": "ES256"}, "groups"),
    ("roles in an object", {}, "realm_access.roles"),
)


class Town:
    """Where provider and pages are."""

    def __init__(self, modules: Path, folder: Path) -> None:
        self.modules, self.folder = modules, folder
        self.provider, self.pages = free_port(), free_port()
        shutil.copy(Path(__file__).with_name("oidc_provider.mjs"), modules / "oidc_provider.mjs")
        with closing(SQLiteStore(folder / "evidence.sqlite")):
            pass

    @contextmanager
    def provided(self, **changed: Any) -> Iterator[None]:
        """Run the provider."""
        settings = {"port": self.provider, "redirect": f"http://127.0.0.1:{self.pages}/login/callback",
                    "key": "k1", "algorithm": "RS256", "inToken": False, "seconds": 3600, **changed}  # fmt: skip
        line = ["node", "oidc_provider.mjs"]
        with running(line, self.modules, {"SETTINGS": json.dumps(settings)}):
            yield

    @contextmanager
    def served(self, claim: str) -> Iterator[None]:
        """Run the pages."""
        path = self.folder / "oidc.toml"
        path.write_text(FILE.format(provider=self.provider, pages=self.pages, claim=claim))
        line = [sys.executable, "-m", "weighbridge", "ui", str(self.folder), "--operate", "--json",
                "--oidc", str(path), "--port", str(self.pages)]  # fmt: skip
        with running(line, self.folder, {"OIDC_SECRET": "s3 cret/+%"}):
            yield

    def login(self, browser: Browser, who: str) -> Page:
        """Ask for a page as somebody, log in and consent, without script; return where that ended."""
        page = browser.new_context(java_script_enabled=False).new_page()
        page.goto(f"http://127.0.0.1:{self.pages}/pilot/keys")
        for _ in range(3):
            if page.locator("input[name=login]").count():
                page.fill("input[name=login]", who)
                page.fill("input[name=password]", "any")
            if f":{self.provider}/" in page.url:
                page.locator("button[type=submit]").first.click()
        return page


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def running(line: list[str], folder: Path, env: dict[str, str]) -> Iterator[None]:
    """Run a server until the block ends, from when it says its first line."""
    pipe = subprocess.PIPE
    child = subprocess.Popen(line, cwd=folder, env={**os.environ, **env}, stdout=pipe, stderr=subprocess.DEVNULL)
    try:
        if not (child.stdout and child.stdout.readline()):
            raise RuntimeError(f"{line[:4]} did not start")
        time.sleep(0.5)
        yield
    finally:
        child.kill()
        child.wait(10)


def say(what: str, page: Page) -> None:
    """Print where a browser is, and as whom."""
    who = page.locator("form.visitor span")
    told = who.inner_text() if who.count() else " ".join(page.locator("body").inner_text().split())[-160:]
    print(f"{what:<34} {page.url.partition('?')[0].partition('//')[2].partition('/')[2]:<16} {told}", flush=True)


def main() -> None:
    """Log in by every way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", type=Path, help="where npm installed oidc-provider")
    modules = parser.parse_args().modules.absolute()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        town = Town(modules, Path(folder))
        for what, changed, claim in WAYS:
            with town.provided(**changed), town.served(claim):
                for who in ("ann", "boss", "eve"):
                    say(f"{what}: {who}", town.login(chromium, who))
        with town.served("groups"):
            with town.provided():
                page = town.login(chromium, "boss")
                page.get_by_role("button", name="Leave").click()
                say("left here", page)
                page.get_by_role("link", name="leave it, too").click()
                page.locator("button[type=submit]").first.click()
                say("left at the provider", page)
            time.sleep(5)
            with town.provided(key="k2"):
                say("after new keys: ann", town.login(chromium, "ann"))
        with town.served("groups"), town.provided(seconds=4):
            page = town.login(chromium, "ann")
            say("a token of four seconds", page)
            page.context.clear_cookies(name="_session")  # the provider has forgotten ann meanwhile
            time.sleep(5)
            page.goto(f"http://127.0.0.1:{town.pages}/pilot/keys")
            say("the same, five seconds later", page)
        chromium.close()


if __name__ == "__main__":
    main()
