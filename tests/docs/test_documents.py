"""The documents speak of what there is."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from weighbridge import plugin
from weighbridge.cli.main import COMMANDS, main
from weighbridge.decision.explain import explain
from weighbridge.decision.policy import parse_policy
from weighbridge.decision.shipped import shipped_policies
from weighbridge.evaluation.suite import load_suite, shipped_suites

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")])
PAGES = [page for page in PAGES if "_build" not in page.parts and "generated" not in page.parts]


def commands_in(text: str) -> list[list[str]]:
    """Return the weighbridge commands of a page: in code blocks and in backticks."""
    lines = re.findall(r"^(?: {4}|\$ )?\s*weighbridge ([^\n`]+)$", text, re.MULTILINE)
    inline = re.findall(r"`weighbridge ([^`\n]+)`", text)
    return [shlex.split(line.partition("#  ")[0].partition("      #")[0]) for line in [*lines, *inline]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_commands_and_flags_in_documents_exist(page: Path) -> None:
    """Each command named in a document is one of ours, with flags that it has."""
    for words in commands_in(page.read_text(encoding="utf-8")):
        if words[0].startswith("-"):
            continue
        assert words[0] in COMMANDS, f"{page.name}: weighbridge {' '.join(words)}"
        command: click.Command | None = main.get_command(click.Context(main), words[0])
        assert command is not None
        if isinstance(command, click.Group) and len(words) > 1 and not words[1].startswith("-"):
            command = command.commands.get(words[1].split("|")[0])
            assert command is not None, words
        flags = {flag for parameter in command.params for flag in parameter.opts} | {"--help"}
        used = {word.split("=")[0] for word in words if word.startswith("--")}
        assert used <= flags, f"{page.name}: weighbridge {' '.join(words)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    """Every relative link names a file that is there."""
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_make_targets_in_the_readme_exist() -> None:
    """`make demo`, `make test` and the others are in the Makefile."""
    made = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)\b", "".join(p.read_text() for p in PAGES if p.parent == REPOSITORY)))
    assert named <= made


def test_the_suite_of_the_how_to_loads(tmp_path: Path) -> None:
    """The two files printed in the document are a suite as they stand."""
    text = (REPOSITORY / "docs/howto/ask-your-own-questions.md").read_text()
    toml, rows = re.findall(r"```(?:toml|json)\n(.*?)```", text, re.DOTALL)
    (tmp_path / "suite.toml").write_text(toml)
    (tmp_path / "items.jsonl").write_text(rows)
    assert load_suite(tmp_path).items[0].answer == "A"


def test_the_policy_of_the_how_to_is_one() -> None:
    """The blocks of the document, joined, are a policy that is accepted."""
    text = (REPOSITORY / "docs/howto/write-a-policy.md").read_text()
    blocks = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    policy = parse_policy("\n".join(blocks), "how-to")
    assert policy.rules


def test_the_check_of_the_how_to_is_python() -> None:
    """The example compiles."""
    text = (REPOSITORY / "docs/howto/write-a-plug-in.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    compile(code, "example", "exec")


@pytest.mark.engine
def test_the_program_of_the_library_how_to_runs(demo_model: Path, tmp_path: Path) -> None:
    """The example weighs the demo as it stands, and prints a verdict."""
    assert demo_model.is_file()
    text = (REPOSITORY / "docs/howto/use-the-library.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.stdout.startswith("hold"), done.stderr
    assert (tmp_path / "dossier" / "dossier.html").is_file()


@pytest.mark.parametrize("group", ["checks", "suites"])
def test_everything_with_an_id_can_be_explained(group: str) -> None:
    """Each check and suite has its page."""
    names = plugin.names("checks") if group == "checks" else tuple(shipped_suites())
    assert all(len(explain(name)) > 80 for name in names)


@pytest.mark.parametrize("name", sorted(shipped_policies()))
def test_every_rule_of_a_shipped_policy_can_be_explained(name: str) -> None:
    """`weighbridge explain RULE` answers with the rule's reason."""
    content = tomllib.loads(shipped_policies()[name].read_text())
    for rule in content["rule"]:
        assert rule["because"].split(".")[0][:30] in " ".join(explain(rule["id"]).split())
