"""Read `gateway.toml`: bounded, strict, whole or not at all."""

from __future__ import annotations

import hashlib
import ipaddress
import tomllib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from weighbridge.core.reference import Reference
from weighbridge.errors import BadReference, UsageError
from weighbridge.formats.bounded_file import read_small
from weighbridge.formats.place import quote
from weighbridge.pilot.admission.configuration.form import FileForm
from weighbridge.pilot.admission.configuration.mistakes import refusal, refuse_secrets
from weighbridge.pilot.admission.configuration.plan import (
    LATEST,
    AlarmPlan,
    CanaryPlan,
    GatewayFile,
    LegPlan,
    RoutePlan,
    ShadowPlan,
    Unverified,
)
from weighbridge.pilot.admission.configuration.prices import price_of
from weighbridge.pilot.route import (
    Allowance,
    CanaryTerms,
    JudgeTerms,
    ObserveTerms,
    ShadowTerms,
    UpstreamSettings,
)

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.pilot.admission.configuration.form import (
        CanaryForm,
        LegForm,
        RouteForm,
        ShadowForm,
        UpstreamForm,
    )

__all__ = ["load_gateway_file", "parse_gateway_file"]

_MAX_BYTES = 1 << 20
_MAX_PORT = 65_535
_SMALLEST = (
    'the smallest is: [[route]] name = "NAME", decision = "ID of `weighbridge decide`", '
    '[route.upstream] url = "http://127.0.0.1:8080/v1", model = "NAME THERE" (a line each; docs/howto/admit-a-model.md)'
)


def load_gateway_file(path: Path) -> GatewayFile:
    """Read `gateway.toml`; paths in it are relative to its folder.

    Raises UsageError that names file, table and key of the first thing that is wrong. Nothing is asked of a network.
    """
    if not path.exists():
        raise UsageError(f"{quote(str(path))} is not there", hint=_SMALLEST)
    return parse_gateway_file(read_small(path, _MAX_BYTES), path)


def parse_gateway_file(data: bytes, path: Path) -> GatewayFile:
    """Read the bytes of `gateway.toml`; `path` names it in errors, and its folder is where its paths begin."""
    place = str(path)
    tables = _tables(data, place)
    refuse_secrets(tables, place)
    try:
        form = FileForm.model_validate(tables)
    except ValidationError as error:
        raise refusal(error, tables, place) from None
    host, port = _listen(form.gateway.listen, place)
    workspace = path.parent / form.gateway.workspace
    knowledge = workspace / "knowledge"
    reader = _Reader(place, path.parent.absolute(), knowledge if knowledge.is_dir() else None)
    routes = tuple(reader.route(route, number) for number, route in enumerate(form.route, 1))
    names = [route.name for route in routes]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"{quote(place)}: two routes are named `{twice}`", hint="callers could not tell them apart")
    alarm = form.gateway.alarm
    return GatewayFile(
        path=path,
        digest=f"sha256:{hashlib.sha256(data).hexdigest()}",
        host=host,
        port=port,
        workspace=workspace,
        routes=routes,
        limits=form.gateway.limits.model_dump(exclude_none=True),
        alarm=AlarmPlan(
            alarm.webhook_env or "", alarm.secret_env or "", alarm.reopens, alarm.grace_hours * 3600.0, alarm.language
        ),
    )


def _tables(data: bytes, place: str) -> dict[str, Any]:
    """Read TOML; the error says the line."""
    try:
        return tomllib.loads(data.decode("utf-8"))
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        raise UsageError(f"{quote(place)} is not TOML: {quote(message[:1].lower() + message[1:])[1:-1]}") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{quote(place)}, line {line}: is not UTF-8") from None
    except (ValueError, RecursionError):
        # tomllib lets through what Python says of a number with thousands of digits or of endless nesting
        raise UsageError(f"{quote(place)} is not TOML that can be read: a number or a nesting is too large") from None


def _listen(text: str, place: str) -> tuple[str, int]:
    """Split `127.0.0.1:8080` or `[::1]:8080`."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not (port.isascii() and port.isdigit()) or not 0 <= int(port[:6]) <= _MAX_PORT:
        raise UsageError(f"{quote(place)}, `[gateway]`: `listen` is no address", hint="as in `127.0.0.1:8080`")
    return host, int(port)


class _Reader:
    """From forms to plans; what only several keys together can tell is checked here."""

    def __init__(self, place: str, folder: Path, knowledge: Path | None) -> None:
        self._place = place
        self._folder = folder
        self._knowledge = knowledge

    def route(self, form: RouteForm, number: int) -> RoutePlan:
        """Read one route."""
        where = f"{quote(self._place)}, route {number} (`{form.name}`)"
        shadow, canary = form.shadow, form.canary
        return RoutePlan(
            name=form.name,
            primary=self._leg(form, where),
            fallbacks=tuple(self._leg(one, f"{where}, fallback {nth}") for nth, one in enumerate(form.fallback, 1)),
            shadow=self._shadow(shadow, f"{where}, shadow") if shadow else None,
            canary=self._canary(canary, f"{where}, canary") if canary else None,
            retries=form.retries,
            observe=ObserveTerms(**form.observe.model_dump()),
        )

    def _shadow(self, form: ShadowForm, where: str) -> ShadowPlan:
        """Read a shadow."""
        judge = form.judge
        terms = ShadowTerms(
            share=form.share,
            allowance=Allowance(form.usd_per_day, form.calls_per_day),
            keep_texts=form.keep_texts,
            margin=form.margin,
            judge=JudgeTerms(
                self._upstream(judge.upstream, f"{where}.judge"), Allowance(judge.usd_per_day, judge.calls_per_day)
            )
            if judge
            else None,
            embedding=self._upstream(form.embedding, f"{where}.embedding") if form.embedding else None,
        )
        return ShadowPlan(self._leg(form, where), terms)

    def _canary(self, form: CanaryForm, where: str) -> CanaryPlan:
        """Read a canary."""
        if sorted(set(form.steps)) != form.steps:
            raise UsageError(f"{where}: the `steps` do not rise", hint="as in `steps = [0.05, 0.25, 1]`")
        terms = CanaryTerms(tuple(form.steps), form.margin, form.alpha, form.hold_s, form.late_s)
        return CanaryPlan(self._leg(form, where), terms)

    def _leg(self, form: LegForm, where: str) -> LegPlan:
        """Read one leg."""
        is_latest = form.decision == LATEST
        if is_latest and not (form.reference and form.policy):
            raise UsageError(
                f'{where}: `decision = "latest"` needs `reference` and `policy`',
                hint="which model, and by which policy: otherwise anybody's decision about anything would count",
            )
        if not is_latest and (form.reference or form.policy):
            raise UsageError(
                f"{where}: `reference` and `policy` say nothing beside the id of a decision",
                hint='leave them out, or write `decision = "latest"`',
            )
        if form.reference and not form.reference.startswith("sha256:"):
            try:
                Reference.parse(form.reference)
            except BadReference as error:
                raise UsageError(f"{where}: `reference`: {error.message}", hint=error.hint) from None
        return LegPlan(
            upstream=self._upstream(form.upstream, where),
            decision=form.decision.removeprefix("sha256:"),
            reference=form.reference or "",
            policy=form.policy or "",
            accepts=tuple(form.accept_conditions),
            mirror=str(self._folder / form.mirror) if form.mirror else "",
            fingerprint=(form.fingerprint or "").removeprefix("sha256:"),
            unverified=_unverified(form, where),
        )

    def _upstream(self, form: UpstreamForm, where: str) -> UpstreamSettings:
        """Read where a model is served."""
        return UpstreamSettings(
            url=_address(form.url, where),
            model=form.model,
            key_variable=form.key_env or "",
            price=price_of(form.price, where, self._knowledge),
            connect_s=form.connect_s,
            idle_s=form.idle_s,
            total_s=form.total_s,
        )


def _unverified(form: LegForm, where: str) -> Unverified | None:
    """Read whether a leg may be served unverified; never without a reason and a last day."""
    if form.unverified == "refuse" and not form.unverified_because and not form.unverified_until:
        return None
    if form.unverified == "refuse" or not form.unverified_because or not form.unverified_until:
        raise UsageError(
            f"{where}: `unverified` is half said",
            hint='`unverified = "allow"` goes with `unverified_because = "..."` and `unverified_until = 2026-12-31`',
        )
    return Unverified(form.unverified_because, form.unverified_until)


def _address(url: str, where: str) -> str:
    """Return a base URL without its last `/`; what is no plain address of a server is refused, and not repeated."""
    problem = "is no address"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
        if parts.username is not None or parts.password is not None:
            problem = "carries a user name or password"
        elif parts.query or parts.fragment or "?" in url or "#" in url:
            problem = "carries a query or a fragment"
        elif host and parts.scheme in {"http", "https"} and url.isascii() and " " not in url and "\\" not in url:
            problem = "is a link-local address" if _is_link_local(host) else ""
    except ValueError:
        pass
    if problem:
        raise UsageError(f"{where}: `url` of the upstream {problem}", hint="as in `http://127.0.0.1:8000/v1`")
    return url.rstrip("/")


def _is_link_local(host: str) -> bool:
    """Whether an address is one of those where clouds hand out credentials (169.254.169.254)."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_link_local or mapped.is_multicast or mapped.is_unspecified)
