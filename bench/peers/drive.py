"""Ask one peer for its figures of configs, inside the peer's own environment; called by `anatomy_peers.py`.

    ENVIRONMENT/bin/python bench/peers/drive.py NAME SECONDS GIB < list

The list is JSON: [{"file", "name" (as on a hub), "folder" (with config.json)}]. The peer is imported once; each config
then has a process of its own, forked, that may take so many seconds and so many GiB of address space, 10 of them in
use. One line of JSON answers each config: `figures` by quantity (a number; or the peer's words where it declines to
give one), or `refuses` (the peer's own error for what it does not know), or `fails` (a crash, out of memory, out of
time); CPU seconds; and the peak of resident memory in MiB, what was imported included. The last line is what the import
cost.

A driver calls what the peer calls for a model on a hub, on the config that the peer would have downloaded. No peer's
arithmetic is touched. Standard library only.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import select
import signal
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

Model: TypeAlias = "dict[str, str]"
Figures: TypeAlias = "dict[str, float | str]"
Driver: TypeAlias = "Callable[[Model], Figures]"
# address space alone does not bound a peer: what it never touches is free, and what it touches is another's memory
RESIDENT_BYTES = 10 * 2**30
CONTEXTS = {"cache_8192": 8192, "cache_131072": 131_072}
# state that does not grow with the context, which kvfit adds to its sum: the index keeps it in a column of its own
KVFIT_STATE = {"gdn-conv-history", "gdn-recurrent-state", "mamba-conv-history", "mamba-temporal-state"}


class Refusal(Exception):
    """The peer said that it does not know this model."""


def config_of(model: Model) -> dict[str, Any]:
    """Return the config as JSON has it."""
    config: dict[str, Any] = json.loads(Path(model["folder"], "config.json").read_text(encoding="utf-8"))
    return config


def drive_kvfit() -> Driver:
    """Cache only: `estimate_cache`, keys and values of 2 bytes, without the constant state."""
    estimate = importlib.import_module("kvfit.architectures").estimate_cache

    def figures(model: Model) -> Figures:
        found: Figures = {}
        for quantity, context in CONTEXTS.items():
            try:
                parts = estimate(config_of(model), context_tokens=context, kv_bytes=2.0).components
            except ValueError as refused:
                raise Refusal(refused) from None
            found[quantity] = sum(part.bytes for part in parts if part.name not in KVFIT_STATE)
        return found

    return figures


def drive_hf_mem() -> Driver:
    """Cache only, as `hf-mem --experimental --kv-cache-dtype bfloat16`; its totals are sums of tensor tables."""
    compute = importlib.import_module("hf_mem.safetensors.kv_cache").compute_safetensors_kv_cache_size

    def figures(model: Model) -> Figures:
        config = config_of(model)
        made = config.get("architectures", [])
        if not any("ForCausalLM" in name or "ForConditionalGeneration" in name for name in made):
            raise Refusal("neither ...ForCausalLM nor ...ForConditionalGeneration")
        if any("ForConditionalGeneration" in name for name in made) and "text_config" in config:
            config = config["text_config"]
        if not {"hidden_size", "num_hidden_layers", "num_attention_heads"} <= config.keys():
            raise Refusal("config.json doesn't contain all the required keys")
        return {quantity: compute(config, "BF16", context) for quantity, context in CONTEXTS.items()}

    return figures


def drive_hf_vram_calc() -> Driver:
    """Total by the class of transformers, cache by its formula; bf16."""
    parser = importlib.import_module("hf_vram_calc.parser").ConfigParser
    calculator = importlib.import_module("hf_vram_calc.calculator")
    memory = calculator.VRAMCalculator(importlib.import_module("hf_vram_calc.config").ConfigManager())

    def figures(model: Model) -> Figures:
        try:
            config = parser.load_and_parse_config(model["name"], model["folder"])
        except (ValueError, RuntimeError) as refused:
            raise Refusal(refused) from None
        found: Figures = {
            quantity: memory.calculate_kv_cache_memory(config, "bf16", 1, context) * 2**30
            for quantity, context in CONTEXTS.items()
        }
        try:
            found["total"] = calculator.ParameterCalculator.calculate_transformer_params(config)
        except ValueError as refused:
            found["total"] = str(refused)
        return found

    return figures


def drive_llm_cal() -> Driver:
    """Total and cache by `detect` and its formulas; what it labels unknown is declined."""
    detect = importlib.import_module("llm_cal.architecture.detector").detect
    total = importlib.import_module("llm_cal.architecture.formulas.weight").estimate_total_params
    cache = importlib.import_module("llm_cal.architecture.formulas.kv_cache").compute_kv_cache_bytes
    unknown = importlib.import_module("llm_cal.output.labels").Label.UNKNOWN

    def figures(model: Model) -> Figures:
        profile = detect(config_of(model))
        said = {quantity: cache(profile, context) for quantity, context in CONTEXTS.items()}
        said["total"] = total(profile)
        return {name: figure.source if figure.label == unknown else figure.value for name, figure in said.items()}

    return figures


def drive_llm_flops() -> Driver:
    """Total, active and cache of the config that `get_config` would have downloaded."""
    registry, memory = (importlib.import_module(f"llmflops.{name}") for name in ("registry", "memory"))

    def figures(model: Model) -> Figures:
        try:
            config = registry._map_hf_config(model["name"], config_of(model))  # noqa: SLF001 - get_config only downloads
        except ValueError as refused:
            raise Refusal(refused) from None
        found: Figures = {name: memory.kv_cache_bytes(config, 1, size, "bf16") for name, size in CONTEXTS.items()}
        count = memory.parameter_count(config)
        return {**found, "total": count["total"], "active": count["active_total"]}

    return figures


def drive_accelerate() -> Driver:
    """Total as `accelerate estimate-memory NAME --library_name transformers --dtypes float32` has it, by 4 bytes."""
    gather = importlib.import_module("accelerate.commands.estimate").gather_data

    def figures(model: Model) -> Figures:
        asked = Namespace(
            model_name=model["name"], library_name="transformers", trust_remote_code=False, dtypes=["float32"]
        )
        try:
            return {"total": gather(asked)[0][2] / 4}
        except (OSError, ValueError, KeyError) as refused:
            raise Refusal(refused) from None

    return figures


def drive_llm_resource_planner() -> Driver:
    """Total and cache; it prints the cache at 4096 tokens alone, by a formula that is linear in tokens."""
    planner = importlib.import_module("llm_resource_planner.cli")
    importlib.import_module("transformers").AutoConfig  # noqa: B018 - transformers imports late; that is no config's cost

    def figures(model: Model) -> Figures:
        try:
            billions, layers, hidden = planner.calculate_params(planner.get_model_config(model["folder"]))
        except ValueError as refused:
            raise Refusal(refused) from None
        at_4096 = planner.estimate_memory(billions, hidden, layers)[1] * 2**30
        caches = {quantity: at_4096 * context / 4096 for quantity, context in CONTEXTS.items()}
        return {"total": billions * 1e9, **caches}

    return figures


def answer(driver: Driver, model: Model, n_bytes: int, seconds: int) -> dict[str, Any]:
    """Return the figures of one config, asked for within the limits of this process."""
    resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes))
    signal.alarm(seconds)
    try:
        return {"figures": driver(model)}
    except Refusal as refused:
        return {"refuses": str(refused)[:300]}
    except Exception as crash:  # noqa: BLE001 - whatever a peer does is its result
        return {"fails": f"{type(crash).__name__}: {crash}"[:300]}


def resident(process: int) -> int:
    """Return the bytes of memory that a process holds."""
    return int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()


def measure(driver: Driver, model: Model, n_bytes: int, seconds: int) -> dict[str, Any]:
    """Return the answer on one config, from a process of its own, with what it cost."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silence, stream)
        os.write(writing, json.dumps(answer(driver, model, n_bytes, seconds)).encode())
        os._exit(0)
    os.close(writing)
    while not select.select([reading], [], [], 0.05)[0]:
        if resident(child) > RESIDENT_BYTES:
            os.kill(child, signal.SIGKILL)
    with open(reading, "rb") as pipe:  # noqa: PTH123 - a descriptor has no path
        said = pipe.read()
    _, status, used = os.wait4(child, 0)
    number = os.waitstatus_to_exitcode(status)
    ended = {-signal.SIGALRM: "out of time", -signal.SIGKILL: "out of memory"}.get(number, f"ended by {number}")
    answered: dict[str, Any] = json.loads(said) if said else {"fails": ended}
    return {
        "file": model["file"], **answered,
        "cpu_s": used.ru_utime + used.ru_stime, "peak_mib": used.ru_maxrss / 1024,
    }  # fmt: skip


def main() -> None:
    """Answer each config of the list on stdin."""
    name, seconds, gib = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    models = json.load(sys.stdin)
    driver = globals()[f"drive_{name.replace('-', '_')}"]()
    imported = resource.getrusage(resource.RUSAGE_SELF)
    for model in models:
        print(json.dumps(measure(driver, model, int(gib * 2**30), seconds)), flush=True)
    print(json.dumps({"import_cpu_s": imported.ru_utime + imported.ru_stime}))


if __name__ == "__main__":
    main()
