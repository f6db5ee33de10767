"""What may be asked of keys from outside, field by field; any other field is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from weighbridge.errors import UsageError
from weighbridge.formats.strict_json import parse_json
from weighbridge.pilot.access.keys import DEFAULT_SCOPES, SCOPES

if TYPE_CHECKING:
    from weighbridge.pilot.access.keys import Rights

__all__ = ["MOST_BODY_BYTES", "KeyOrder", "KeyPatch", "Revocation", "Rotation"]

MOST_BODY_BYTES = 64 << 10
_MOST_USD = 1e9
_MOST_UNITS = 10**9
_MOST_GRACE_S = 30 * 86_400

# no control characters, nothing that ends a line, turns text around (Bidi_Control in Unicode) or cannot be seen
_UNPRINTED = r"\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f"
Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=rf"^[^{_UNPRINTED}]*$")]
Tenant = Annotated[str, StringConstraints(pattern=r"^(\*|[a-z0-9][a-z0-9-]{0,62})$")]
RouteName = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Usd = Annotated[float, Field(ge=0, le=_MOST_USD, allow_inf_nan=False)]
Units = Annotated[int, Field(ge=1, le=_MOST_UNITS)]
Scope = Annotated[str, StringConstraints(pattern=rf"^({'|'.join(SCOPES)})$")]


class _Form(BaseModel):
    """Strict: no field that is not named, no value that must be bent into its type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    @classmethod
    def read(cls, body: bytes) -> Self:
        """Read a JSON body; raises UsageError that names the field and never what stood in it."""
        parse_json(body, "the body", max_bytes=MOST_BODY_BYTES)  # one reading only: no key twice, no NaN
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            raise _refused(error) from None

    @classmethod
    def of(cls, **fields: Any) -> Self:
        """Read fields from elsewhere; those that are None are not given. Raises UsageError."""
        try:
            return cls.model_validate({name: value for name, value in fields.items() if value is not None})
        except ValidationError as error:
            raise _refused(error) from None


class LimitsForm(_Form):
    """Limits; null is none."""

    requests_per_minute: Units | None = None
    tokens_per_minute: Units | None = None
    concurrent: Units | None = None


class BudgetForm(_Form):
    """Budgets in US dollars; null is none."""

    usd_per_day: Usd | None = None
    usd_per_month: Usd | None = None
    usd_total: Usd | None = None


class KeyPatch(_Form):
    """Changes to a key; what is not named stays, also inside of `limits` and `budget` (RFC 7396)."""

    name: Name = "-"
    scopes: Annotated[frozenset[Scope], Field(min_length=1)] = DEFAULT_SCOPES
    models: Annotated[frozenset[RouteName], Field(max_length=1000)] | None = None
    expires_at: AwareDatetime | None = None
    limits: LimitsForm = LimitsForm()
    budget: BudgetForm = BudgetForm()

    def applied(self, rights: Rights) -> Rights:
        """Return rights with what is named here changed."""
        given: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set & {"scopes", "models"}}
        if "expires_at" in self.model_fields_set:
            given["expires_at"] = None if self.expires_at is None else self.expires_at.timestamp()
        limits = replace(rights.limits, **self.limits.model_dump(exclude_unset=True))
        budget = replace(rights.budget, **self.budget.model_dump(exclude_unset=True))
        return replace(rights, limits=limits, budget=budget, **given)


class KeyOrder(KeyPatch):
    """A key to be made. What is not named is as with its maker; of the scopes only `inference` and `models`."""

    name: Name
    tenant: Tenant | None = None

    def rights(self, maker: Rights, tenant: str) -> Rights:
        """Return the rights that are asked for; `tenant` is that of a key that names none."""
        return self.applied(replace(maker, tenant=self.tenant or tenant, scopes=DEFAULT_SCOPES & maker.scopes))


class Rotation(_Form):
    """A new secret for a key; the old one goes on for `grace_s` seconds."""

    grace_s: Annotated[int, Field(ge=0, le=_MOST_GRACE_S)] = 0


class Revocation(_Form):
    """The end of a key, `with_minted` also of all keys that it made, and those made."""

    with_minted: bool = False


def _refused(error: ValidationError) -> UsageError:
    """Say what is wrong with the first field that is."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    path = ".".join(str(part) for part in first["loc"])[:100]
    place = f"the field `{path}`" if path else "the body"
    if first["type"] == "extra_forbidden":
        return UsageError(f"{place} is not known here")
    if first["type"] == "string_pattern_mismatch":
        known = (
            f"known scopes: {', '.join(SCOPES)}" if path.startswith("scopes") else _FORMS.get(path.partition(".")[0])
        )
        return UsageError(f"{place} has a form that is not allowed", hint=known)
    return UsageError(f"{place} cannot be taken: {first['msg'][:1].lower()}{first['msg'][1:200]}")


_FORMS = {
    "name": "1 to 100 printable characters on one line",
    "tenant": "small letters, digits and `-`, as in `team-a`",
}
