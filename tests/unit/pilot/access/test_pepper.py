from __future__ import annotations

import hmac
import stat
import threading
from typing import TYPE_CHECKING

import pytest

from weighbridge.errors import UsageError
from weighbridge.pilot.access.keys import digest_of_key, new_id, new_text
from weighbridge.pilot.access.pepper import PEPPER_FILE, load_pepper

if TYPE_CHECKING:
    from pathlib import Path


def test_a_pepper_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    """The first use makes 256 random bits with mode 0600; later ones, also at once, read the same."""
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(load_pepper(tmp_path / "new", {}))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert len(bytes.fromhex(found[0].decode())) == 32
    assert [path.name for path in (tmp_path / "new").iterdir()] == [PEPPER_FILE]
    assert stat.S_IMODE((tmp_path / "new" / PEPPER_FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize(("mode", "is_open"), [(0o604, True), (0o620, True), (0o600, False), (0o440, False)])
def test_a_pepper_that_others_can_read_is_refused(tmp_path: Path, mode: int, *, is_open: bool) -> None:
    """A group may read it (a secret mounted into a pod with fsGroup has mode 0440), the world may not."""
    path = tmp_path / "pepper"
    path.write_bytes(b"x" * 40 + b"\n")
    path.chmod(mode)
    environment = {"WEIGHBRIDGE_PEPPER_FILE": str(path)}
    if is_open:
        with pytest.raises(UsageError, match="open to others"):
            load_pepper(tmp_path, environment)
    else:
        assert load_pepper(tmp_path, environment) == b"x" * 40


def test_a_pepper_from_the_environment(tmp_path: Path) -> None:
    """The variable comes first; a short one is refused, and never said."""
    assert load_pepper(tmp_path, {"WEIGHBRIDGE_PEPPER": "y" * 32}) == b"y" * 32
    with pytest.raises(UsageError) as refused:
        load_pepper(tmp_path, {"WEIGHBRIDGE_PEPPER": "secretive"})
    assert "secretive" not in refused.value.message
    with pytest.raises(UsageError, match="cannot be read"):
        load_pepper(tmp_path, {"WEIGHBRIDGE_PEPPER_FILE": str(tmp_path / "nothing")})
    assert list(tmp_path.iterdir()) == []


def test_the_digest_is_hmac_sha256() -> None:
    """RFC 4231, test cases 2 and 6 (a key longer than a block), and the standard library's other way to the same."""
    assert digest_of_key(b"Jefe", b"what do ya want for nothing?").hex() == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )
    assert digest_of_key(b"\xaa" * 131, b"Test Using Larger Than Block-Size Key - Hash Key First").hex() == (
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    )
    text = new_text(new_id()).encode()
    for size in (32, 63, 64, 65):
        assert digest_of_key(b"p" * size, text) == hmac.new(b"p" * size, text, "sha256").digest()
