"""How fast a verified mirror is, beside a plain copy and the hub's own client, in one run on one machine.

    .venv/bin/python bench/mirror.py [--megabytes 2048] [--rounds 3] [--folder /tmp] [--per-connection MB/s]

A repository of four large files and some small ones lies behind nginx (needed: `apt-get install nginx-light`), which
answers as Hugging Face does: listing, redirects to a storage at another port, ranges. Each round runs, one after the
other, into an empty folder:

    plain            one GET after the other, written as it comes (pyreqwest); nothing is verified, nothing synced
    plain, synced    the same, and `fsync` of each file: what a copy costs that outlives a power cut
    curl             `curl -o`, one file after the other
    ours             `weighbridge mirror`: SHA-256 of every file, manifest last
    ours, synced     the same with `--sync`: everything on the disk before the manifest
    huggingface_hub  `snapshot_download` (8 files at once, no digest is verified), where it is installed

Every copy is a process of its own; seconds are those of the whole process for ours and huggingface_hub, start-up
included. `--per-connection` bounds each connection, as the storage of hubs does; without it nothing but this machine
is the limit, and SHA-256 takes about as much of a processor as all the rest. Printed: median of the rounds, and the
median of the ratios within each round.
"""

from __future__ import annotations

import argparse
import getpass
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HUB, STORAGE = 8471, 8472
REPOSITORY, COMMIT = "acme/big", "1234567890abcdef1234567890abcdef12345678"
LARGE = 4
PLAIN = """
import os, sys
from pyreqwest.client import SyncClientBuilder
client = SyncClientBuilder().build()
folder, sync, *names = sys.argv[1:]
for name in names:
    with open(f"{folder}/{name}", "wb", 0) as file, client.get(f"http://127.0.0.1:PORT/{name}").build_streamed() as got:
        while (chunk := got.body_reader.read_chunk()) is not None:
            file.write(chunk)
        if sync == "sync":
            os.fsync(file.fileno())
""".replace("PORT", str(STORAGE))
HUGGING_FACE = """
import sys
from huggingface_hub import snapshot_download
snapshot_download("acme/big", local_dir=sys.argv[1])
"""


def publish(folder: Path, megabytes: int) -> dict[str, tuple[int, str, str]]:
    """Write the files; return size, SHA-256 (large ones only) and git object id by name."""
    found = {}
    for number in range(LARGE):
        name, sha, left = f"model-{number}.safetensors", hashlib.sha256(), (megabytes << 20) // LARGE
        with (folder / name).open("wb") as file:
            while left:
                data = os.urandom(min(left, 8 << 20))
                sha.update(data)
                file.write(data)
                left -= len(data)
        found[name] = ((folder / name).stat().st_size, sha.hexdigest(), "0" * 40)
    for name in ("config.json", "README.md", "tokenizer.json"):
        data = os.urandom(5000).hex().encode()
        (folder / name).write_bytes(data)
        oid = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
        found[name] = (len(data), "", oid)
    return found


def configure(top: Path, files: dict[str, tuple[int, str, str]], megabytes_per_s: int = 0) -> Path:
    """Write what nginx needs; return its configuration."""
    info = {"id": REPOSITORY, "sha": COMMIT, "gated": False, "private": False, "disabled": False, "tags": [],
            "siblings": [{"rfilename": name} for name in files]}  # fmt: skip
    tree = [
        {"type": "file", "path": name, "size": size, "oid": oid}
        | ({"lfs": {"oid": sha256, "size": size, "pointerSize": 135}} if sha256 else {})
        for name, (size, sha256, oid) in files.items()
    ]
    (top / "info.json").write_text(json.dumps(info))
    (top / "tree.json").write_text(json.dumps(tree))
    places = []
    for name, (size, sha256, oid) in files.items():
        head = f"add_header X-Repo-Commit {COMMIT} always; add_header X-Linked-Size {size} always;"
        etag = f"""add_header X-Linked-Etag '"{sha256 or oid}"' always; add_header ETag '"{sha256 or oid}"' always;"""
        at = f"location = /{REPOSITORY}/resolve/{COMMIT}/{name}"
        if sha256:
            places.append(f"{at} {{ {head} {etag} return 302 http://127.0.0.1:{STORAGE}/{name}; }}")
        else:
            places.append(f"{at} {{ {head} {etag} etag off; alias {top}/www/{name}; }}")
    api = f"default_type application/json; alias {top}"
    temporary = " ".join(f"{kind}_temp_path {top}/t;" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    path = top / "nginx.conf"
    path.write_text(
        f"daemon off; user {getpass.getuser()}; pid {top}/pid; error_log {top}/errors;\n"
        "worker_processes 2; events { }\n"
        f"http {{ access_log off; sendfile on; tcp_nopush on; {temporary}\n"
        f"server {{ listen 127.0.0.1:{STORAGE}; root {top}/www; limit_rate {megabytes_per_s}m; }}\n"
        f"server {{ listen 127.0.0.1:{HUB};\n"
        f"location ~ ^/api/models/{REPOSITORY}/tree/ {{ {api}/tree.json; }}\n"
        f"location ~ ^/api/models/{REPOSITORY} {{ {api}/info.json; }}\n" + "\n".join(places) + "\n} }\n"
    )
    return path


@contextmanager
def served(configuration: Path) -> Iterator[None]:
    """Run nginx."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    server = subprocess.Popen([program, "-c", str(configuration)])
    time.sleep(1)
    try:
        yield
    finally:
        server.terminate()
        server.wait()


def ways(files: list[str], environment: dict[str, str]) -> dict[str, Callable[[Path], list[str]]]:
    """Return the command lines, each for a folder."""
    python = sys.executable
    weighbridge = str(Path(python).with_name("weighbridge"))
    curl = " && ".join(f"curl -sS -o $0/{name} http://127.0.0.1:{STORAGE}/{name}" for name in files)
    found: dict[str, Callable[[Path], list[str]]] = {
        "plain": lambda to: [python, "-c", PLAIN, str(to), "no", *files],
        "plain, synced": lambda to: [python, "-c", PLAIN, str(to), "sync", *files],
        "curl": lambda to: ["sh", "-c", curl, str(to)],
        "ours": lambda to: [weighbridge, "mirror", f"hf:{REPOSITORY}", "--to", str(to)],
        "ours, synced": lambda to: [weighbridge, "mirror", f"hf:{REPOSITORY}", "--to", str(to), "--sync"],
        "huggingface_hub": lambda to: [python, "-c", HUGGING_FACE, str(to)],
    }
    if subprocess.run([python, "-c", "import huggingface_hub"], env=environment, check=False).returncode:
        del found["huggingface_hub"]
    return found


def measure(command: list[str], environment: dict[str, str]) -> float:
    """Return the seconds of one process, the disk quiet before it."""
    os.sync()
    began = time.perf_counter()
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command[0]} failed: {done.stderr}")
    return time.perf_counter() - began


def median_ratio(others: list[float], own: list[float]) -> float:
    """Return how many times faster `own` was, round by round."""
    return statistics.median(other / mine for other, mine in zip(others, own, strict=True))


def main() -> None:
    """Measure, print, and take everything away."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--per-connection", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=None)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        top = Path(name)
        (top / "www").mkdir()
        files = publish(top / "www", given.megabytes)
        environment = os.environ | {
            "HF_ENDPOINT": f"http://127.0.0.1:{HUB}", "XDG_CACHE_HOME": f"{top}/cache", "HF_HOME": f"{top}/hf",
            "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        }  # fmt: skip
        seconds: dict[str, list[float]] = {}
        with served(configure(top, files, given.per_connection)):
            commands = ways(list(files), environment)
            for number in range(given.rounds + 1):  # the first warms the page cache, and does not count
                for way, command in commands.items():
                    to = top / "to"
                    to.mkdir()
                    took_s = measure(command(to), environment)
                    came = sum(path.stat().st_size for path in to.rglob("model-*.safetensors") if path.is_file())
                    if came != given.megabytes << 20:
                        sys.exit(f"{way} copied {came} bytes")
                    shutil.rmtree(to)
                    if number:
                        seconds.setdefault(way, []).append(took_s)
        n_bytes = sum(size for size, _, _ in files.values())
        print(f"{n_bytes / 1e9:.2f} GB in {len(files)} files, {given.rounds} rounds, {os.cpu_count()} cores")
        for way, took in seconds.items():
            middle = statistics.median(took)
            ratio = {base: median_ratio(seconds[base], took) for base in ("plain", "plain, synced", "curl")}
            shown = ", ".join(f"{value:.2f}x {base}" for base, value in ratio.items() if base != way)
            print(f"{way:<16} {middle:6.2f} s {n_bytes / middle / 1e6:6.0f} MB/s  {shown}")


if __name__ == "__main__":
    main()
