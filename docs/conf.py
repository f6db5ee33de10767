"""Sphinx configuration; the reference is generated from the package, so that nothing is said twice."""

from __future__ import annotations

from pathlib import Path

from weighbridge import __version__, plugin
from weighbridge.cli.settings import SETTINGS
from weighbridge.core.kinds import KINDS
from weighbridge.decision.explain import explain

project = "Weighbridge"
copyright = "2026, The Weighbridge founders"
release = __version__
extensions = ["myst_parser", "sphinx_click"]
html_theme = "furo"
html_title = "Weighbridge"
exclude_patterns = ["_build"]
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]

GENERATED = Path(__file__).parent / "reference" / "generated"


def write(name: str, text: str) -> None:
    """Write one generated page, where it changed."""
    page = GENERATED / f"{name}.md"
    page.parent.mkdir(parents=True, exist_ok=True)
    if not page.exists() or page.read_text(encoding="utf-8") != text:
        page.write_text(text, encoding="utf-8")


def as_text(word: str) -> str:
    """Return an explanation as a literal block: what a user sees in the terminal."""
    return f"```text\n{explain(word)}\n```\n"


for check in plugin.names("checks"):
    write(f"checks/{check}", f"# `{check}`\n\n{as_text(check)}")
write("kinds", "# Kinds of evidence\n\n" + "\n".join(f"## `{kind}`\n\n{as_text(kind)}" for kind in KINDS))
rows = "\n".join(f"| `{name}` | `WEIGHBRIDGE_{name.upper()}` | {text} |" for name, text in SETTINGS.items())
write(
    "settings",
    "# Settings\n\nFlags over environment over `weighbridge.toml` over defaults.\n\n"
    f"| `weighbridge.toml` | environment | what |\n|---|---|---|\n{rows}\n\n"
    "`engine` and `cache` are not read from `weighbridge.toml`: a folder may be a stranger's.\n\n"
    "A key for an engine comes from the environment only: `WEIGHBRIDGE_API_KEY`, or `WEIGHBRIDGE_API_KEY_FILE`, which "
    "names a file that holds it; the baseline's is `WEIGHBRIDGE_BASELINE_API_KEY`. `WEIGHBRIDGE_TRACEBACK=1` shows "
    "where a mistake of ours happened. `NO_COLOR` is respected.\n",
)
