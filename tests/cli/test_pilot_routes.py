"""`weighbridge pilot routes` as a user runs it: what is open, what is not, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

FILE = """
[[route]]
name = "small"
decision = "latest"
reference = "{reference}"
policy = "pilot"
{more}
upstream = {{ url = "http://127.0.0.1:9/v1", model = "small" }}
"""


def test_from_a_folder_to_an_open_route(weighbridge: Any, tmp_path: Path) -> None:
    """Mirror, decide, name it: open; write over the weights: refused, with the file's name and what to do."""
    mirror, decision = weighbridge.adopt_mirror()
    (tmp_path / "gateway.toml").write_text(FILE.format(reference=mirror, more=f'mirror = "{mirror}"'))
    (row,) = weighbridge.json("pilot", "routes")["routes"]
    assert (row["is_open"], row["verdict"], row["why"]) == (True, "adopt", "")
    assert row["digest"] == decision["subject"]
    (tmp_path / mirror / "config.json").write_text("{ }")
    done = weighbridge("pilot", "routes")
    assert done.returncode == 0
    assert "refused" in done.stdout
    assert "changed `config.json`; mirror it again" in " ".join(done.stdout.split())
    assert "price: not stated" in done.stdout
    assert "0 of 1 open" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("Next: ")


def test_a_missing_and_a_wrong_file(weighbridge: Any, tmp_path: Path) -> None:
    """Both leave with 2: the one says where it was looked for, the other where it is wrong."""
    assert weighbridge("pilot", "routes").returncode == 2
    (tmp_path / "gateway.toml").write_text(FILE.format(reference="hf:a/b", more='mirrror = "m"'))
    done = weighbridge("pilot", "routes")
    assert done.returncode == 2
    assert "route 1 (`small`): key `mirrror` is not known" in done.stderr
    assert "did you mean `mirror`?" in done.stderr


def test_what_a_missing_price_means_is_said_for_each_leg(weighbridge: Any, tmp_path: Path) -> None:
    """Callers pay for no shadow; a canary without a price does not serve budgets; a primary refuses them."""
    leg = 'decision = "0123456789ab"\nupstream = { url = "http://127.0.0.1:9/v1", model = "m" }\n'
    (tmp_path / "gateway.toml").write_text(
        f'[[route]]\nname = "a"\n{leg}[route.shadow]\nshare = 0.1\n{leg}[route.canary]\nsteps = [0.1]\n{leg}'
    )
    said = " ".join(weighbridge("pilot", "routes").stdout.split())
    for text in (
        "keys with a budget in money are refused here", "keys with a budget in money are not served by it",
        "callers do not pay for it",
    ):  # fmt: skip
        assert said.count(text) == 1, text
