"""How fast an inventory searches a tree of 200,000 files, beside `grep`, and whether it finds what was hidden in it.

    python bench/inventory.py [FILES] [FOLDER]

The tree is generated from a seed: code, configuration, documents, pictures, vendored packages, one cache of a hub, one
Ollama store, and 500 texts that name a model of 200 hidden names. `grep -rIE` with the names of makers is what a person
would run; it says where a string stands, and not whether it is a model. Warm: both read the tree from the page cache.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

from weighbridge.inventory.bounds import Bounds
from weighbridge.inventory.found import Found
from weighbridge.inventory.search import Search
from weighbridge.knowledge.load import load_knowledge

SEED = 7
NAMES = [f"Qwen/Qwen3-{n}B-Hidden" for n in range(1, 101)] + [f"acme-{n}/support-bot-{n}b" for n in range(1, 101)]
HIDDEN = 500
ENDINGS = ("py", "ts", "go", "java", "yaml", "json", "md", "toml", "sh", "txt", "png", "svg", "so", "css", "html")
TEMPLATES = {
    "py": 'tok = AutoTokenizer.from_pretrained("{}")\n',
    "yaml": "env:\n  - name: MODEL_ID\n    value: {}\n",
    "sh": "vllm serve {} --port 8000\n",
    "toml": 'model_id = "{}"\n',
    "json": '{{"model_id": "{}"}}\n',
}


def pieces(random_: random.Random) -> list[str]:
    """Return 400 pieces of 10 to 120 lines of Python's own library: words as often as programs use them."""
    folder = Path(sysconfig.get_path("stdlib"))
    lines = [line for path in sorted(folder.glob("*.py")) for line in path.read_text("utf-8", "replace").splitlines()]
    starts = (random_.randrange(len(lines) - 120) for _ in range(400))
    return ["\n".join(lines[start : start + random_.randint(10, 120)]) + "\n" for start in starts]


def generate(root: Path, files: int) -> None:
    """Write the tree: 40 files a folder, three levels deep, texts of 0.5 to 8 KB."""
    random_ = random.Random(SEED)  # noqa: S311 - a tree, no secret
    pool = pieces(random_)
    hidden = set(random_.sample(range(files), min(HIDDEN, files)))
    folder = root
    for number in range(files):
        if number % 40 == 0:
            folder = root / f"part{number // 8000:02d}" / f"module{number // 400:04d}" / f"unit{number // 40:05d}"
            folder.mkdir(parents=True)
        if number in hidden:
            ending = random_.choice(sorted(TEMPLATES))
            text = f"{random_.choice(pool)}\n{TEMPLATES[ending].format(random_.choice(NAMES))}{random_.choice(pool)}"
        else:
            ending = random_.choice(ENDINGS)
            text = random_.choice(pool)
        (folder / f"file{number:06d}.{ending}").write_text(text)


def timed(command: list[str]) -> tuple[float, int]:
    """Run a command; return wall seconds and lines of output."""
    begin = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return time.perf_counter() - begin, done.stdout.count("\n")


def main() -> None:
    """Generate, search, compare, print."""
    files = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as folder:
        root = Path(folder) / "tree"
        generate(root, files)
        names = "|".join(sorted(load_knowledge().organisations))
        grep_s, grep_lines = timed(["grep", "-rIE", f"({names})/[A-Za-z0-9._-]+|from_pretrained|MODEL_ID", str(root)])
        begin, cpu = time.perf_counter(), time.process_time()
        search = Search(root, load_knowledge(), bounds=Bounds())
        found = [one for one in search if isinstance(one, Found)]
        wall_s, cpu_s = time.perf_counter() - begin, time.process_time() - cpu
        looked = search.looked
    report = {
        "files": looked.files,
        "texts": looked.texts,
        "text_mb": round(looked.n_bytes / 1e6),
        "wall_s": round(wall_s, 1),
        "cpu_s": round(cpu_s, 1),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "found": len(found),
        "places_recalled": f"{len({one.place.rpartition(':')[0] for one in found if one.name in NAMES})} of {HIDDEN}",
        "false": sum(one.name not in NAMES for one in found),
        "grep_wall_s": round(grep_s, 1),
        "grep_lines": grep_lines,
        "times_grep": round(wall_s / grep_s, 2),
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
