"""`gateway.toml`: read whole or refused, with file, table and key, and never with a secret in it."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.errors import UsageError
from weighbridge.gateway.request.bounds import Bounds
from weighbridge.knowledge.load import load_knowledge
from weighbridge.pilot.admission.configuration.form import LimitsForm
from weighbridge.pilot.admission.configuration.plan import AlarmPlan, Unverified
from weighbridge.pilot.admission.file import load_gateway_file, parse_gateway_file

PLACE = Path("/etc/wb/gateway.toml")
HEAD = '[gateway]\nlisten = "[::1]:9000"\nworkspace = "w"\n'
ROUTE = '[[route]]\nname = "a"\ndecision = "0123456789ab"\n'
UPSTREAM = 'upstream = { url = "http://h:1/v1/", model = "m" }\n'
LATEST = ROUTE.replace("0123456789ab", "latest")
PRICED = "upstream = {{ url = 'http://h/v1', model = 'm', price = {{ {} }} }}"
CANARY = "canary = {{ decision = '0123456789ab', steps = [1, 0.5], {} }}"


def read(text: str) -> object:
    """Read a file's text."""
    return parse_gateway_file(text.encode(), PLACE)


def refused(text: str) -> str:
    """Return how a text is refused: message and hint."""
    with pytest.raises(UsageError) as caught:
        read(text)
    return f"{caught.value.message} | {caught.value.hint}"


@pytest.mark.parametrize(
    ("steps", "more", "words"),
    [
        ("[10, 50]", "", ("`steps[1]` must be at most 1 |", "0.1, 0.5, 1]` is 10%")),
        ("[]", "", ("`steps` is shorter than it may be: the least length is 1 |", "shares that rise")),
        ("[0.1]", "alpha = 5", ("`alpha` must be at most 0.2 |", "0.05 is 5%")),
    ],
)
def test_a_number_out_of_bounds_is_said_with_its_bound_and_its_unit(
    steps: str, more: str, words: tuple[str, ...]
) -> None:
    """Found by a user: percents are no shares, and the words of a library say neither."""
    text = refused(
        f"{HEAD}{ROUTE}{UPSTREAM}[route.canary]\ndecision = '0123456789ab'\nsteps = {steps}\n{more}\n{UPSTREAM}"
    )
    for one in words:
        assert one in text, text
    assert "input should" not in text


def test_a_whole_file() -> None:
    """Every table; paths are relative to the file, an address loses its last stroke, prices are per million tokens."""
    file = parse_gateway_file(
        f"""{HEAD}[gateway.limits]
body_bytes = 4096
stall_s = 2
{ROUTE}mirror = "m"
fingerprint = "weighed"
accept_conditions = ["x"]
retries = 0
unverified = "allow"
unverified_because = "we built it"
unverified_until = 2026-12-01
[route.upstream]
url = "https://h/v1/"
model = "m"
key_env = "K"
price = {{ input = 1, output = 2.5 }}
[[route.fallback]]
decision = "sha256:{"0" * 64}"
{UPSTREAM}
[route.shadow]
decision = "latest"
reference = "hf:a/b"
policy = "p"
share = 0.05
usd_per_day = 2.0
{UPSTREAM}
[route.canary]
decision = "0123456789ab"
steps = [0.05, 0.5, 1]
{UPSTREAM}""".encode(),
        PLACE,
    )
    assert (file.host, file.port, file.workspace) == ("::1", 9000, Path("/etc/wb/w"))
    assert Bounds(**file.limits) == Bounds(body_bytes=4096, stall_s=2)
    (route,) = file.routes
    assert [role for role, _ in route.legs()] == ["primary", "canary", "fallback-1", "shadow"]
    leg = route.primary
    assert (leg.upstream.url, leg.upstream.key_variable, leg.mirror) == ("https://h/v1", "K", "/etc/wb/m")
    assert (leg.upstream.price.usd_per_mtok_output, leg.upstream.price.is_known) == (2.5, True)
    assert leg.unverified == Unverified("we built it", date(2026, 12, 1))
    assert not route.fallbacks[0].upstream.price.is_known
    assert route.canary is not None
    assert route.canary.terms.steps == (0.05, 0.5, 1.0)
    assert route.shadow is not None
    assert (route.shadow.terms.share, route.shadow.terms.allowance.usd_per_day) == (0.05, 2.0)


def test_limits_are_the_gateways() -> None:
    """The form names each bound of the gateway, and no other."""
    assert set(LimitsForm.model_fields) == {field.name for field in fields(Bounds)}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ("`/etc/wb/gateway.toml`", "`route` is missing", "[[route]]")),
        ("[gateway\n", ("is not TOML", "line 1")),
        ("a = 1\n" + ROUTE + UPSTREAM, ("key `a` is not known", "`gateway`, `route`")),
        ("[gateway]\nlissten = 'x'\n" + ROUTE + UPSTREAM, ("`[gateway]`: key `lissten`", "did you mean `listen`?")),
        ("[gateway]\nlisten = 'x'\n" + ROUTE + UPSTREAM, ("`listen` is no address",)),
        ("[gateway]\nlisten = 'h:99999'\n" + ROUTE + UPSTREAM, ("`listen` is no address",)),
        ("[gateway.limits]\nbody_bytes = true\n" + ROUTE + UPSTREAM, ("`[gateway.limits]`: key `body_bytes`",)),
        ("[gateway.limits]\nstall_s = inf\n" + ROUTE + UPSTREAM, ("key `stall_s`",)),
        (ROUTE, ("route 1 (`a`): key `upstream` is missing", "url")),
        (ROUTE + "upstream = { url = 'http://h', modell = 'm' }", ("route 1 (`a`), `route.upstream`: key `modell`",)),
        (ROUTE + UPSTREAM + ROUTE + UPSTREAM, ("two routes are named `a`",)),
        (ROUTE.replace("0123456789ab", "abcd") + UPSTREAM, ("key `decision` is not written", "12 hex digits")),
        (LATEST + UPSTREAM, ("needs `reference` and `policy`",)),
        (LATEST + UPSTREAM + "policy = 'p'\nreference = 'hf:x'", ("`reference`: `hf:x`",)),
        (ROUTE + UPSTREAM + "policy = 'p'", ("say nothing beside the id",)),
        (ROUTE + UPSTREAM + "unverified = 'allow'", ("`unverified` is half said",)),
        (ROUTE + UPSTREAM + "unverified_until = 2026-12-01", ("`unverified` is half said",)),
        (ROUTE + UPSTREAM + "unverified = 'yes'", ("key `unverified`",)),
        (ROUTE + UPSTREAM + "retries = 99", ("key `retries`",)),
        (ROUTE + UPSTREAM + "[[route.fallback]]\ndecision = 1\n" + UPSTREAM, ("`route.fallback` 1: key `decision`",)),
        (ROUTE + UPSTREAM + CANARY.format(UPSTREAM.strip()), ("do not rise",)),
        (ROUTE + UPSTREAM + "fallback = 3", ("`fallback` is not written as such a table or list",)),
        (ROUTE + PRICED.format("input = 1"), ("`price` is half a price",)),
        (ROUTE + PRICED.format("input = -1, output = 1"), ("`route.upstream.price`: key `input`",)),
        (ROUTE + PRICED.format("provider = 'deepinfraa', model = 'm'"), ("no prices of `deepinfraa`", "`deepinfra`")),
        (ROUTE + "a = " + "[" * 5000 + "]" * 5000, ("a number or a nesting is too large",)),
        (ROUTE + "a = " + "9" * 5000, ("a number or a nesting is too large",)),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(text: str, parts: tuple[str, ...]) -> None:
    """File, table, key, and what to write instead."""
    said = refused(text)
    assert all(part in said for part in ("/etc/wb/gateway.toml", *parts)), said


@pytest.mark.parametrize(
    "line",
    [
        "upstream = { url = 'http://h/v1', model = 'm', key = 'SECRET' }",
        "upstream = { url = 'http://h/v1', model = 'm', api_key = 'SECRET' }",
        "upstream = { url = 'http://h/v1', model = 'm', headers = { x = 'SECRET' } }",
        "upstream = { url = 'http://h/v1', model = 'm', key_env = 'sk-SECRET0123' }",
        "upstream = { url = 'http://h/v1', model = 'm', key_env = 'SECRET-lower' }",
        "upstream = { url = 'http://h/v1', model = 'Bearer SECRET00' }",
        "upstream = { url = 'http://me:SECRET@h/v1', model = 'm' }",
        "upstream = { url = 'http://h/v1?key=SECRET', model = 'm' }",
        "token = 'SECRET'\n" + UPSTREAM,
        "mirror = 'hf_SECRETabcdefghijklmnopqrstuvwxyz'\n" + UPSTREAM,
        "accept_conditions = ['use AKIASECRET1234567890']\n" + UPSTREAM,
    ],
)
def test_a_secret_is_refused_and_not_repeated(line: str) -> None:
    """Wherever it stands; only the name of a variable may be there."""
    assert "SECRET" not in refused(HEAD + ROUTE + line)


def test_words_are_no_secrets() -> None:
    """What only begins like a key is a word: a risk, a folder, a model."""
    mine = ROUTE + UPSTREAM + 'accept_conditions = ["A risk-assessment-is-done-by-legal"]\nmirror = "hf_mirrors/sk-1"\n'
    assert parse_gateway_file(mine.encode(), PLACE).routes[0].primary.accepts == ("A risk-assessment-is-done-by-legal",)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://h/v1", "http://", "h:8000/v1", "file:///etc/passwd", "http://169.254.169.254/latest", "http://[fe80::1]/v1",
        "http://[::ffff:169.254.169.254]/v1", "http://0.0.0.0/v1", "http://h/v1#m", "http://h:x/v1", "http://h\\@e/v1",
        "http://h /v1", "http://hé/v1", "http://[::1/v1",
    ],
)  # fmt: skip
def test_an_upstream_is_a_plain_address(url: str) -> None:
    """No other scheme, no credentials' address of a cloud, nothing that two parsers read differently."""
    assert "`url` of the upstream" in refused(f"{ROUTE}upstream = {{ url = '{url}', model = 'm' }}")


def test_a_price_is_taken_from_the_tables() -> None:
    """Of one provider and model the newest row counts, and the dearest of its day."""
    row = next(row for row in load_knowledge().prices if row.usd_per_mtok_output)
    upstream = f"url = 'http://h/v1', model = 'm', price = {{ provider = '{row.provider}', model = '{row.model}' }}"
    file = parse_gateway_file(f"{ROUTE}upstream = {{ {upstream} }}".encode(), PLACE)
    alike = [one for one in load_knowledge().prices if (one.provider, one.model) == (row.provider, row.model)]
    newest = max(one.as_of for one in alike if one.as_of)
    price = file.routes[0].primary.upstream.price
    assert price.usd_per_mtok_output == max(one.usd_per_mtok_output or 0 for one in alike if one.as_of == newest)
    assert row.provider in price.source


def test_a_price_of_the_teams_own_counts_first(tmp_path: Path) -> None:
    """Whatever the catalogues list, and however new they are."""
    row = next(row for row in load_knowledge().prices if row.usd_per_mtok_output)
    own = tmp_path / "weighbridge-work" / "knowledge"
    own.mkdir(parents=True)
    header = "catalogue,provider,model,usd_per_mtok_input,usd_per_mtok_output\n"
    (own / "prices.csv").write_text(f"{header}our contract,{row.provider},{row.model},0.001,0.002\n")
    upstream = PRICED.format(f"provider = '{row.provider}', model = '{row.model}'")
    price = parse_gateway_file((ROUTE + upstream).encode(), tmp_path / "g.toml").routes[0].primary.upstream.price
    assert (price.usd_per_mtok_input, price.usd_per_mtok_output) == (0.001, 0.002)
    assert "our contract" in price.source


def test_files_that_are_none(tmp_path: Path) -> None:
    """Missing, a folder, too large, not UTF-8: refused with a sentence."""
    large = tmp_path / "large.toml"
    large.write_bytes(b"#" * (2 << 20))
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b"# one\n# \xe9\n")
    for path in (tmp_path / "none.toml", tmp_path, large, latin):
        with pytest.raises(UsageError):
            load_gateway_file(path)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Whatever stands there, nothing but a UsageError comes of it."""
    with pytest.raises(UsageError):
        parse_gateway_file(HEAD.encode() + data, PLACE)


def test_alarms_are_told_and_timed_as_the_file_says() -> None:
    """72 hours to decide anew unless the file says otherwise; hours are none below zero, nor more than a year."""
    assert parse_gateway_file(f"{HEAD}{ROUTE}{UPSTREAM}".encode(), PLACE).alarm == AlarmPlan(grace_s=72 * 3600.0)
    text = '[gateway.alarm]\nwebhook_env = "HOOK"\nsecret_env = "SIGN"\ngrace_hours = 1.5\nreopens = false\n'
    text += 'language = "zh"\n'
    file = parse_gateway_file(f"{HEAD}{text}{ROUTE}{UPSTREAM}".encode(), PLACE)
    assert file.alarm == AlarmPlan("HOOK", "SIGN", reopens=False, grace_s=5400.0, language="zh")
    for wrong in ("grace_hours = -1", "grace_hours = 9000", "grace_hours = inf", 'webhook_env = "https://h/secret"',
                  'language = "fr"'):  # fmt: skip
        assert "alarm" in refused(f"{HEAD}[gateway.alarm]\n{wrong}\n{ROUTE}{UPSTREAM}")
