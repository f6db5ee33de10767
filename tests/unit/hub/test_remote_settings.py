from __future__ import annotations

from pathlib import Path

import pytest

from weighbridge.errors import UsageError
from weighbridge.hub.remote.settings import RemoteSettings


def _read(**environment: str) -> RemoteSettings:
    return RemoteSettings.from_environment("HF_ENDPOINT", "https://huggingface.co", ("HF_TOKEN",), environment)


def test_the_environment_says_where_and_how_much() -> None:
    """Address, token, cache and budget are read from it; defaults are the public hub and 8 MB."""
    assert (_read().endpoint, _read().token, _read().budget_bytes) == ("https://huggingface.co", None, 8_000_000)
    found = _read(
        HF_ENDPOINT="http://mirror:8080/", HF_TOKEN=" hf_x\n", XDG_CACHE_HOME="/c", WEIGHBRIDGE_REMOTE_MEGABYTES="2.5"
    )
    assert (found.endpoint, found.host, found.token) == ("http://mirror:8080", "mirror_8080", "hf_x")
    assert (found.cache, found.budget_bytes) == (Path("/c/weighbridge/hub"), 2_500_000)


@pytest.mark.parametrize("name", ["WEIGHBRIDGE_OFFLINE", "HF_HUB_OFFLINE"])
@pytest.mark.parametrize(("value", "is_offline"), [("1", True), ("true", True), ("0", False), ("", False)])
def test_the_offline_switch(name: str, value: str, is_offline: bool) -> None:
    """Weighbridge's own switch, and the one that the hub's client knows."""
    assert _read(**{name: value}).is_offline == is_offline


@pytest.mark.parametrize(
    "address",
    ["huggingface.co", "ftp://x", "http://", "http://user:pass@x", "http://x:99999", "http://x/?q=1", "http://[x"],
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    """The message names the variable, and repeats no password."""
    with pytest.raises(UsageError, match="HF_ENDPOINT") as caught:
        _read(HF_ENDPOINT=address)
    assert "pass" not in caught.value.message


@pytest.mark.parametrize("number", ["many", "0", "-1", "1e9", "nan"])
def test_a_budget_that_cannot_be_meant_is_refused(number: str) -> None:
    """Between 1 and 1000 megabytes."""
    with pytest.raises(UsageError, match="WEIGHBRIDGE_REMOTE_MEGABYTES"):
        _read(WEIGHBRIDGE_REMOTE_MEGABYTES=number)


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "x" * 5000, "schlüssel"])
def test_a_token_that_is_none_is_refused_unseen(token: str) -> None:
    """It would break the header it goes into; the message does not repeat it."""
    with pytest.raises(UsageError) as caught:
        _read(HF_TOKEN=token)
    assert token not in f"{caught.value.message}{caught.value.hint}"


def test_a_token_is_not_shown() -> None:
    """Not even where the settings are."""
    assert "hf_secret" not in repr(_read(HF_TOKEN="hf_secret"))
