"""Write what a hub snapshot says of the models that `weighbridge claims` knows by name: one row a model.

    python bench/known_snapshot.py ../shared/data > src/weighbridge/inspection/claims/data/hub.json

Rows are [id, created, licence tag, elements, layers, experts, experts used, context, vocabulary]. Left out: packed
and converted copies, names without a figure, placeholders (a context of 4096 that stands for "not known"), and element
counts that contradict the size in the model's own name, which are partial or packed uploads. `earlier` are the counts
of earlier snapshots where they differ.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path
from typing import Any

_MAKERS = {
    "01-ai", "CohereLabs", "LGAI-EXAONE", "MiniMaxAI", "Qwen", "XiaomiMiMo", "ai21labs", "allenai", "baidu",
    "deepseek-ai", "google", "ibm-granite", "inclusionAI", "internlm", "meituan-longcat", "meta-llama", "microsoft",
    "mistralai", "moonshotai", "nvidia", "openai", "stepfun-ai", "tencent", "tiiuae", "zai-org",
}  # fmt: skip
_COPY = re.compile(
    r"FP8|NVFP4|MXFP|AWQ|GPTQ|GGUF|MLX|Int4|Int8|bnb|qat|w4a|onnx|litert|DSpark|Eagle|DFlash|MTPv2|Embed|Rerank|Guard"
    r"|TTS|Tokenizer|whisper|wav|bert|t5|clip|siglip|Image|OCR|Reward|-RM-|Base-8K|Paddle|DPO$|SFT$|Diffusion|fill",
    re.IGNORECASE,
)
_SIZE = re.compile(r"(?<![\dA-Za-z.])(\d+(?:\.\d+)?)([BM])(?![A-Za-z])", re.IGNORECASE)
_PLACEHOLDER = 4096
_CHANGED = 0.01  # counts that differ by more between snapshots are both kept


def main() -> None:
    """Print the rows."""
    data = Path(sys.argv[1])
    rows = []
    earlier = []
    with (data / "hubstats" / "hub-2026-10-05.csv").open(encoding="utf-8") as snapshot:
        for row in csv.DictReader(snapshot):
            maker, _, name = row["model_id"].partition("/")
            if maker not in _MAKERS or _COPY.search(name) or not re.search(r"\d", name):
                continue
            rows.append(
                [
                    row["model_id"],
                    row["created"] or None,
                    row["license"] or None,
                    _elements(name, row),
                    *(_count(row[key]) for key in ("layers", "experts", "experts_active")),
                    _count(row["context"]) if _count(row["context"]) != _PLACEHOLDER else None,
                    _count(row["vocab"]),
                ]
            )
    counted: dict[Any, Any] = {row[0]: row[3] for row in rows if row[3]}
    for day in ("2026-06-02", "2026-08-16"):
        with (data / "hubstats" / f"hub-{day}.csv").open(encoding="utf-8") as snapshot:
            for row in csv.DictReader(snapshot):
                then, now = _count(row["params_total"]), counted.get(row["model_id"])
                if then and now and abs(then - now) > _CHANGED * now:
                    earlier.append([row["model_id"], day, then])
    loaded = {"source": "hub snapshot of 2026-10-05", "rows": sorted(rows), "earlier": sorted(earlier)}
    print(json.dumps(loaded, separators=(",", ":")))


def _count(text: str) -> int | None:
    return int(float(text)) if text else None


def _elements(name: str, row: dict[str, str]) -> int | None:
    """Return the elements stored, or None where they contradict the size in the name."""
    total = _count(row["params_total"])
    sizes = [float(found[1]) * (1e9 if found[2] in "Bb" else 1e6) for found in _SIZE.finditer(name)]
    if total is None or not sizes:
        return total
    return total if abs(total - sizes[0]) <= 0.12 * max(total, sizes[0]) else None


if __name__ == "__main__":
    main()
