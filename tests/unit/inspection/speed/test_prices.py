from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.speed.prices import prices_of

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "catalogue,provider,model,usd_per_mtok_input,usd_per_mtok_output,withdrawn\n"


def test_a_users_prices_stand_beside_those_that_ship(tmp_path: Path) -> None:
    """A contract's price is found by the model's name, a withdrawn one is gone, and one without output is no price."""
    (tmp_path / "prices.csv").write_text(
        f"{HEAD}our contract 2026-11,acme,deepseek-v3,0.1,0.2,\n"
        "our contract 2026-11,beta,deepseek-v3,0.1,,\n"
        "litellm 1.109.1,deepseek,deepseek-v3,,,yes\n"
    )
    shipped = {price.host: price.source for price in prices_of("deepseek-ai/DeepSeek-V3")}
    own = {price.host: price.source for price in prices_of("deepseek-ai/DeepSeek-V3", tmp_path)}
    assert own.pop("acme") == "our contract 2026-11"
    assert "deepseek" in shipped
    assert own == {host: source for host, source in shipped.items() if host != "deepseek"}
