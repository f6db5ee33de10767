from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.errors import NotFound, UsageError, WeighbridgeError
from weighbridge.pilot.access.desk import KeyDesk
from weighbridge.pilot.access.keys import BeyondRights, key_facts
from weighbridge.pilot.access.orders import MOST_BODY_BYTES, KeyOrder, KeyPatch, Revocation, Rotation
from weighbridge.pilot.access.protocol import Refusal

from .conftest import NOON, PEPPER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .conftest import Node

ADMIN = frozenset({"inference", "admin:keys"})


def test_a_key_is_shown_once_and_kept_as_a_digest(node: Node) -> None:
    """Neither the file nor the facts nor the record holds the secret."""
    issued = node.make()
    secret = issued.text.split("_", 2)[2]
    assert len(secret) == 43  # 256 bits in base64url (RFC 4648, 5)
    node.gate.close()
    kept = b"".join(path.read_bytes() for path in node.state.path.parent.iterdir())
    assert secret.encode() not in kept
    assert secret not in repr((key_facts(issued.key, NOON), node.noted))
    assert issued.key.id.encode() in kept


@pytest.mark.parametrize(
    "wish",
    [
        {"scopes": frozenset({"inference", "stop"})},
        {"models": frozenset({"qwen", "llama"})},
        {"tenant": "blue"},
        {"tenant": "*"},
        {"limits": {"requests_per_minute": 61}},
        {"budget": {"usd_per_day": 1.01}},
        {"budget": {"usd_per_month": 30.01}},
    ],
)
def test_a_key_gives_no_more_than_it_has(node: Node, wish: Mapping[str, Any]) -> None:
    """CVE-2026-47101: each right that a key has is the most that it can give; the refusal is recorded."""
    maker = node.make(
        tenant="red", scopes=ADMIN, models=frozenset({"qwen"}),
        limits={"requests_per_minute": 60}, budget={"usd_per_day": 1.0, "usd_per_month": 30.0},
    )  # fmt: skip
    with pytest.raises(BeyondRights):
        node.make(maker.key.id, **wish)
    event, facts = node.noted[-1]
    assert (event, facts["event"], facts["by"]) == ("key.refused", "key.created", maker.key.id)
    given = node.make(maker.key.id).key  # what is not named is as with the maker
    assert given.rights == replace(maker.key.rights, scopes=frozenset({"inference"}))


@pytest.mark.parametrize("body", [b'{"models": null}', b'{"expires_at": null}', b'{"budget": {"usd_per_day": null}}'])
def test_no_bound_is_more_than_a_bound(node: Node, body: bytes) -> None:
    """A key with a list, an end or a budget cannot make one without."""
    maker = node.make(
        scopes=ADMIN, models=frozenset({"qwen"}), budget={"usd_per_day": 1.0},
        expires_at=key_end(NOON + 60),
    )  # fmt: skip
    order = KeyOrder.read(body[:-1] + b', "name": "more"}')
    with pytest.raises(BeyondRights):
        node.desk.create(maker.key.id, order)


def key_end(moment: float) -> object:
    """Return a time as orders take it."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(moment, UTC)


def test_a_key_cannot_raise_itself(node: Node) -> None:
    """CVE-2026-47102: a key that manages keys can make itself less, and never more."""
    maker = node.make(scopes=ADMIN, budget={"usd_total": 1.0})
    for body in (b'{"scopes": ["inference", "admin:keys", "stop"]}', b'{"budget": {"usd_total": 2.0}}'):
        with pytest.raises(BeyondRights):
            node.desk.change(maker.key.id, maker.key.id, KeyPatch.read(body))
    less = node.desk.change(maker.key.id, maker.key.id, KeyPatch.read(b'{"budget": {"usd_total": 0.5}}'))
    assert less.rights.budget.usd_total == 0.5


def test_a_key_of_others_can_only_get_less(node: Node) -> None:
    """A sibling's budget is not paid by who changes it: it may be cut and ended, not raised, nor its text renewed."""
    one = node.make(scopes=ADMIN, budget={"usd_total": 10.0})
    other = node.make(budget={"usd_total": 1.0}, scopes=frozenset({"inference"}))
    with pytest.raises(BeyondRights):
        node.desk.change(one.key.id, other.key.id, KeyPatch.read(b'{"budget": {"usd_total": 5.0}}'))
    with pytest.raises(BeyondRights):
        node.desk.rotate(one.key.id, other.key.id, Rotation())
    node.desk.change(one.key.id, other.key.id, KeyPatch.read(b'{"budget": {"usd_total": 0.5}}'))
    assert [key.id for key in node.desk.revoke(one.key.id, other.key.id, Revocation())] == [other.key.id]
    own = node.make(one.key.id, budget={"usd_total": 1.0})
    node.desk.change(one.key.id, own.key.id, KeyPatch.read(b'{"budget": {"usd_total": 5.0}}'))
    assert node.desk.rotate(one.key.id, own.key.id, Rotation()).key.id == own.key.id


def test_nobody_ends_or_cuts_the_key_that_made_it(node: Node) -> None:
    """Found by an attacker: a key with all its maker's rights ended the maker, and lived on and made keys."""
    root = node.make(scopes=ADMIN)
    child = node.make(root.key.id, scopes=ADMIN)
    leaf = node.make(child.key.id, scopes=ADMIN)
    for above in (root, child):
        for call in (
            lambda key=above.key.id: node.desk.revoke(leaf.key.id, key, Revocation(with_minted=True)),
            lambda key=above.key.id: node.desk.change(
                leaf.key.id, key, KeyPatch.read(b'{"limits": {"concurrent": 1}}')
            ),
            lambda key=above.key.id: node.desk.rotate(leaf.key.id, key, Rotation()),
        ):
            with pytest.raises(BeyondRights):
                call()
    assert [node.caller(one).key_id for one in (root, child)] == [root.key.id, child.key.id]
    assert [key.id for key in node.desk.revoke(leaf.key.id, leaf.key.id, Revocation())] == [leaf.key.id]


def test_a_stronger_key_is_out_of_reach(node: Node) -> None:
    """Who has less can neither change nor end nor renew who has more."""
    weak, strong = node.make(scopes=ADMIN), node.make(scopes=ADMIN | {"stop"})
    calls = (
        lambda: node.desk.change(weak.key.id, strong.key.id, KeyPatch.read(b'{"name": "x"}')),
        lambda: node.desk.revoke(weak.key.id, strong.key.id, Revocation()),
        lambda: node.desk.rotate(weak.key.id, strong.key.id, Rotation()),
    )
    for call in calls:
        with pytest.raises(BeyondRights):
            call()


def test_a_revoked_or_plain_key_manages_nothing(node: Node) -> None:
    """Who asks is looked up inside of the change, whatever the memory of a node still says."""
    gone, plain = node.make(scopes=ADMIN), node.make()
    node.desk.revoke("", gone.key.id, Revocation())
    for actor in (gone.key.id, plain.key.id, "nobody"):
        with pytest.raises(BeyondRights):
            node.make(actor)
        with pytest.raises(BeyondRights):
            node.desk.keys(actor)


def test_keys_below_end_with_it_where_asked(node: Node) -> None:
    """`with_minted` ends the whole tree, and nothing beside it."""
    root = node.make(scopes=ADMIN)
    child = node.make(root.key.id, scopes=ADMIN)
    leaf, aside = node.make(child.key.id), node.make()
    assert {key.id for key in node.desk.revoke("", root.key.id, Revocation(with_minted=True))} == {
        root.key.id, child.key.id, leaf.key.id,
    }  # fmt: skip
    assert node.caller(aside).key_id == aside.key.id
    assert isinstance(node.gate.identify(b"Bearer " + leaf.text.encode()), Refusal)
    with pytest.raises(UsageError, match="revoked"):
        node.desk.rotate("", leaf.key.id, Rotation())


def test_keys_make_keys_only_so_deep(node: Node) -> None:
    """The walk from a key to the ones that pay for it stays short."""
    actor = ""
    for _ in range(8):
        actor = node.make(actor, scopes=ADMIN).key.id
    with pytest.raises(BeyondRights, match="deep"):
        node.make(actor)


def test_what_cannot_be_recorded_is_not_done(node: Node) -> None:
    """A recorder that fails undoes the change."""

    def refuse(_event: str, _facts: Mapping[str, object]) -> None:
        raise WeighbridgeError("the disk is full")

    desk = KeyDesk(node.state, PEPPER, refuse)
    with pytest.raises(WeighbridgeError, match="disk is full"):
        desk.create("", KeyOrder.of(name="unseen"))
    assert node.desk.keys("") == ()


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"null", b'"x"', b'{"name": "a", "id": "wb"}', b'{"name": "a", "parent": ""}',
        b'{"name": "a", "user_role": "admin"}', b'{"name": "a", "allowed_routes": ["*"]}',
        b'{"name": "a", "name": "b"}', b'{"name": ""}', b'{"name": "a\\u001b[31m"}', b'{"name": 1}',
        b'{"name": "a\\u202eb"}', b'{"name": "a\\u2028b"}', b'{"name": "a\\u2066"}', b'{"name": "\\u200ba"}',
        b'{"name": "\\ufeff"}', b'{"name": "\\udb40\\udc41"}',
        b'{"name": "a", "tenant": "Red"}', b'{"name": "a", "tenant": "a/b"}', b'{"name": "a", "scopes": []}',
        b'{"name": "a", "scopes": ["god"]}', b'{"name": "a", "scopes": "inference"}',
        b'{"name": "a", "budget": {"usd_total": NaN}}', b'{"name": "a", "budget": {"usd_total": -1}}',
        b'{"name": "a", "budget": {"usd_total": 1e999}}', b'{"name": "a", "budget": {"usd_total": "1"}}',
        b'{"name": "a", "limits": {"requests_per_minute": 0}}', b'{"name": "a", "limits": {"concurrent": true}}',
        b'{"name": "a", "expires_at": "2027-01-01"}', b'{"name": "a", "expires_at": "2027-01-01T00:00:00"}',
        b'{"name": "' + b"a" * MOST_BODY_BYTES + b'"}', b'{"name": "a", "limits": {"rpm": 1}}', b"\xff", b"{" * 10_000,
    ],
)  # fmt: skip
def test_a_form_takes_its_fields_and_nothing_else(body: bytes) -> None:
    """Field by field: what is not named, bent, doubled or out of range is refused."""
    with pytest.raises(UsageError):
        KeyOrder.read(body)


def test_a_patch_has_no_tenant() -> None:
    """A key never changes its tenant."""
    with pytest.raises(UsageError, match="tenant"):
        KeyPatch.read(b'{"tenant": "blue"}')


def test_a_key_of_another_tenant_is_not_there(node: Node) -> None:
    """What another tenant has cannot be told from what nobody has."""
    red = node.make(tenant="red", scopes=ADMIN)
    blue = node.make(tenant="blue", scopes=frozenset({"inference"}))
    with pytest.raises(NotFound) as there:
        node.desk.key(red.key.id, blue.key.id)
    with pytest.raises(NotFound) as nowhere:
        node.desk.key(red.key.id, "a" * 12)
    assert there.value.message == nowhere.value.message
    assert [key.id for key in node.desk.keys(red.key.id)] == [red.key.id]
