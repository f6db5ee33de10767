"""Figures: how numbers are written. A measured number never stands without its interval and its count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from weighbridge.core.kinds import EstimateBody

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.dossier.asked import Part
    from weighbridge.dossier.locale import Locale

__all__ = ["MEASURES", "EstimateText", "Figures", "as_estimate", "unit_of"]

Unit = Literal["share", "points", "seconds", "bytes", "count"]

# The fields of a body that hold an estimate, in the order of reading.
MEASURES = ("accuracy", "over_refusal", "harmful_refusal", "nonsense", "ttft_median_s", "ttft_p90_s", "tpot_median_s",
            "difference")  # fmt: skip

_SHARES = {
    "accuracy", "over_refusal", "harmful_refusal", "nonsense", "chance", "coverage", "p_value", "level", "win_rate",
    "judged_win_rate", "first_place", "voters_agree", "judge_first_place", "judge_flips", "drawn_with",
}  # fmt: skip
_SIZES = {"total_bytes", "bytes", "size"}
_STEPS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
_BYTE_STEPS = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


@dataclass(frozen=True, slots=True)
class EstimateText:
    """An estimate in words, in the parts that a page sets apart."""

    value: str
    interval: str
    count: str

    def __str__(self) -> str:
        """Return the parts on one line."""
        return f"{self.value} {self.interval}, {self.count}"


def unit_of(measure: str) -> Unit:
    """Return the unit that a measure's name promises (`ttft_median_s`, `weights.bytes`, `accuracy`)."""
    last = measure.rsplit(".", 1)[-1]
    if last in _SHARES:
        return "share"
    if last == "difference":
        return "points"
    if last in _SIZES or last.endswith("_bytes"):
        return "bytes"
    return "seconds" if last.endswith("_s") else "count"


def as_estimate(value: object) -> EstimateBody | None:
    """Return a JSON value as an estimate, or None where it is none."""
    try:
        return EstimateBody.model_validate(value) if isinstance(value, dict) else None
    except ValidationError:
        return None


@dataclass(frozen=True, slots=True)
class Figures:
    """Numbers and values in one language."""

    locale: Locale

    def number(self, value: float, unit: Unit, *, bare: bool = False) -> str:
        """Write one number; `bare` leaves the unit out, for the ends of an interval."""
        if unit == "share":
            return f"{100 * value:.1f}" + ("" if bare else "%")
        if unit == "points":
            text = f"{100 * value:+.1f}"
            return text if bare else self.locale("figure.points", value=text)
        if unit == "seconds":
            return f"{value:.3g}" if bare else f"{value:.3g} s"
        if unit == "bytes":
            return self._with_step(value, _BYTE_STEPS, "B")
        return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"

    def bound(self, value: float, unit: Unit) -> str:
        """Write a number that somebody chose: exact, without digits that nobody measured."""
        if unit == "share":
            return f"{100 * value:.10g}%"
        if unit == "points":
            return self.locale("figure.points", value=f"{100 * value:+.10g}")
        return self.number(value, unit)

    def parameters(self, count: int) -> str:
        """Write a parameter count as people say it, and exactly."""
        return f"{self._with_step(count, _STEPS, '')} ({count:,})"

    def estimate(self, estimate: EstimateBody, measure: str, part: Part | None = None) -> EstimateText:
        """Write an estimate with interval, count, what could not be marked, and the part of the suite asked."""
        unit = unit_of(measure)
        low, high = (self.number(end, unit, bare=True) for end in (estimate.low, estimate.high))
        count = self.locale("figure.count", n=f"{estimate.n:,}")
        if estimate.unscored:
            count += ", " + self.locale("figure.unscored", n=f"{estimate.unscored:,}")
        if part:
            count += ", " + self.locale("figure.asked", asked=f"{part.asked:,}", size=f"{part.size:,}")
        return EstimateText(self.number(estimate.value, unit), f"[{low}, {high}]", count)

    def missing(self, measure: str) -> str:
        """Write that a measurement gave no estimate of this measure."""
        return self.locale("measured.no_rate") if unit_of(measure) == "share" else f"- {self.locale('why.not_known')}"

    def value(self, value: Any, measure: str, part: Part | None = None) -> str:
        """Write any observed or demanded value; None is the dash of "not looked at"."""
        if value is None:
            return "-"
        if isinstance(value, bool):
            return self.locale("figure.yes" if value else "figure.no")
        if isinstance(value, int | float):
            return self.number(value, unit_of(measure))
        if isinstance(value, list | tuple):
            return ", ".join(self.value(part, measure) for part in value) or self.locale("figure.none")
        if found := as_estimate(value):
            return str(self.estimate(found, measure, part))
        return self._table(value) if isinstance(value, dict) else str(value)

    def demand(self, operator: str, threshold: Any, measure: str) -> str:
        """Write what a rule asks of its measure: `at least 40%`."""
        chosen = isinstance(threshold, int | float) and not isinstance(threshold, bool)
        text = self.bound(threshold, unit_of(measure)) if chosen else self.value(threshold, measure)
        key = f"operator.{operator}"
        return self.locale(key, threshold=text) if key in self.locale.words else f"{operator} {text}"

    def where(self, ruling: Mapping[str, Any]) -> str:
        """Write which evidence a rule speaks about: `suite.name = starter-knowledge-en`."""
        return ", ".join(f"{key} = {value}" for key, value in sorted(dict(ruling.get("where") or {}).items()))

    def _table(self, table: dict[str, Any]) -> str:
        """Write a table of counts: `F32 55,936; Q4_1 106,168,320`."""
        pairs = sorted(table.items(), key=lambda pair: (int(pair[0]) if pair[0].isdecimal() else 0, pair[0]))
        counted = (
            f"{name} {self.number(count, 'count') if isinstance(count, int | float) else count}"
            for name, count in pairs
        )
        return "; ".join(counted) or self.locale("figure.none")

    def _with_step(self, value: float, steps: tuple[tuple[float, str], ...], unit: str) -> str:
        """Write a number with the largest step below it."""
        for step, name in steps:
            if value >= step:
                return f"{value / step:.4g} {name}"
        return f"{value:,} {unit}".rstrip()
