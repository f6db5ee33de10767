"""The anatomy in the terminal: parameters with their parts, what a sequence keeps, where sources disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.cli.layout import line, quantity, size

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["anatomy_lines"]

_BAR = 24
_SHOWN = ("8192", "131072")
_SMALLEST_SHARE = 0.005
_MOST_DISAGREEMENTS = 8
_TEMPLATES = {True: "chat template", False: "no chat template", None: "chat template not known"}


def anatomy_lines(body: dict[str, Any]) -> list[str]:
    """Return the lines that say what anatomy/v2 found."""
    parameters = body["parameters"]
    lines = [line("inspection", ", ".join(_headline(body)), _status(parameters))]
    if parameters["reason"]:
        lines.append(line("", f"formulas not applied: {parameters['reason']}"))
    if (active := parameters["active"]) and body["experts"]:
        lines.append(line("active", f"{quantity(active['all'])} all that a token touches"))
        lines.append(line("", f"{quantity(active['without_input_embedding'])} without the input embedding"))
        lines.append(line("", f"{quantity(active['without_embeddings'])} without both embeddings"))
    lines += [line("", f"published `{one['said']}` counts {one['counts'] or 'none of these'}")
              for one in parameters["vendor"]]  # fmt: skip
    lines += _parts(parameters)
    lines += _cache(body["kv_cache"])
    weights = body["weights"]
    if weights["bytes"] is not None:
        bits = f", {weights['bits_per_weight']:.2f} bits/weight" if weights["bits_per_weight"] else ""
        declared = f", {weights['quantization']}" if weights["quantization"] else ""
        lines.append(line("weights", f"{size(weights['bytes'])}{bits}{declared}", weights["status"]))
    context = f"context {body['context_length']:,}" if body["context_length"] else "context not known"
    lines.append(line("", f"{context}, {_TEMPLATES[body['chat_template']]}"))
    found = body["disagreements"]
    lines += [line("differs" if not number else "", f"{one['name']}: {one['message']}")
              for number, one in enumerate(found[:_MOST_DISAGREEMENTS])]  # fmt: skip
    if len(found) > _MOST_DISAGREEMENTS:
        lines.append(line("", f"and {len(found) - _MOST_DISAGREEMENTS} more: `--json` lists them all"))
    return lines + [line("", f"note: {note}") for note in body["notes"]]


def _headline(body: dict[str, Any]) -> Iterator[str]:
    """Yield what a person asks first: how many parameters, which architecture."""
    total, text = body["parameters"]["total"], body["parameters"]["text"]
    if total is not None:
        yield f"{quantity(total)} parameters"
    elif text is not None:
        yield f"{quantity(text)} parameters in the language model"
    else:
        yield "parameters not known"
    yield body["architecture"] or "architecture not known"
    if body["experts"]:
        yield f"MoE {body['experts_used'] or '?'} of {body['experts']}"
    if body["attention"]:
        heads = f" {body['heads']}/{body['kv_heads']}" if body["heads"] and body["kv_heads"] else ""
        yield f"{body['attention']}{heads}"


def _status(parameters: dict[str, Any]) -> str:
    total = parameters["total"]
    return parameters["status"] if total is None else f"{parameters['status']}: {total:,}"


def _parts(parameters: dict[str, Any]) -> Iterator[str]:
    """Yield one bar a part that is more than half a percent of what is counted."""
    parts = sorted(parameters["parts"].items(), key=lambda pair: -pair[1])
    whole = sum(parameters["parts"].values())
    label = "parts"
    for name, count in parts:
        share = count / whole
        if share < _SMALLEST_SHARE or len(parts) == 1:
            continue
        bar = "█" * round(_BAR * share) or "▏"
        yield line(label, f"{name.replace('_', ' '):<17}{bar:<{_BAR}} {share:6.1%}  {quantity(count)}")
        label = ""


def _cache(cache: dict[str, Any]) -> Iterator[str]:
    """Yield what a sequence keeps, and by which kinds of layers."""
    if cache["bytes_per_token"] is None:
        yield line("kv cache", "not known")
        return
    ends = ", ".join(f"{size(cache['bytes_at'][tokens])} at {int(tokens):,}" for tokens in _SHOWN)
    yield line("kv cache", f"{cache['bytes_per_token']:,} B a token in bf16; {ends}", cache["status"])
    if cache["decompressed_bytes_per_token"]:
        yield line("", f"{cache['decompressed_bytes_per_token']:,} B a token where MLA is kept decompressed")
    if cache["state_elements_per_sequence"]:
        yield line("", f"and {cache['state_elements_per_sequence']:,} elements of constant state a sequence")
    if len(cache["layers"]) > 1 or cache["windows"]:
        kinds = ", ".join(f"{count} {kind}" for kind, count in cache["layers"].items())
        windows = f"; windows {', '.join(f'{tokens:,}' for tokens in cache['windows'])}" if cache["windows"] else ""
        yield line("", f"layers: {kinds}{windows}")
