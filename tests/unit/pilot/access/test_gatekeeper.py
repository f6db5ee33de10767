from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from weighbridge.errors import UsageError, WeighbridgeError
from weighbridge.pilot.access.clerk import POLL_S, Mark
from weighbridge.pilot.access.desk import KeyDesk
from weighbridge.pilot.access.gatekeeper import Hold, MemoryGatekeeper
from weighbridge.pilot.access.keys import Budget, Digester
from weighbridge.pilot.access.orders import KeyOrder, KeyPatch, Revocation, Rotation
from weighbridge.pilot.access.protocol import Refusal
from weighbridge.pilot.exchange import Usage
from weighbridge.pilot.state.protocol import NANO
from weighbridge.pilot.state.sqlite import SQLiteState
from weighbridge.testing.waiting import wait_for

from .conftest import NOON, PEPPER, Node

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.pilot.access.desk import Issued

DAY = date(2026, 1, 1)
FREE = Usage(0, 0)


def header(issued: Issued) -> bytes:
    """Return what a caller presents."""
    return b"Bearer " + issued.text.encode()


def ask(node: Node, issued: Issued, usd: float | None = 0.0, tokens: int = 1) -> Hold | Refusal:
    """Reserve as the gateway does."""
    return asyncio.run(node.gate.reserve_soon(node.caller(issued), "qwen", tokens, usd))


def held(node: Node, issued: Issued, usd: float | None = 0.0, tokens: int = 1) -> Hold:
    """Reserve what must be granted."""
    got = ask(node, issued, usd, tokens)
    assert isinstance(got, Hold), got
    return got


def code(got: Hold | Refusal) -> str:
    """Return why something was refused."""
    assert isinstance(got, Refusal), got
    return got.code


def test_a_key_is_known_by_its_whole_text(node: Node) -> None:
    """A caller has what its key has; the scheme's letters may be of any case (RFC 9110, 11.1)."""
    issued = node.make(tenant="red", scopes=frozenset({"inference"}), models=frozenset({"qwen"}))
    for scheme in (b"Bearer ", b"bearer ", b"BEARER "):
        caller = node.gate.identify(scheme + issued.text.encode())
        assert not isinstance(caller, Refusal)
        assert (caller.key_id, caller.tenant) == (issued.key.id, "red")
        assert (caller.scopes, caller.models) == (frozenset({"inference"}), frozenset({"qwen"}))


def test_every_wrong_header_gets_one_answer_and_asks_no_store(node: Node) -> None:
    """CVE-2026-42208: quotes, NUL, 1 MB, non-ASCII and the rest end in one 401, before any query."""
    key = node.make().text.encode()
    node.gate.close()  # from here on only this thread could ask
    asked = node.state.asked
    wrong = [
        None, b"", b"Bearer", b"Bearer ", key, b"Basic " + key, b"Bearer  " + key, b"Bearer " + key + b" ",
        b"Bearer " + key[:-1], b"Bearer " + key + b"\0", b"Bearer " + key[:-1] + b"\0", b"Bearer " + key.upper(),
        b"Bearer ' OR '1'='1' --", b"Bearer " + b"\xff" * 59, b"Bearer wb_" + b"a" * (1 << 20), b"\0" * 66,
        b"Bearer " + "ключ".encode() * 7, b"Bearer " + key + b", Bearer " + key, b"Bearer " + b"\0" * 59,
    ]  # fmt: skip
    answers = [node.gate.identify(text) for text in wrong]
    assert all(answer is answers[0] for answer in answers)
    assert isinstance(answers[0], Refusal)
    assert answers[0].status == 401
    assert node.state.asked == asked


def test_a_wrong_header_is_digested_as_a_right_one(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Constant work: whatever is presented, one digest of 59 bytes and one look-up."""
    lengths: list[int] = []

    def digest(_digester: Digester, text: bytes) -> bytes:
        lengths.append(len(text))
        return b"nobody"

    key = node.make().text.encode()
    monkeypatch.setattr(Digester, "__call__", digest)
    for text in (None, b"", b"Bearer " + key, b"Bearer " + key + b"x", b"x" * (1 << 20), b"Basic  " + key):
        node.gate.identify(text)
    assert lengths == [59] * 6


def test_an_expired_key_ends_at_that_second(node: Node) -> None:
    """Expiry is looked at with every request; a key that ended looks like none."""
    issued = node.make(expires_at=datetime.fromtimestamp(NOON + 60, UTC))
    node.clock.wall = NOON + 59.9
    assert not isinstance(node.gate.identify(header(issued)), Refusal)
    node.clock.wall = NOON + 60
    assert node.gate.identify(header(issued)) is node.gate.identify(None)


def test_a_clock_that_is_set_back_revives_no_key(node: Node) -> None:
    """What expired stays so, and what is to expire does so by the time that passed, whatever the wall clock says."""
    ended = node.make(expires_at=datetime.fromtimestamp(NOON + 60, UTC))
    later = node.make(expires_at=datetime.fromtimestamp(NOON + 600, UTC))
    caller = node.caller(later)
    node.clock.wall += 61
    node.clock.run += 61
    assert isinstance(node.gate.identify(header(ended)), Refusal)
    node.clock.wall -= 86_400
    assert isinstance(node.gate.identify(header(ended)), Refusal)
    assert node.gate.is_live(caller)
    node.clock.run += 540
    assert isinstance(node.gate.identify(header(later)), Refusal)
    assert not node.gate.is_live(caller)


@pytest.mark.parametrize("by", ["revoked", "expired", "unknown", "put back"])
def test_who_was_let_in_is_seen_to_have_ended(node: Node, by: str) -> None:
    """What is under way can ask again, as it must where a key ends in mid-answer; a new secret is no end."""
    issued = node.make(expires_at=datetime.fromtimestamp(NOON + 60, UTC))
    caller = node.caller(issued)
    node.desk.rotate("", issued.key.id, Rotation())
    assert node.gate.is_live(caller)
    if by == "revoked":
        node.desk.revoke("", issued.key.id, Revocation())
    elif by == "expired":
        node.clock.run += 60
    elif by == "put back":
        with node.state._writing() as session:
            session("DELETE FROM secrets")
            session("DELETE FROM keys")
            session("UPDATE key_version SET n = 0")
        node.gate.refresh()
    else:
        caller = replace(caller, key_id="a" * 12)
    assert not node.gate.is_live(caller)


def test_a_caller_names_the_topmost_of_its_line(node: Node) -> None:
    """Keys that one key made, itself or through others, are of one line, also on a node that learns all at once."""
    scopes = frozenset({"inference", "admin:keys"})
    root = node.make(scopes=scopes)
    child = node.make(root.key.id, scopes=scopes)
    leaf, aside = node.make(child.key.id), node.make()
    anew = MemoryGatekeeper(node.state, PEPPER)
    for gate in (node.gate, anew):
        callers = [gate.identify(header(one)) for one in (root, child, leaf, aside)]
        lines = [one.line for one in callers if not isinstance(one, Refusal)]
        assert lines == [root.key.id] * 3 + [aside.key.id]


def test_a_revoked_key_ends_here_at_once_and_on_every_node_soon(node: Node, tmp_path: Path) -> None:
    """The node that revokes does so before it answers; the others poll three times a second."""
    issued = node.make()
    other = Node(tmp_path)
    other.gate.start()
    assert not isinstance(other.gate.identify(header(issued)), Refusal)
    node.desk.revoke("", issued.key.id, Revocation())
    assert isinstance(node.gate.identify(header(issued)), Refusal)
    wait_for(lambda: isinstance(other.gate.identify(header(issued)), Refusal))
    assert POLL_S <= 0.5
    other.gate.close()
    other.state.close()


def test_a_rotated_key_has_two_texts_for_the_grace(node: Node) -> None:
    """The id, and with it limits and what was spent, stay."""
    old = node.make()
    new = node.desk.rotate("", old.key.id, Rotation(grace_s=60))
    assert node.caller(old) == node.caller(new)
    node.clock.wall += 60
    assert isinstance(node.gate.identify(header(old)), Refusal)
    assert node.caller(new).key_id == old.key.id


def test_requests_a_minute(node: Node) -> None:
    """A minute's worth may come at once, then one each 60/N seconds; what is refused costs nothing."""
    issued = node.make(limits={"requests_per_minute": 3})
    for _ in range(3):
        held(node, issued).settle(FREE, 0.0)
    refused = ask(node, issued)
    assert isinstance(refused, Refusal)
    assert (refused.status, refused.code, refused.retry_after_s) == (429, "rate_limit_exceeded", 20)
    assert dict(refused.headers) == {
        b"ratelimit-policy": b'"requests";q=3;w=60',
        b"ratelimit": b'"requests";r=0;t=60',
    }  # the form of draft-ietf-httpapi-ratelimit-headers-10
    node.clock.run += 19.9
    assert code(ask(node, issued)) == "rate_limit_exceeded"
    node.clock.run += 0.2
    assert dict(held(node, issued).headers)[b"ratelimit"].startswith(b'"requests";r=0')


def test_tokens_are_held_by_estimate_and_settled_by_use(node: Node) -> None:
    """What was not used comes back; what is not known stays counted; more than estimated is taken, too."""
    issued = node.make(limits={"tokens_per_minute": 100})
    first = held(node, issued, tokens=90)
    assert code(ask(node, issued, tokens=20)) == "rate_limit_exceeded"
    first.settle(Usage(10, 20), 0.0)
    first.settle(Usage(0, 0), 0.0)  # a second time changes nothing
    second = held(node, issued, tokens=70)
    assert dict(second.headers)[b"ratelimit"] == b'"tokens";r=0;t=60'
    second.settle(Usage(None, None), None)
    assert code(ask(node, issued, tokens=1)) == "rate_limit_exceeded"
    node.clock.run += 60
    held(node, issued, tokens=10).settle(Usage(100, 100), 0.0)
    node.clock.run += 59
    assert code(ask(node, issued, tokens=1)) == "rate_limit_exceeded"
    assert code(ask(node, issued, tokens=101)) == "tokens_exceed_limit"


def test_a_hold_gives_back_what_has_not_been_refilled_since(node: Node) -> None:
    """It knows when it was made: a short answer leaves as much as a right guess had, one of a minute gives nothing."""
    issued = node.make(limits={"tokens_per_minute": 60})
    short = held(node, issued, tokens=60)
    node.clock.run += 15
    short.settle(Usage(10, 20), 0.0)
    assert b'"tokens";r=45;' in dict(held(node, issued, tokens=0).headers)[b"ratelimit"]
    node.clock.run += 15
    slow = held(node, issued, tokens=60)
    node.clock.run += 60
    held(node, issued, tokens=60)
    slow.settle(FREE, 0.0)
    assert code(ask(node, issued, tokens=1)) == "rate_limit_exceeded"


def test_what_a_slow_answer_used_beyond_its_hold_is_not_forgiven(node: Node) -> None:
    """Found by an attacker: a bucket that had been full for long took no notice of it."""
    issued = node.make(limits={"tokens_per_minute": 100})
    slow = held(node, issued, tokens=100)
    node.clock.run += 600
    slow.settle(Usage(100, 200), 0.0)
    refused = ask(node, issued, tokens=100)
    assert isinstance(refused, Refusal)
    assert refused.retry_after_s == 120


def test_the_wait_is_that_of_the_limit_that_is_short_for_longest(node: Node) -> None:
    """Found by an attacker: requests hid tokens, and a key the one that made it; what no wait helps is said at once."""
    maker = node.make(scopes=frozenset({"inference", "admin:keys"}), limits={"tokens_per_minute": 100})
    issued = node.make(maker.key.id, limits={"requests_per_minute": 60, "tokens_per_minute": 100})
    for _ in range(60):
        held(node, issued, tokens=0).settle(FREE, 0.0)
    held(node, maker, tokens=100)
    refused = ask(node, issued, tokens=100)
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.retry_after_s) == ("rate_limit_exceeded", 60)
    assert code(ask(node, issued, tokens=101)) == "tokens_exceed_limit"


def test_embeddings_count_what_was_asked(node: Node) -> None:
    """Found by an attacker: without a count of what was said, what was asked stood nowhere. The hold stays taken."""
    issued = node.make(limits={"tokens_per_minute": 100})
    held(node, issued, tokens=40).settle(Usage(30, None), 0.001)
    held(node, issued, tokens=40).settle(Usage(30, 0), 0.001)
    assert b'"tokens";r=29' in dict(held(node, issued).headers)[b"ratelimit"]
    node.gate.close()
    assert [(row.requests, row.input_tokens, row.output_tokens) for row in node.state.usage(DAY)] == [(2, 60, 0)]


def test_requests_at_once(node: Node) -> None:
    """A place is free again when a request ends, once."""
    issued = node.make(limits={"concurrent": 2})
    first, _ = held(node, issued), held(node, issued)
    assert code(ask(node, issued)) == "concurrency_limit"
    first.settle(FREE, 0.0)
    first.settle(FREE, 0.0)
    held(node, issued)
    assert code(ask(node, issued)) == "concurrency_limit"


def test_limits_are_shared_with_the_keys_that_were_made(node: Node) -> None:
    """Ten keys of three a minute, made by a key of three a minute, are three a minute; and none beside them."""
    maker = node.make(scopes=frozenset({"inference", "admin:keys"}), limits={"requests_per_minute": 3, "concurrent": 2})
    below = [node.make(maker.key.id, name=f"n{number}") for number in range(10)]
    beside = node.make(limits={"requests_per_minute": 3})
    first, second = held(node, below[0]), held(node, below[1])
    assert code(ask(node, below[2])) == code(ask(node, maker)) == "concurrency_limit"
    first.settle(FREE, 0.0)
    second.settle(FREE, 0.0)
    last = held(node, below[3])
    assert b'"requests";r=0' in dict(last.headers)[b"ratelimit"]
    last.settle(FREE, 0.0)
    assert {code(ask(node, key)) for key in (*below[4:], maker)} == {"rate_limit_exceeded"}
    held(node, beside)
    node.desk.revoke("", maker.key.id, Revocation())  # an end of the maker gives nobody more
    assert code(ask(node, below[4])) == "rate_limit_exceeded"
    node.clock.run += 20
    held(node, below[5])
    assert code(ask(node, below[6])) == "rate_limit_exceeded"


def test_tokens_are_shared_and_come_back_where_they_were_taken(node: Node) -> None:
    """What a request below did not use is given back above, too, and a limit set meanwhile is not given anything."""
    maker = node.make(scopes=frozenset({"inference", "admin:keys"}))
    one = node.make(maker.key.id, limits={"tokens_per_minute": 100})
    before = held(node, one, tokens=100)
    node.desk.change("", maker.key.id, KeyPatch.read(b'{"limits": {"tokens_per_minute": 50, "concurrent": 1}}'))
    before.settle(Usage(10, 10), 0.0)
    hold = held(node, one, tokens=49)
    assert code(ask(node, one)) == "concurrency_limit"
    hold.settle(Usage(5, 5), 0.0)
    assert code(ask(node, one, tokens=41)) == "rate_limit_exceeded"
    held(node, one, tokens=40)


def test_a_changed_limit_holds_for_what_was_used(node: Node) -> None:
    """More of a limit gives the difference, less takes it."""
    issued = node.make(limits={"requests_per_minute": 2})
    for _ in range(2):
        held(node, issued).settle(FREE, 0.0)
    node.desk.change("", issued.key.id, KeyPatch.read(b'{"limits": {"requests_per_minute": 3}}'))
    held(node, issued).settle(FREE, 0.0)
    assert code(ask(node, issued)) == "rate_limit_exceeded"
    node.desk.change("", issued.key.id, KeyPatch.read(b'{"limits": {"requests_per_minute": null}}'))
    held(node, issued).settle(FREE, 0.0)


def test_a_budget_is_spent_to_its_end_and_not_beyond(node: Node) -> None:
    """Each request is held at its most and settled at its cost; the store is never charged above the budget."""
    issued = node.make(budget={"usd_per_day": 0.05})
    n = 0
    while isinstance(got := ask(node, issued, usd=0.004), Hold):
        assert node.state.spending(issued.key.id, DAY).day <= NANO // 20
        got.settle(Usage(1, 1), 0.003)
        n += 1
    assert code(got) == "budget_exceeded"
    assert got.retry_after_s == 12 * 3600  # it is noon
    assert n == 16  # 15 leave 0.005, enough for one more at most 0.004; it leaves 0.002
    node.clock.run += 2
    node.clock.wall += 12 * 3600
    held(node, issued, usd=0.004)


def test_requests_at_once_cannot_hold_more_than_the_budget(node: Node) -> None:
    """A thousand requests that start together hold no more than there is."""
    issued = node.make(budget={"usd_total": 0.1})
    caller = node.caller(issued)

    async def rush() -> list[Hold | Refusal]:
        return await asyncio.gather(*(node.gate.reserve_soon(caller, "qwen", 1, 0.001) for _ in range(1000)))

    got = asyncio.run(rush())
    assert sum(isinstance(one, Hold) for one in got) == 100
    assert {one.code for one in got if isinstance(one, Refusal)} == {"budget_exceeded"}


def test_without_waiting_a_first_request_is_told_to_come_again(node: Node) -> None:
    """`reserve` never waits: it asks for money, and says so."""
    issued = node.make(budget={"usd_total": 1.0})
    assert code(node.gate.reserve(node.caller(issued), "qwen", 1, 0.001)) == "budget_lease_pending"
    wait_for(lambda: isinstance(node.gate.reserve(node.caller(issued), "qwen", 1, 0.001), Hold))


def test_what_costs_more_than_held_is_charged_before_anything_else(node: Node) -> None:
    """An upstream that ignores max_tokens makes a debt, which the budget pays; then it is used up."""
    issued = node.make(budget={"usd_total": 1.0})
    held(node, issued, usd=0.001).settle(Usage(1, 1), 5.0)
    assert code(ask(node, issued, usd=0.001)) == "budget_exceeded"
    assert node.state.spending(issued.key.id, DAY).total >= 5 * NANO


def test_large_requests_at_once_leave_no_large_lease(node: Node) -> None:
    """What many large requests held and did not spend goes back to the budget while the node runs."""
    issued = node.make(budget={"usd_total": 1000.0})
    for one in [held(node, issued, usd=1.0) for _ in range(50)]:
        one.settle(Usage(1, 1), 0.001)
    wait_for(lambda: node.state.spending(issued.key.id, DAY).total < 12 * NANO)


def test_what_keys_below_spend_counts_above(node: Node) -> None:
    """A key that makes keys shares its budget with them: many small ones are not more than one large."""
    scopes = frozenset({"inference", "admin:keys"})
    above = node.make(budget={"usd_total": 0.1}, scopes=scopes)
    below = [node.make(above.key.id, budget={"usd_total": 0.1}) for _ in range(3)]
    n = 0
    for issued in below:
        while isinstance(got := ask(node, issued, usd=0.001), Hold):
            got.settle(Usage(1, 1), 0.001)
            n += 1
    assert n <= 100
    assert node.state.spending(above.key.id, DAY).total <= NANO // 10


def test_keys_go_on_while_the_store_is_gone(node: Node) -> None:
    """Known keys are served, money at hand is spent, new leases are refused in clear words; then all is back."""
    issued, free = node.make(budget={"usd_total": 1.0}), node.make()
    held(node, issued, usd=0.001).settle(FREE, 0.0)
    node.state.is_gone = True
    n = 0
    while isinstance(got := ask(node, issued, usd=0.001), Hold):
        got.settle(Usage(1, 1), 0.001)
        n += 1
    assert 1 <= n <= 20  # the block is a hundredth of the budget
    assert (got.status, got.code) == (503, "budget_unavailable")
    held(node, free, usd=1.0).settle(Usage(2, 3), 1.0)
    wait_for(lambda: bool(node.gate.trouble))
    node.state.is_gone = False
    node.clock.run += 2
    assert isinstance(ask(node, issued, usd=0.001), Hold)
    wait_for(lambda: sum(row.requests for row in node.state.usage(DAY)) == n + 2)  # nothing used meanwhile is lost
    wait_for(lambda: not node.gate.trouble)


def test_closing_gives_back_what_was_not_spent(node: Node) -> None:
    """After a clean end a budget is charged with what was spent, to the nano-dollar."""
    issued = node.make(budget={"usd_total": 1.0})
    for _ in range(5):
        held(node, issued, usd=0.002).settle(Usage(3, 4), 0.0012345)
    node.gate.close()
    assert node.state.spending(issued.key.id, DAY).total == 5 * 1_234_500
    (row,) = node.state.usage(DAY)
    assert (row.requests, row.input_tokens, row.output_tokens, row.nano_usd) == (5, 15, 20, 5 * 1_234_500)


def test_closing_pays_what_is_owed(node: Node) -> None:
    """An upstream that says more than was held makes a debt: a restart does not forget it, nor pays it twice."""
    issued = node.make(budget={"usd_total": 0.01})
    holds = [held(node, issued, usd=0.002) for _ in range(5)]
    for hold in holds:
        hold.settle(FREE, 0.003)
    node.gate.close()
    assert node.state.spending(issued.key.id, DAY).total == 15_000_000


def test_a_clock_that_jumps_refills_nothing(node: Node) -> None:
    """Limits run by a clock that cannot be set; a wall clock set back leaves the day's budget charged."""
    issued = node.make(limits={"requests_per_minute": 1})
    held(node, issued).settle(FREE, 0.0)
    node.clock.wall += 86_400
    assert code(ask(node, issued)) == "rate_limit_exceeded"
    node.clock.run -= 100
    assert code(ask(node, issued)) == "rate_limit_exceeded"


def test_another_pepper_is_noticed(node: Node) -> None:
    """None of the keys would open: better to say so at the start."""
    with pytest.raises(UsageError, match="pepper"):
        MemoryGatekeeper(node.state, b"q" * 32)


def test_a_store_put_back_from_a_copy_is_read_anew(node: Node) -> None:
    """Keys made after the copy are gone, and the others are there."""
    first, second = node.make(), node.make()
    with node.state._writing() as session:
        session("DELETE FROM secrets WHERE key_id = ?", (second.key.id,))
        session("DELETE FROM keys WHERE id = ?", (second.key.id,))
        session("UPDATE key_version SET n = 1")
    wait_for(lambda: isinstance(node.gate.identify(header(second)), Refusal))
    assert node.caller(first).key_id == first.key.id


def test_notes_of_the_command_line_come_into_the_audit_log(node: Node) -> None:
    """What was changed from outside of the gateway is recorded by it, with no secret in it."""
    with node.state.changing_keys() as book:
        book.note("key.revoked", {"key": "abc"})
    wait_for(lambda: any(event == "key.revoked" and facts["key"] == "abc" for event, facts in node.noted))


def test_a_recorder_that_fails_keeps_the_note(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk loses nothing: the note comes when there is room again."""
    tries: list[str] = []

    def record(event: str, _facts: object) -> None:
        tries.append(event)
        if len(tries) == 1:
            raise WeighbridgeError("the disk is full")

    monkeypatch.setattr(node.gate._clerk, "_record", record)
    with node.state.changing_keys() as book:
        book.note("key.revoked", {})
    wait_for(lambda: tries == ["key.revoked"] * 2)


def test_a_budget_counts_from_when_it_is_set(node: Node) -> None:
    """A budget given to a running key holds at once on this node; taken away, it does not."""
    issued = node.make()
    held(node, issued, usd=1.0).settle(FREE, 1.0)
    node.desk.change("", issued.key.id, KeyPatch.read(b'{"budget": {"usd_total": 0.5}}'))
    assert code(ask(node, issued, usd=1.0)) == "budget_exceeded"
    changed = node.desk.change("", issued.key.id, KeyPatch.read(b'{"budget": {"usd_total": null}}'))
    assert changed.rights == replace(issued.key.rights, budget=Budget())
    held(node, issued, usd=1.0)


def test_a_budget_needs_a_price(node: Node) -> None:
    """What costs nobody knows how much is not passed on for a key with a budget; for another it costs nothing."""
    budgeted = node.make(budget={"usd_total": 1.0})
    assert code(ask(node, budgeted, usd=None)) == "price_unknown"
    assert [node.gate.has_budget(node.caller(one)) for one in (budgeted, node.make())] == [True, False]
    held(node, node.make(), usd=None).settle(Usage(1, 2), None)
    node.gate.close()
    assert [row.nano_usd for row in node.state.usage(DAY)] == [0]


def test_a_mark_moves_on_with_what_is_written(tmp_path: Path) -> None:
    """Usage and the hash of the log's last record come in one write, and the mark before is forgotten."""
    state = SQLiteState(tmp_path / "pilot.sqlite")
    state.add_usage([], "1" * 64)
    gate = MemoryGatekeeper(state, PEPPER, mark=Mark(lambda: "2" * 64, "1" * 64))
    issued = KeyDesk(state, PEPPER, changed=gate.refresh).create("", KeyOrder(name="k"))
    caller = gate.identify(b"Bearer " + issued.text.encode())
    assert not isinstance(caller, Refusal)
    hold = gate.reserve(caller, "qwen", 1, 0.0)
    assert not isinstance(hold, Refusal)
    hold.settle(Usage(1, 2), 0.0)
    assert state.usage_marks() == {"1" * 64}
    gate.start()
    gate.close()
    assert state.usage_marks() == {"2" * 64}
    state.close()


def test_too_little_is_told_from_nothing(node: Node) -> None:
    """Where some money is left, but less than a request may cost, the refusal says so and names max_tokens."""
    issued = node.make(budget={"usd_total": 1.0})
    little = ask(node, issued, usd=1.5)
    assert isinstance(little, Refusal)
    assert little.code == "budget_exceeded"
    assert "does not cover" in little.message
    assert "max_tokens" in little.message
    held(node, issued, usd=1.0).settle(FREE, 1.0)
    node.clock.run += 2
    none = ask(node, issued, usd=0.5)
    assert isinstance(none, Refusal)
    assert none.message == "the key's budget (total) is used up"


@pytest.mark.parametrize("usd", [-1.0, float("nan"), float("inf"), 1e300])
@pytest.mark.parametrize("tokens", [-5, 1 << 62])
def test_an_upstream_cannot_mint_money(node: Node, usd: float, tokens: int) -> None:
    """Costs and counts that make no sense neither fill a budget nor break the books: what was held counts."""
    issued = node.make(budget={"usd_total": 1.0}, limits={"tokens_per_minute": 100, "concurrent": 1})
    held(node, issued, usd=0.25, tokens=40).settle(Usage(tokens, 1), usd)
    assert b'"tokens";r=50' in dict(held(node, issued, tokens=10).headers)[b"ratelimit"]
    node.gate.close()
    assert [(row.nano_usd, row.input_tokens) for row in node.state.usage(DAY)] == [(NANO // 4, 0)]
