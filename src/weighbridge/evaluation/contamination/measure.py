"""All probes of one suite on one model, joined so that the chance of any false hint is bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.core.digest import digest_of
from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import KINDS
from weighbridge.errors import UsageError
from weighbridge.evaluation.contamination.control import shipped_control
from weighbridge.evaluation.contamination.cutting import spread
from weighbridge.evaluation.contamination.probes import VARIANT_OF, Asking, missing_option, order, paraphrase, verbatim
from weighbridge.evaluation.marks import prepare_scorer, suite_body
from weighbridge.statistics.permutation import holm_adjusted

if TYPE_CHECKING:
    from weighbridge.engine.protocol import Engine
    from weighbridge.evaluation.run import Session
    from weighbridge.evaluation.suite import Suite

__all__ = ["KIND", "probe_suite"]

KIND = "contamination/v1"
_ALPHA = 0.05


async def probe_suite(
    suite: Suite, subject: str, engine: Engine, session: Session, *, control: Suite | None = None, most: int = 60
) -> Evidence:
    """Return `contamination/v1`: up to four probes of at most `most` questions, spread evenly over the suite.

    `control` holds questions that the model cannot have seen, like the suite's; without it those that ship stand in,
    in English and Chinese. P(any hint) <= 5% where the suite is to the model as the control is, by Holm's correction.
    Raises UsageError where no probe fits the suite.
    """
    if suite.measures != "score/v1":
        raise UsageError(f"`{suite.name}` has no right answers", hint="probe a suite that is scored")
    prepare_scorer(suite, session.progress)
    items = spread([item for item in suite.items if VARIANT_OF not in item.data], most)
    unseen = control or shipped_control(suite.language)
    asking = Asking(subject, engine, session)
    found: dict[str, dict[str, Any] | str] = {}
    if unseen is None:
        missing = _no_control(suite.language)
        found |= {"verbatim": missing, "missing-option": missing}
    else:
        found["verbatim"] = await verbatim(asking, suite, items, unseen)
        found["missing-option"] = await missing_option(asking, suite, items, unseen)
    found["order"] = await order(asking, suite, items)
    found["paraphrase"] = await paraphrase(asking, suite, items)
    body = _body(found, suite, engine, unseen, asking.calls)
    KINDS[KIND].model_validate(body)
    inputs = (
        suite.digest,
        engine.identity.digest,
        digest_of({"control": unseen.digest if unseen else None, "most": most}),
    )
    evidence = Evidence(subject, KIND, body, inputs, OURS, min(asking.oldest, session.on))
    session.store.add(evidence)
    return evidence


def _no_control(language: str) -> str:
    """Say why no control that ships stands beside a suite."""
    if language == "und":
        return (
            "the suite does not state its language, so no control is known to be like it: state `language` in its "
            "`suite.toml`, or give questions of your own with `--control`"
        )
    return f"no control ships in the language `{language}`: give questions of your own with `--control`"


def _body(
    found: dict[str, dict[str, Any] | str], suite: Suite, engine: Engine, unseen: Suite | None, calls: int
) -> dict[str, Any]:
    """Join the probes."""
    made = [probe for probe in found.values() if not isinstance(probe, str)]
    not_done = {name: probe for name, probe in found.items() if isinstance(probe, str)}
    if not made:
        raise UsageError(
            f"no probe fits `{suite.name}`", hint="; ".join(f"{name}: {why}" for name, why in not_done.items())
        )
    adjusted = holm_adjusted([probe["p_value"] for probe in made])
    probes = [{**probe, "adjusted": p, "hints": p <= _ALPHA} for probe, p in zip(made, adjusted, strict=True)]
    return {
        "suite": suite_body(suite),
        "engine": engine.identity.to_json(),
        "control_name": unseen.name if unseen else "none",
        "control_digest": unseen.digest if unseen else None,
        "alpha": _ALPHA,
        "probes": probes,
        "hinting": [probe["probe"] for probe in probes if probe["hints"]],
        "not_done": not_done,
        "calls": calls,
    }
