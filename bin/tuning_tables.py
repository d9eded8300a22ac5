"""Makes the tables of docs/tuning.md anew, from the catalogue and from results/reference.

``.venv/bin/python bin/tuning_tables.py`` writes the page; with ``--check`` it only tells whether it would change.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from seawall.report.stored import stored_result  # noqa: E402 - the path before it
from seawall.report.tuning_page import regenerated  # noqa: E402
from seawall.tuning.catalogue import knobs  # noqa: E402

PAGE = ROOT / "docs" / "tuning.md"
RESULTS = ROOT / "results" / "reference"


def main(*, check: bool) -> int:
    """Write the page, or return 1 where it is not what it would be."""
    stored = [(path.parent.name, stored_result(path.parent)) for path in sorted(RESULTS.glob("*/result.json"))]
    page = PAGE.read_text(encoding="utf-8")
    made = regenerated(page, knobs().values(), stored)
    if check:
        return int(made != page)
    PAGE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
