"""Laws of keys: no two share an identity, none gives more than it has, and no crash overdraws a budget."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weighbridge.errors import NotFound, UsageError
from weighbridge.pilot.access.desk import KeyDesk
from weighbridge.pilot.access.gatekeeper import MemoryGatekeeper
from weighbridge.pilot.access.keys import SCOPES, Key, Rights, Secret, digest_of_key, new_id, new_text
from weighbridge.pilot.access.orders import BudgetForm, KeyOrder, KeyPatch, LimitsForm, Rotation
from weighbridge.pilot.access.protocol import Refusal
from weighbridge.pilot.state.protocol import NANO
from weighbridge.pilot.state.sqlite import SQLiteState

PEPPER = b"p" * 32
NOW = 1_800_000_000.0
FOREVER = 1e18


class Known:
    """A state that gives its keys once, and fails whoever asks it for anything later."""

    def __init__(self, *keys: Key) -> None:
        self._keys: tuple[Key, ...] | None = keys

    def same_pepper(self, _mark: str) -> bool:
        """Know every pepper."""
        return True

    def key_version(self) -> int:
        """Return the only version."""
        assert self._keys is not None
        return 1

    def keys(self, _since: int = 0) -> tuple[int, tuple[Key, ...]]:
        """Return all, once."""
        keys, self._keys = self._keys, None
        assert keys is not None
        return 1, keys


def gate_of(*texts: str) -> MemoryGatekeeper:
    """Return a gatekeeper that knows these keys, each by an id of its own."""
    keys = (
        Key(f"key{n}", "a key", Rights("team"), NOW, secrets=(Secret(digest_of_key(PEPPER, text.encode())),))
        for n, text in enumerate(texts)
    )
    return MemoryGatekeeper(Known(*keys), PEPPER)  # type: ignore[arg-type]  # what else it has, nothing here asks for


TEXT = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", min_size=59, max_size=59)


@given(TEXT, TEXT, st.integers(0, 58))
def test_keys_that_share_a_prefix_never_share_an_identity(first: str, second: str, shared: int) -> None:
    """CVE-2026-35030: whatever two texts begin with, each is itself, and a third is nobody."""
    other = first[:shared] + second[shared:]
    gate = gate_of(first, *([other] if other != first else []))
    caller = gate.identify(b"Bearer " + first.encode())
    assert not isinstance(caller, Refusal)
    assert caller.key_id == "key0"
    found = gate.identify(b"Bearer " + other.encode())
    assert not isinstance(found, Refusal)
    assert found.key_id == ("key0" if other == first else "key1")
    third = first[:shared] + ("a" if first[shared] != "a" else "b") + first[shared + 1 :]
    if third != other:
        assert isinstance(gate.identify(b"Bearer " + third.encode()), Refusal)


@given(st.binary(max_size=300) | st.binary(min_size=59, max_size=59).map(lambda tail: b"Bearer " + tail) | st.none())
def test_whatever_is_presented_the_answer_is_one(header: bytes | None) -> None:
    """Any bytes: one and the same refusal, from memory (the state above fails whoever asks)."""
    gate = gate_of(new_text(new_id()))
    assert gate.identify(header) is gate.identify(None)


BOUND = st.none() | st.integers(1, 3)
SOME = st.frozensets(st.sampled_from(["inference", "admin:keys", "stop"]), min_size=1)
WISHES = st.fixed_dictionaries(
    {},
    optional={
        "scopes": SOME.map(lambda some: some | {"admin:keys"}) | st.frozensets(st.sampled_from(SCOPES), min_size=1),
        "models": st.none() | st.frozensets(st.sampled_from(["a", "b", "c"])),
        "expires_at": st.none() | st.integers(1, 3).map(lambda n: datetime.fromtimestamp(NOW + n * 1000, UTC)),
        "limits": st.fixed_dictionaries({}, optional=dict.fromkeys(("requests_per_minute", "concurrent"), BOUND)),
        "budget": st.fixed_dictionaries({}, optional=dict.fromkeys(("usd_per_day", "usd_total"), BOUND)),
    },
)
TENANTS = st.none() | st.sampled_from(["red", "blue", "*"])
STEP = st.tuples(st.sampled_from(["create", "change", "rotate"]), st.integers(0, 3), st.integers(0, 3), WISHES, TENANTS)


def form(kind: Any, wishes: dict[str, Any], **more: Any) -> Any:
    """Return an order or a patch with these fields."""
    fields = {**wishes, **{name: value for name, value in more.items() if value is not None}}
    for name, part in (("limits", LimitsForm), ("budget", BudgetForm)):
        if name in fields:
            fields[name] = part.model_validate(fields[name])
    return kind.model_validate(fields)


def power(rights: Rights) -> tuple[set[Any], list[float]]:
    """Return what rights allow, as a set of things and a list of bounds: written apart from `Rights.excess`."""
    tenants = {"red", "blue", "*", "default"} if rights.tenant == "*" else {rights.tenant}
    models = {"a", "b", "c", "any other"} if rights.models is None else set(rights.models)
    bounds = [
        rights.expires_at, rights.limits.requests_per_minute, rights.limits.tokens_per_minute, rights.limits.concurrent,
        rights.budget.usd_per_day, rights.budget.usd_per_month, rights.budget.usd_total,
    ]  # fmt: skip
    things = {("tenant", t) for t in tenants} | {("scope", s) for s in rights.scopes} | {("model", m) for m in models}
    return things, [FOREVER if bound is None else bound for bound in bounds]


def is_within(less: Rights, more: Rights) -> bool:
    """Whether one power is contained in another."""
    (things, bounds), (all_things, most) = power(less), power(more)
    return things <= all_things and all(a <= b for a, b in zip(bounds, most, strict=True))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(WISHES, TENANTS, st.lists(STEP, max_size=14))
def test_no_key_comes_to_more_than_its_maker_had(
    first: dict[str, Any], tenant: str | None, steps: list[tuple[str, int, int, dict[str, Any], str | None]]
) -> None:
    """Any keys that make, change and renew any others: nobody ever gives, raises or takes over more than it has."""
    with tempfile.TemporaryDirectory() as folder:
        state = SQLiteState(Path(folder) / "pilot.sqlite")
        state._writer.execute("PRAGMA synchronous = OFF")
        desk = KeyDesk(state, PEPPER, now=lambda: NOW)
        scopes = first.get("scopes", frozenset()) | {"admin:keys", "inference"}
        root = form(KeyOrder, {**first, "scopes": scopes}, name="root", tenant=tenant)
        keys = [
            desk.create("", root).key.id,
            desk.create("", form(KeyOrder, {"scopes": frozenset({"inference"})}, name="aside")).key.id,
        ]
        for what, by, at, wishes, of in steps:
            before = {key.id: key for key in state.keys()[1]}
            actor, target = before[keys[by % len(keys)]], before[keys[at % len(keys)]]
            key = attempt(desk, what, (actor, target), (wishes, of))
            if key is None:
                continue
            if key.id not in before:
                keys.append(key.id)
            assert "admin:keys" in actor.rights.scopes
            assert is_within(key.rights, actor.rights)
            if key.id in before and not is_above(actor.id, key, before):  # not paid for by who acts
                assert is_within(key.rights, before[key.id].rights)
                assert what != "rotate" or key.id == actor.id
        state.close()


def attempt(desk: KeyDesk, what: str, who: tuple[Key, Key], wishes: tuple[dict[str, Any], str | None]) -> Key | None:
    """Let one key make or change another; None where it is refused."""
    actor, target = who
    try:
        if what == "create":
            return desk.create(actor.id, form(KeyOrder, wishes[0], name="child", tenant=wishes[1])).key
        if what == "change":
            return desk.change(actor.id, target.id, form(KeyPatch, wishes[0]))
        return desk.rotate(actor.id, target.id, Rotation()).key
    except (UsageError, NotFound):
        return None


def is_above(key_id: str, key: Key, keys: dict[str, Key]) -> bool:
    """Whether a key is among the makers of another."""
    while key.parent:
        if key.parent == key_id:
            return True
        key = keys[key.parent]
    return False


SPENDER = """
import asyncio, sys
from pathlib import Path
from weighbridge.pilot.access.gatekeeper import MemoryGatekeeper
from weighbridge.pilot.exchange import Usage
from weighbridge.pilot.state.sqlite import SQLiteState

async def spend(gate, caller, lane):
    while True:
        held = await gate.reserve_soon(caller, "qwen", 10, 0.004)
        if not hasattr(held, "settle"):
            return
        await asyncio.sleep(0.002 * lane)
        held.settle(Usage(5, 5), 0.003)
        print("3000000", flush=True)

async def main():
    gate = MemoryGatekeeper(SQLiteState(Path(sys.argv[1])), b"p" * 32)
    gate.start()
    caller = gate.identify(b"Bearer " + sys.argv[2].encode())
    await asyncio.gather(*(spend(gate, caller, lane) for lane in range(8)))
    print("all", flush=True)

asyncio.run(main())
"""


def test_a_killed_node_never_leaves_a_budget_overdrawn(tmp_path: Path) -> None:
    """Kill -9 under load, again and again: what was spent stays charged, and what is lost is a lease and what flew."""
    path = tmp_path / "pilot.sqlite"
    state = SQLiteState(path)
    budget = BudgetForm(usd_total=1.0)
    issued = KeyDesk(state, PEPPER).create("", KeyOrder.of(name="a", budget=budget))
    MemoryGatekeeper(state, PEPPER)
    today, spent, kills = date.today(), 0, 0  # noqa: DTZ011 - only the total is asked for
    while True:
        with subprocess.Popen(
            [sys.executable, "-c", SPENDER, path, issued.text], stdout=subprocess.PIPE, text=True
        ) as node:
            assert node.stdout is not None
            lines = [node.stdout.readline().strip() for _ in range(30)]
            node.send_signal(signal.SIGKILL)
            lines += node.stdout.read().split()
        spent += sum(int(line) for line in lines if line.isdigit())
        charged = state.spending(issued.key.id, today).total
        assert spent <= charged <= NANO
        if "all" in lines:
            break
        kills += 1
        # a lease is a hundredth of the budget, or twice the largest request; eight requests of 0.004 flew
        assert charged - spent <= kills * (2 * NANO // 100 + 2 * 8 * 4_000_000)
    assert kills >= 2
    state.close()
