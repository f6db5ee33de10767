"""The intended use that licence terms are judged against. What is not said is None, and never taken for a no."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

__all__ = ["EU", "FIELDS", "USD_PER_EUR", "IntendedUse", "Offer"]

Offer = Literal["internal", "product", "hosted-api", "resale", "assistant"]

# Widest range of the ECB's reference rate since 2015 (0.96 in 2022, 1.25 in 2018), with room on either side.
USD_PER_EUR = (0.90, 1.35)

EU = frozenset({
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
    "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
})  # fmt: skip

FIELDS: dict[str, str] = {
    "automated-decisions": "decisions about people's rights or access, without a person in between",
    "biometric": "recognition of persons by their bodies",
    "credit": "creditworthiness",
    "critical-infrastructure": "running power, water, transport or other critical infrastructure",
    "disinformation": "false content meant to deceive or to sway elections",
    "education": "admission or marking of students",
    "employment": "choosing or ranking of job applicants and employees",
    "insurance": "terms or prices of insurance",
    "justice": "administration of justice",
    "law-enforcement": "police work",
    "malware": "malicious code",
    "medical-advice": "medical advice or reading of medical results",
    "migration": "migration and asylum",
    "military": "military work of any kind",
    "minors": "anything that exploits or harms minors",
    "personal-data": "generating or collecting personal data that can harm people",
    "professional-advice": "legal, financial, medical or other advice of a licensed profession",
    "sexual-content": "sexually explicit content",
    "surveillance": "watching people",
    "unlabelled-content": "publishing machine-made content without saying so",
    "unlawful": "anything unlawful where it is done",
    "weapons": "weapons, explosives, nuclear or chemical material",
}


@dataclass(frozen=True, slots=True)
class IntendedUse:
    """What a company wants to do with a model. Amounts in `_usd` are US dollars, in `_eur` euros.

    `seat` and `users` are ISO 3166 codes; `users` None or empty: not said. `fields` None: not said; empty: none of
    them. `group_*` and `daily_users` count the company and its affiliates, the other figures the product that the
    model serves. Revenue is that of the last 12 months, `monthly_revenue_usd` that of the product's best month.
    `commercial` None: taken from `offer`, where an internal use is neither.
    """

    offer: Offer | None = None
    commercial: bool | None = None
    seat: str | None = None
    users: tuple[str, ...] | None = None
    fields: tuple[str, ...] | None = None
    fine_tunes: bool | None = None
    distils: bool | None = None
    trains_others: bool | None = None
    distributes: bool | None = None
    company_revenue_eur: float | None = None
    group_revenue_eur: float | None = None
    group_revenue_usd: float | None = None
    annual_revenue_usd: float | None = None
    monthly_revenue_usd: float | None = None
    monthly_users: float | None = None
    group_monthly_users: float | None = None
    daily_users: float | None = None

    @property
    def is_commercial(self) -> bool | None:
        """Whether the use aims at gain; an internal one only where it is said, for licences differ on it."""
        if self.commercial is not None:
            return self.commercial
        return None if self.offer in {None, "internal"} else True

    @property
    def is_business(self) -> bool | None:
        """Whether a business uses it, internally or not: so unless it is said not to be commercial."""
        if self.commercial is not None:
            return self.commercial
        return None if self.offer is None else True

    @property
    def reaches_others(self) -> bool | None:
        """Whether people outside the company use it."""
        if self.distributes:
            return True
        return None if self.offer is None else self.offer != "internal"

    @property
    def hands_over(self) -> bool | None:
        """Whether weights, changed or not, are handed to others; an offer over the network alone does not."""
        if self.distributes is not None:
            return self.distributes
        return {"internal": False, "hosted-api": False, "resale": True}.get(self.offer or "")

    @property
    def trains_models(self) -> bool | None:
        """Whether another model learns from this one or its outputs."""
        said = (self.distils, self.trains_others)
        return True if True in said else None if None in said else False

    @property
    def group_revenue(self) -> tuple[float, float]:
        """Lowest and highest revenue of the group in US dollars; a euro figure is as wide as the rate has been.

        The company's own revenue is a lower bound only: its affiliates' is not in it.
        """
        if self.group_revenue_usd is not None:
            return self.group_revenue_usd, self.group_revenue_usd
        low, high = USD_PER_EUR
        if self.group_revenue_eur is not None:
            return self.group_revenue_eur * low, self.group_revenue_eur * high
        return (self.company_revenue_eur or 0.0) * low, math.inf
