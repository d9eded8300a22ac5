"""Makes a journal of the order producer into a ledger, as if Locust had made the orders.

``python -m seawall.load.order_ledger JOURNAL DIRECTORY SEED``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from contract.entities import ENTITIES
from contract.ids import Run
from contract.order_journal import Began, Ordered, decode_line
from contract.samples import AS_DRAWN
from seawall.load.parts import CODES, DTYPES, PartFiles

ENDPOINT = "POST /v1/kafka/orders"


def convert(journal: Path, directory: Path, seed: int) -> int:
    """Write the ledger of all orders that were sent, and return how many; those for which nobody was found are none."""
    lines = [decode_line(line) for line in journal.read_bytes().split(b"\n")[:-1]]
    began = next(line for line in lines if isinstance(line, Began))
    orders = sorted(
        (line for line in lines if isinstance(line, Ordered) and line.order is not None),
        key=lambda line: line.answered_ns,
    )
    columns = {
        name: np.array([getattr(order, name) for order in orders], dtype=DTYPES[code])
        for name, code in CODES.items()
        if name not in ("entity", "endpoint")
    }
    columns["entity"] = np.full(len(orders), ENTITIES["orders"].number, dtype=np.uint8)
    columns["endpoint"] = np.zeros(len(orders), dtype=np.uint8)
    directory.mkdir(parents=True, exist_ok=True)
    files = PartFiles(directory, Run(*began.run), seed, AS_DRAWN)
    files.write({name: columns[name] for name in CODES}, [ENDPOINT])
    files.close()
    return len(orders)


def main(journal: str, directory: str, seed: str) -> int:
    """Convert, and return the exit code."""
    print(convert(Path(journal), Path(directory), int(seed)))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
