"""What `weighbridge serve` does when things break: a table of faults, each on real processes.

    .venv/bin/python bench/gateway_faults [NAME ...] [--quick]

Needs PostgreSQL's programs for two of them, root for the small disk, and libfaketime for the clock; what is not there
is said. Every row that does not hold is marked, and then the exit code is 1.
"""

from __future__ import annotations

import argparse
import logging
import sys
from typing import TYPE_CHECKING

from around import clock, database, disk, reload
from crowd import loris, slow
from nodes import nodes
from process import kill, stop, upstreams
from table import Table

if TYPE_CHECKING:
    from collections.abc import Callable

FAULTS: dict[str, Callable[[Table, bool], None]] = {
    "kill": lambda table, quick: kill(table, 2 if quick else 5),
    "upstreams": lambda table, quick: upstreams(table, 10 if quick else 50),
    "disk": lambda table, _quick: disk(table),
    "database": lambda table, _quick: database(table),
    "clock": lambda table, _quick: clock(table),
    "reload": lambda table, quick: reload(table, 23 if quick else 47),
    "slow": lambda table, quick: slow(table, 200 if quick else 1000),
    "loris": lambda table, quick: loris(table, 60 if quick else 600),
    "nodes": lambda table, quick: nodes(table, 5 if quick else 20),
    "stop": lambda table, quick: stop(table, 10 if quick else 50),
}


def main() -> int:
    """Run the faults that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*FAULTS, []], default=[])
    parser.add_argument("--quick", action="store_true", help="smaller numbers")
    asked = parser.parse_args()
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # doubles that are stopped in mid-answer
    table = Table()
    print("| fault | seen | |\n|---|---|---|")
    for name in asked.names or FAULTS:
        FAULTS[name](table, asked.quick)
    return 1 if table.broken else 0


if __name__ == "__main__":
    sys.exit(main())
