"""What the gateway can reach: nothing of ours that starts a process or runs what it was given.

CVE-2026-42271 (LiteLLM: a test endpoint that started commands), CVE-2026-40217 (`exec()` as a sandbox).
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import weighbridge

SOURCE = Path(weighbridge.__path__[0]).parent
BANNED = {"subprocess", "pickle", "marshal", "shelve", "ctypes", "multiprocessing", "pty", "runpy", "code", "commands"}
CALLS = {"eval", "exec", "__import__"}
OF_OS = {"system", "popen", "fork", "forkpty", "posix_spawn", "posix_spawnp", "startfile"}


def imports(tree: ast.AST) -> set[str]:
    """Return all that a module imports, also in its functions; what only types need is not run."""
    found: set[str] = set()
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        else:
            found |= imports(node)
    return found


def reached(*starts: str) -> dict[str, ast.Module]:
    """Return our modules that some import, and all that those import."""
    found: dict[str, ast.Module] = {}
    todo = list(starts)
    while todo:
        name = todo.pop()
        base = SOURCE.joinpath(*name.split("."))
        path = next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)
        if name in found or path is None:
            continue
        found[name] = ast.parse(path.read_text("utf-8"))
        named = {one for one in imports(found[name]) if one.startswith("weighbridge.")}
        todo += [*named, name.rpartition(".")[0] or "weighbridge"]
    return found


def test_nothing_that_the_gateway_imports_starts_a_process_or_runs_code() -> None:
    """Through every room: whatever the gateway loads of ours imports no subprocess and no pickle, and calls no exec."""
    modules = reached("weighbridge.gateway.assembly", "weighbridge.gateway.server", "weighbridge.gateway.spans")
    assert len(modules) > 150
    for name, tree in modules.items():
        assert not {one.partition(".")[0] for one in imports(tree)} & BANNED, name
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                if isinstance(node.func, ast.Name):
                    assert node.func.id not in CALLS, (name, node.lineno)
                elif isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
                    is_of_os = node.func.value.id == "os" and node.func.attr.startswith((*OF_OS, "exec", "spawn"))
                    assert not is_of_os, (name, node.lineno)


def test_the_walk_finds_what_is_there() -> None:
    """The sandbox does start processes: a walk that does not see that would prove nothing."""
    modules = reached("weighbridge.sandbox.bubblewrap")
    assert any("subprocess" in imports(tree) for tree in modules.values())


_WATCHED = """
import sys
seen = []
starts = ("subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "pty.", "ctypes.dlopen")
sys.addaudithook(lambda event, _args: event.startswith(starts) and seen.append(event))
import importlib.util
from weighbridge.testing.upstream_double import UpstreamDouble, answer
spec = importlib.util.spec_from_file_location("kit", sys.argv[1])
kit = importlib.util.module_from_spec(spec); sys.modules["kit"] = kit; spec.loader.exec_module(kit)
seen.clear()  # what test doubles load is not the gateway's
body = b'{"id":"1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}'
with UpstreamDouble(lambda *_: [answer(body)]).running() as upstream:
    with kit.run_gateway({"qwen": kit.Route("qwen", kit.leg_to(upstream.url))}) as gateway:
        print(gateway.ask({"model": "qwen", "messages": []})[0], gateway.call("GET", "/v1/models")[0], seen)
import subprocess
subprocess.run(["true"])
print(seen[:1])
"""


def test_no_process_starts_while_requests_are_served() -> None:
    """Watched by an audit hook of the interpreter (PEP 578), third parties' code included; the hook does see one."""
    kit = Path(__file__).with_name("conftest.py")
    words = [sys.executable, "-c", _WATCHED, str(kit)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == ["200 401 []", "['subprocess.Popen']"]
