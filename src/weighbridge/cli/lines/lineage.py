"""How lineage/v1 reads on a terminal: what is declared, what contradicts, and the figures beside a base."""

from __future__ import annotations

from typing import Any

from weighbridge.cli.layout import line, size

__all__ = ["lineage_lines"]

_MOST = 12


def lineage_lines(body: dict[str, Any]) -> list[str]:
    """Return the lines of one lineage/v1 body."""
    relation = f", {body['relation']} ({body['relation_source']})" if body["relation"] else ""
    bases = ", ".join(body["bases"][:3]) or "no base is stated"
    lines = [line("lineage", f"{body['agreement']}: {bases}{relation}")]
    lines += [line("", f"contradiction: {each}") for each in body["contradictions"][:_MOST]]
    if twice := body["twice_quantized"]:
        lines.append(line("", f"quantized twice: {twice['source']} is `{twice['said']}`, stored as {twice['stored']}"))
    if body["compared"]:
        lines += _compared_lines(body["compared"])
    return lines + [line("", f"note: {note}") for note in body["notes"][:_MOST]]


def _compared_lines(body: dict[str, Any]) -> list[str]:
    """Return the lines of a comparison with a base."""
    lines = [line("", f"{body['verdict']} {body['base']}", body["relation"] or ""), line("", body["reason"])]
    lines.append(line("", f"shapes equal: {body['shapes_equal']} of {body['shapes_total']} tensors of layers"))
    tokenizer = body["tokenizer"]
    if tokenizer["equal_prefix"] is not None:
        ids = f"{tokenizer['equal_prefix']:,} equal ids of {tokenizer['tokens']:,} and {tokenizer['base_tokens']:,}"
    else:
        ids = "by its files" if tokenizer["verdict"] == "identical" else ""
    lines.append(line("", f"tokenizer: {tokenizer['verdict']}", ids))
    lines += [line("", f"{_similar(one['cosine'], 'rows')}  {one['matrix']}", one["stored"]) for one in body["rows"]]
    if body["biases"]:
        lines.append(line("", f"{_similar(body['biases'], 'vectors')}  biases"))
    if body["norms"]:
        lines.append(line("", f"{_similar(body['norms'], 'vectors')}  norms", "no evidence alone"))
    if body["embedding_gram"] is not None:
        lines.append(line("", f"Gram of token embeddings {body['embedding_gram']:.2f}", "family, not derivation"))
    lines.append(line("", f"read {size(body['bytes_read'])} of rows, both models together"))
    return lines


def _similar(body: dict[str, Any], what: str) -> str:
    """Write a median with its extremes and count."""
    return f"{body['median']:.3f} [{body['low']:.3f}, {body['high']:.3f}] n={body['n']} {what}"
