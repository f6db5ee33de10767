"""Hold the name that a server gives against what it loaded, its chat template, its tokenizer and its vocabulary."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from weighbridge.core.finding import Confidence
from weighbridge.inspection.templates.known import NEAR, nearest
from weighbridge.inventory.endpoint.probes import tokenizer_of
from weighbridge.inventory.origin.chain import Origins, Subject
from weighbridge.inventory.origin.names import is_repository
from weighbridge.inventory.origin.parents import Parent
from weighbridge.inventory.origin.tables import canonical_maker, repository_at, vocabularies

if TYPE_CHECKING:
    from weighbridge.inventory.endpoint.pages import Served
    from weighbridge.inventory.origin.step import Chain
    from weighbridge.inventory.origin.step import Known as How
    from weighbridge.knowledge.protocol import Known

__all__ = ["Told", "tell"]

_MOST_MAKERS = 3  # a vocabulary that more makers have tells nothing


@dataclass(slots=True)
class Told:
    """What came of it: signs of bases, contradictions, whether a sign agrees with the name, and notes."""

    signs: list[Parent] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)
    agrees: bool = False
    notes: list[str] = field(default_factory=list)


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("data", "signs.toml").read_text(encoding="utf-8"))


def tell(served: Served, known: Known) -> Told:
    """Say what one served model shows of its origin beside its name."""
    origins = Origins(known)
    claimed = origins.chain_of(Subject(served.name))
    told = Told(notes=list(served.said))
    for name in dict.fromkeys(served.loaded):
        _loaded(name, served, claimed, origins, told)
    for makers, how, what in _evidence(served):
        _hold(makers, how, what, claimed, served, told)
    _vocabulary(served, claimed, told)
    return told


def _loaded(name: str, served: Served, claimed: Chain, origins: Origins, told: Told) -> None:
    """Hold the name of what was loaded against the name that is served."""
    other = origins.chain_of(Subject(_plain(name)))
    if not set(other.makers):
        return
    repository = _plain(name)
    if is_repository(repository) and repository_at(repository):
        told.signs.append(Parent(repository, "base", "declared", f"the server says that it loaded {name}"))
    if claimed.makers and not set(other.makers) & set(claimed.makers):
        told.contradictions.append(
            f"served as {served.name}, and loaded from {name}, which is of {', '.join(other.makers)}"
        )
    if not told.signs and other.maker and other.maker not in claimed.makers:
        told.signs.append(
            Parent(f"{other.maker}/*", "base", "declared", f"the server says that it loaded {name}", Confidence.LOW)
        )


def _evidence(served: Served) -> list[tuple[tuple[str, ...], How, str]]:
    """Return what template and tokenizer show: the makers that it may be of, kind of sign, and the sign in words."""
    found: list[tuple[tuple[str, ...], How, str]] = []
    if served.template:
        found += [
            ((row["maker"],), "template", f"its chat template holds `{row['text']}`")
            for row in _table()["marker"] if row["text"] in served.template
        ]  # fmt: skip
        like = nearest(served.template)
        if not found and like and like[1] >= NEAR:
            maker = next((who for begin, who in _table()["known"].items() if like[0].name.startswith(begin)), None)
            found += [((maker,), "template", f"its chat template is like `{like[0].name}`")] if maker else []
    if served.tokens and (one := tokenizer_of(served.tokens)):
        found += [(one.makers, "tokenizer", f"it tokenizes as {one.name}")]
    return found


def _hold(makers: tuple[str, ...], how: How, what: str, claimed: Chain, served: Served, told: Told) -> None:
    """Hold one sign against the makers that the name stands for."""
    shown = tuple(dict.fromkeys(canonical_maker(maker) for maker in makers))
    if set(shown) & set(claimed.makers):
        told.agrees = True
        return
    told.signs.append(Parent(f"{shown[0]}/*", "base", how, what, Confidence.LOW))
    if claimed.makers:
        names, others = ", ".join(claimed.makers), " or ".join(shown)
        told.contradictions.append(f"served as {served.name}, which is of {names}, but {what}: that is of {others}")


def _vocabulary(served: Served, claimed: Chain, told: Told) -> None:
    """Hold the size of the vocabulary against that of the repository that is named."""
    if not served.vocabulary:
        return
    own = {row.vocabulary for step in claimed.steps if (row := repository_at(step.repository)) and row.vocabulary}
    makers = vocabularies().get(served.vocabulary, ())
    if own and served.vocabulary not in own:
        among = f"; models of {', '.join(makers)} have that" if 0 < len(makers) <= _MOST_MAKERS else ""
        told.contradictions.append(
            f"served as {served.name}, whose vocabulary is {_counts(own)}, but its vocabulary is {served.vocabulary:,}"
            + among
        )
        return
    if not claimed.makers and len(makers) == 1:
        what = f"of the models in the table only those of {makers[0]} have a vocabulary of {served.vocabulary:,}"
        told.signs.append(Parent(f"{makers[0]}/*", "base", "tokenizer", what, Confidence.LOW))


def _counts(sizes: set[int]) -> str:
    return " or ".join(f"{size:,}" for size in sorted(sizes))


def _plain(name: str) -> str:
    """Return a name that was loaded as `maker/model` where a path or an address ends so, else its last part."""
    parts = [part for part in name.replace("\\", "/").rstrip("/").split("/") if part]
    cached = next((part for part in parts if part.startswith("models--") and part.count("--") > 1), None)
    if cached:
        return "/".join(cached.removeprefix("models--").split("--", 1))
    if not parts:
        return name
    pairs = ["/".join(pair) for pair in pairwise(parts)]
    if listed := next((pair for pair in reversed(pairs) if repository_at(pair)), None):
        return listed
    two = "/".join(parts[-2:])
    is_whole = len(parts) == len(two.split("/")) and is_repository(two)
    return two if is_whole else parts[-1]
