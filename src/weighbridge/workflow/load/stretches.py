"""The stretches of a load measurement: who asks, a closed loop, rates that rise, and two models in turn."""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from weighbridge.errors import EngineUnreachable, UsageError
from weighbridge.evaluation.load.against import abba, ratios_json, slower_json
from weighbridge.evaluation.load.drive import Budget, Pace, User, closed_loop, open_loop
from weighbridge.evaluation.load.point import Judged, point_json
from weighbridge.evaluation.load.sample import sample_of
from weighbridge.evaluation.load.shots import Prompts, Shape
from weighbridge.evaluation.load.verdicts import Watch, fewest_blocks
from weighbridge.evaluation.run.stop import Stop
from weighbridge.workflow.evaluation.measure import EngineChoice
from weighbridge.workflow.load.costs import Costs, priced

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from weighbridge.core.progress import Progress
    from weighbridge.engine.protocol import Form
    from weighbridge.evaluation.load.drive import Driven
    from weighbridge.evaluation.load.levels import Level

__all__ = ["LoadRun", "Order", "is_met", "measure_closed", "measure_open", "measure_pair", "user_of"]

_GOES_ON = frozenset({"vllm", "sglang", "llama.cpp"})  # servers that know `ignore_eos`
_NUMBERS = 1_000_000  # prompts of one stretch at most
_FIRST_RUNG, _RUNG, _MOST_RUNGS = 0.25, math.sqrt(2), 14
_USUAL_LOAD = 0.5  # of what the closed loop gave
_SPARE = 2.5  # times the blocks after which a faultless server has met its levels
_LEAST_S, _LEAST_PAIR_S = 120.0, 1040.0  # 26 rounds: 104 blocks of 5 s; 94 without one too slow decide at 5%
_CLOSED_SHARE, _LEAST_CLOSED_S = 0.1, 5.0
_FEWEST_EACH = 3  # answers of each user of the closed loop
_MOST_CLOSED = 200  # requests of the closed loop: it stands beside, and must not be the greater part of the load
_FIRST = 2  # requests that tell how the server counts tokens


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked: see the options of `weighbridge load`. `seconds` None takes what the levels need."""

    reference: str
    on: date
    shapes: tuple[Shape, ...] = (Shape(256, 128),)
    rates: tuple[float, ...] = ()
    sweep: bool = False
    users: int = 8
    levels: tuple[Level, ...] = ()
    alpha: float = 0.05
    seconds: float | None = None
    warmup_s: float = 5.0
    block_s: float = 5.0
    slot_s: float = 10.0
    form: Form = "chat"
    shared_tokens: int = 0
    ignore_eos: bool = True
    seed: int = 1
    timeout_s: float = 120.0
    budget: Budget = field(default_factory=Budget)
    engine: EngineChoice = field(default_factory=EngineChoice)
    against: str | None = None
    against_engine: EngineChoice = field(default_factory=EngineChoice)
    allowed: float = 1.2
    costs: Costs = field(default_factory=Costs)

    @property
    def length_s(self) -> float:
        """Seconds of one stretch at most."""
        if self.seconds is not None:
            return self.seconds
        needed = max((fewest_blocks(level, self.alpha) for level in self.levels), default=0)
        return max(_LEAST_S, _SPARE * needed * self.block_s)

    @property
    def most_closed(self) -> int:
        """Requests that the closed loop may send: as many as the lowest rate is to send, 200 at most."""
        if self.users == 0:
            return 0
        if not self.rates:
            return _MOST_CLOSED
        return max(1, min(_MOST_CLOSED, math.ceil(min(self.rates) * (self.length_s + self.warmup_s))))

    def will_send(self) -> tuple[int | None, int | None]:
        """Return how many requests are expected at most, and how many tokens in and out; None where no rate is given.

        Poisson moments: three standard deviations above the mean. A sweep has no bound but `--max-requests`.
        """
        models = 1 if self.against is None else 2
        requests = None
        if self.rates and not self.sweep:
            length = max(self.length_s, _LEAST_PAIR_S if models > 1 and self.seconds is None else 0)
            mean = sum(rate * (length + self.warmup_s) for rate in self.rates) * (1 if models == 1 else 1.1)
            requests = math.ceil(mean + 3 * math.sqrt(mean)) + models * (self.most_closed + _FIRST)
        if self.budget.requests is not None:
            bound = self.budget.requests + models * _FIRST
            requests = bound if requests is None else min(requests, bound)
        longest = max(shape.tokens_in + shape.tokens_out for shape in self.shapes)
        tokens = None if requests is None else requests * longest
        if self.budget.tokens is not None:
            bound = self.budget.tokens + models * _FIRST * longest
            tokens = bound if tokens is None else min(tokens, bound)
        return requests, tokens


@dataclass(slots=True)
class LoadRun:
    """A run under way."""

    order: Order
    progress: Progress
    run_id: str = field(default_factory=lambda: secrets.token_hex(4))  # new each time, so that no cache knows a prompt
    stop: Stop = field(default_factory=Stop)
    notes: list[str] = field(default_factory=list)
    stretches: int = 0

    def point(
        self, stretches: Sequence[Driven], *, rate: float | None = None, users: int | None = None
    ) -> dict[str, Any]:
        """Return a stretch as figures, with its price."""
        order = self.order
        judged = Judged(order.levels, order.alpha, order.block_s, order.seed)
        return priced(point_json(stretches, judged, rate=rate, users=users), order.costs)

    def pace(self, seconds: float, warmup_s: float) -> Pace:
        """Return the pace of the next stretch, with prompts that no other has."""
        self.stretches += 1
        return Pace(seconds, warmup_s, f"{self.order.seed}/{self.stretches}", self.stretches * _NUMBERS)


async def user_of(under_way: LoadRun, engine: Any, salt: str) -> User:
    """Return who asks this engine, its prompts made to the length that the server counts."""
    order, server = under_way.order, getattr(engine, "client", None) or engine
    if not hasattr(server, "once"):
        raise UsageError(
            f"the engine `{engine.identity.name}` answers one request at a time", hint="start a server: `--engine URL`"
        )
    dialect = getattr(getattr(server, "dialect", None), "name", "")
    goes_on = order.ignore_eos and dialect in _GOES_ON
    if order.ignore_eos and not goes_on:
        under_way.notes.append(
            f"`{engine.identity.model}`: the server is not known to take ignore_eos: answers may be short"
        )
    prompts = Prompts(
        order.shapes,
        seed=order.seed,
        salt=f"{under_way.run_id}{salt}",
        form=order.form,
        shared_tokens=order.shared_tokens,
    )
    extra = {"ignore_eos": True} if goes_on else {}
    user = User(server, prompts, extra, order.budget, under_way.stop)
    for number in range(_FIRST):
        request, shape = prompts.request(number)
        completion = await server.once(request, extra)
        if sample_of(0.0, 0.0, completion, shape.tokens_out).status != "ok":
            raise EngineUnreachable(
                f"`{engine.identity.model}` did not answer a first request: {completion.detail or completion.outcome}",
                hint="`weighbridge engine` says what the server can do",
            )
        prompts.learn(shape, completion.prompt_tokens)
    return user


async def measure_closed(under_way: LoadRun, user: User) -> dict[str, Any]:
    """Measure the sanity point: users who wait."""
    order = under_way.order
    seconds = min(order.length_s, max(_LEAST_CLOSED_S, min(30.0, _CLOSED_SHARE * order.length_s)))
    most = order.most_closed
    # the few that are allowed begin at once where a warm-up could take them all
    pace = under_way.pace(seconds, 0.0)
    pace = replace(pace, fewest=min(most, _FEWEST_EACH * order.users), most=most)
    with under_way.progress(f"{order.users} users", int(pace.seconds + pace.warmup_s), "seconds") as advance:
        user.advance = advance
        driven = await closed_loop(user, order.users, pace)
    return under_way.point([driven], users=order.users)


async def measure_open(under_way: LoadRun, user: User, capacity: float) -> list[dict[str, Any]]:
    """Measure the rates given, rising; a sweep rises until one is not shown to meet the levels.

    Rising rates, each tested only after the one below was met, are a fixed-sequence test: the chance that the highest
    rate met is too high stays at alpha.
    """
    order, points = under_way.order, []
    rates = _rates(order, capacity)
    if not rates:
        under_way.notes.append(
            "the closed loop got no answer in its time, so no rate is known to ask at: give `--rate`"
        )
    for rate in rates:
        if under_way.stop.asked:
            break
        points.append(await _at(under_way, user, rate))
        if points[-1]["stopped"] in {"interrupted", "budget"} or (order.sweep and not is_met(points[-1])):
            break
    return points


def _rates(order: Order, capacity: float) -> list[float]:
    """Return the rates to measure, requests a second."""
    if order.sweep:
        first = min(order.rates) if order.rates else _round(_FIRST_RUNG * capacity)
        return [_round(first * _RUNG**rung) for rung in range(_MOST_RUNGS)] if first > 0 else []
    usual = _round(_USUAL_LOAD * capacity)
    return sorted(order.rates) or ([usual] if usual > 0 else [])


async def _at(under_way: LoadRun, user: User, rate: float) -> dict[str, Any]:
    """Measure one rate."""
    order = under_way.order
    pace = under_way.pace(order.length_s, order.warmup_s)
    watch = Watch(order.levels, alpha=order.alpha, warmup_s=pace.warmup_s, block_s=order.block_s)
    with under_way.progress(f"{rate:g}/s", int(pace.seconds + pace.warmup_s), "seconds") as advance:
        user.advance = advance
        driven = await open_loop(user, rate, pace, watch)
    return under_way.point([driven], rate=rate)


async def measure_pair(
    under_way: LoadRun, user: User, rival: User, capacity: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Measure two models in turn; return the candidate's point and what is known of both."""
    order = under_way.order
    rate = order.rates[0] if order.rates else _round(_USUAL_LOAD * capacity)
    if rate <= 0:
        raise EngineUnreachable(
            "the closed loop got no answer in its time", hint="give `--rate`, or a longer `--timeout`"
        )
    rounds = max(1, round(max(order.length_s, _LEAST_PAIR_S if order.seconds is None else 0) / (4 * order.slot_s)))
    slot = under_way.pace(order.slot_s, min(1.0, order.warmup_s))
    total = int(4 * rounds * (slot.seconds + slot.warmup_s))
    with under_way.progress(f"{rate:g}/s ABBA", total, "seconds") as advance:
        user.advance = rival.advance = advance
        pair = await abba(user, rival, rate, slot, rounds)
    point, beside = (under_way.point(slots, rate=rate) for slots in (pair.candidate, pair.baseline))
    return point, {
        "rounds": pair.rounds,
        "baseline_point": beside,
        "ratios": ratios_json(pair, order.seed),
        "slower": slower_json(pair, allowed=order.allowed, alpha=order.alpha, block_s=order.block_s, seed=order.seed),
    }


def is_met(point: dict[str, Any]) -> bool:
    """Tell whether a stretch met every level, and can be believed."""
    return bool(point["slo"]) and point["valid"] and all(one["verdict"] == "met" for one in point["slo"].values())


def _round(rate: float) -> float:
    """Round a rate to two digits."""
    return float(f"{rate:.2g}")
