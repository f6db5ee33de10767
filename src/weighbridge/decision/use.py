"""The intended use of a policy: what it is for, by whom, where and how much; and what licence terms ask of it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from weighbridge.decision.form import UseForm, refusal
from weighbridge.errors import PolicyError, did_you_mean
from weighbridge.inspection.licence.answer.use import FIELDS, IntendedUse

if TYPE_CHECKING:
    from weighbridge.inspection.licence.answer.use import Offer

__all__ = ["Use", "parse_use", "use_of"]


class _UseFile(BaseModel):
    """A file with nothing but a use."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    use: UseForm


_OFFERS: dict[str, Offer] = {"internal": "internal", "customers": "product", "public": "product"}


@dataclass(frozen=True, slots=True)
class Use:
    """The intended use that a decision is for. `countries` and `seat` are ISO 3166 codes, `languages` BCP 47 tags.

    None means not said. Figures of users and revenue are those of `inspection.licence.answer.use.IntendedUse`.
    """

    description: str
    audience: str
    countries: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    fine_tune: bool = False
    hosted_by: str = "self"
    company_revenue_eur: int | None = None
    monthly_active_users: int | None = None
    offer: Offer | None = None
    commercial: bool | None = None
    seat: str | None = None
    fields: tuple[str, ...] | None = None
    distil: bool | None = None
    trains_other_models_on_outputs: bool | None = None
    distributes: bool | None = None
    group_revenue_eur: int | None = None
    group_revenue_usd: int | None = None
    annual_revenue_usd: int | None = None
    monthly_revenue_usd: int | None = None
    group_monthly_active_users: int | None = None
    daily_active_users: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the intended use as JSON values."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    def for_licences(self) -> IntendedUse:
        """Return what licence terms are judged against; without `offer` the audience says what is offered."""
        return IntendedUse(
            offer=self.offer or _OFFERS.get(self.audience),
            commercial=self.commercial,
            seat=self.seat,
            users=self.countries or None,
            fields=self.fields,
            fine_tunes=self.fine_tune,
            distils=self.distil,
            trains_others=self.trains_other_models_on_outputs,
            distributes=self.distributes,
            company_revenue_eur=self.company_revenue_eur,
            group_revenue_eur=self.group_revenue_eur,
            group_revenue_usd=self.group_revenue_usd,
            annual_revenue_usd=self.annual_revenue_usd,
            monthly_revenue_usd=self.monthly_revenue_usd,
            monthly_users=self.monthly_active_users,
            group_monthly_users=self.group_monthly_active_users,
            daily_users=self.daily_active_users,
        )


def use_of(form: UseForm, place: str) -> Use:
    """Take the intended use over from its form; raises PolicyError for a field of use that is not known."""
    unknown = [field for field in form.fields or () if field not in FIELDS]
    if unknown:
        raise PolicyError(
            f"`{place}` [use]: `{unknown[0]}` is no field of use",
            hint=did_you_mean(unknown[0], FIELDS) or "known: " + ", ".join(f"`{field}`" for field in FIELDS),
        )
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in form.model_dump().items()
    }
    return Use(**values)


def parse_use(text: str, place: str) -> IntendedUse:
    """Read a use from TOML: a table `[use]` as in a policy, or its keys alone; raises PolicyError with the place.

    `description` and `audience` may be left out. What does not stand there counts as not said, `fine_tune` too.
    """
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise PolicyError(f"`{place}` is not TOML: {error}") from error
    given = tables.get("use", tables)
    if not isinstance(given, dict):
        raise PolicyError(f"`{place}`: `use` is not written as a table", hint="begin it with a line `[use]`")
    file = {"use": {"description": "an intended use", "audience": "internal", **given}}
    try:
        form = _UseFile.model_validate(file)
    except ValidationError as error:
        raise refusal(error, file, place) from error
    use = use_of(form.use, place).for_licences()
    if not {"offer", "audience"} & set(given):
        use = replace(use, offer=None)
    return use if "fine_tune" in given else replace(use, fine_tunes=None)
