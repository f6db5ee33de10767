"""Precision: one model in two number formats, by next-token distributions and, if wished, on suites."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from weighbridge.engine.late import LateEngine
from weighbridge.errors import UsageError
from weighbridge.evaluation.compare.sides import Side
from weighbridge.evaluation.precision.measure import Texts, measure_precision
from weighbridge.evaluation.precision.passages import own_passages, shipped_passages
from weighbridge.evaluation.run import Session
from weighbridge.inspection.folder import Folder
from weighbridge.inspection.lineage.tensors import open_tensors
from weighbridge.inspection.lineage.tokens import compare_tokenizers, read_tokens
from weighbridge.workflow.evaluation.compare import compare
from weighbridge.workflow.evaluation.loop import run
from weighbridge.workflow.evaluation.measure import choose_engine
from weighbridge.workflow.inspection.look import look

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.evidence import Evidence
    from weighbridge.core.progress import Progress
    from weighbridge.engine.protocol import Engine
    from weighbridge.hub.protocol import DigestCache
    from weighbridge.store.protocol import Store
    from weighbridge.workflow.evaluation.compare import Compared, Match

__all__ = ["Precision", "measure_loss"]


@dataclass(frozen=True, slots=True)
class Precision:
    """The models, `precision/v1`, and the comparisons on suites where any were named."""

    quantized: Artefact
    original: Artefact
    evidence: Evidence
    compared: Compared | None = field(default=None)


def measure_loss(
    match: Match,
    journals: Path,
    *,
    text: Path | None = None,
    store: Store,
    cache: DigestCache | None = None,
    progress: Progress,
    tell: Callable[[Evidence], None] = lambda _evidence: None,
) -> Precision:
    """Measure the quantized model (`match.candidate`) beside the original (`match.baseline`).

    Positions first, of `text` or of the texts that ship; then `match.suites`, each until it is clear, as
    `weighbridge compare` does. Raises UsageError where both are the same artefact or their vocabularies differ.
    """
    ours, theirs = (
        look(reference, on=match.on, cache=cache, store=store, progress=progress).artefact
        for reference in (match.candidate, match.baseline)
    )
    if ours.digest == theirs.digest:
        raise UsageError(
            f"`{match.candidate}` and `{match.baseline}` are the same artefact",
            hint="the original is asked twice in any case: name the original, and a quantization of it",
        )
    passages = own_passages(text) if text is not None else shipped_passages()
    texts = Texts(text.name if text is not None else "shipped texts", passages, _vocabulary(ours, theirs))
    engines = (
        _asked(ours, choose_engine(ours, match.engine)),
        _asked(theirs, choose_engine(theirs, match.baseline_engine)),
    )
    session = Session(store, match.on, progress, draw=match.draw)

    async def ask_both() -> Evidence:
        async with LateEngine(engines[0]) as engine, LateEngine(engines[1]) as other:
            pair = Side(ours.digest, ours.name, engine), Side(theirs.digest, theirs.name, other)
            return await measure_precision(*pair, texts, session)

    evidence = run(ask_both())
    tell(evidence)
    compared = (
        compare(match, journals, store=store, cache=cache, progress=progress, tell=tell) if match.suites else None
    )
    return Precision(ours, theirs, evidence, compared)


def _vocabulary(ours: Artefact, theirs: Artefact) -> str | None:
    """Say that the vocabularies are the same, None where they cannot be read; raises UsageError where they differ."""
    if ours.root is None or theirs.root is None:
        return None
    folders = Folder(ours), Folder(theirs)
    found = compare_tokenizers(ours, theirs, *(read_tokens(folder, open_tensors(folder)) for folder in folders))
    if found.verdict == "cannot tell":
        return None
    if found.verdict == "identical":
        return "the same vocabulary in both files, and equal counts of prompt tokens"
    raise UsageError(
        f"the vocabularies differ: {found.tokens} and {found.base_tokens} tokens, the first {found.equal_prefix} alike",
        hint="this compares one model in two precisions; for two models there is `weighbridge compare`",
    )


def _asked(artefact: Artefact, engine: Engine | str) -> Engine:
    """Return the engine; raises UsageError where there is none."""
    if isinstance(engine, str):
        raise UsageError(f"`{artefact.name}` cannot be asked: {engine}")
    return engine
