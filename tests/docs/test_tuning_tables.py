"""The tables of docs/tuning.md are those that the catalogue and the stored results make."""

from __future__ import annotations

import subprocess
import sys

from seawall.stack.places import ROOT
from seawall.tuning.catalogue import full_name, knobs

SCRIPT = ROOT / "bin" / "tuning_tables.py"


def test_the_page_is_what_the_script_makes() -> None:
    """Whoever adds a knob, changes what one means, or stores a run of `tune` runs the script as well."""
    done = subprocess.run([sys.executable, "-P", SCRIPT, "--check"], check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"run .venv/bin/python {SCRIPT.relative_to(ROOT)}: {done.stderr}"


def test_every_knob_has_a_line() -> None:
    """With a sentence of its meaning."""
    page = (ROOT / "docs" / "tuning.md").read_text(encoding="utf-8")
    for knob in knobs().values():
        (line,) = [
            line for line in page.splitlines() if line.startswith(f"| `{full_name(knob)}` |") and knob.means in line
        ]
        assert line.count("|") >= 9
