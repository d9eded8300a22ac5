"""`completion`: what lets a shell complete verbs, options and their values."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import typer

from contract.connections import DATABASES
from contract.entities import ENTITIES
from seawall.cli.app import SCENARIOS
from seawall.cli.completion_scripts import SHELLS
from seawall.cli.completion_words import VerbWords, words_of
from seawall.cli.kafka_settings_file import profile_names
from seawall.experiments.arms import ARMS, PATHS
from seawall.experiments.attain_options import MIXES
from seawall.experiments.compare_options import ARRIVALS, PARTS
from seawall.experiments.controls import CATALOGUE as CONTROLS
from seawall.experiments.elasticity_options import KINDS as LIVE
from seawall.experiments.periods import PERIODS
from seawall.experiments.scale_options import KINDS
from seawall.experiments.search_options import GOALS
from seawall.report.table_styles import TABLE_STYLES
from seawall.stack.faults.catalogue import CATALOGUE as FAULTS

EXAMPLES = """[bold]Examples[/]

  bin/seawall completion bash > ~/.local/share/bash-completion/completions/seawall    where bash-completion is there
  bin/seawall completion bash > ~/.seawall-completion && echo '. ~/.seawall-completion' >> ~/.bashrc
  bin/seawall completion zsh > ~/.zfunc/_seawall          with ~/.zfunc in fpath, before compinit
  bin/seawall completion fish > ~/.config/fish/completions/seawall.fish

Then, in a new shell, bin/seawall hi<Tab> becomes bin/seawall history. The script holds all names, so that a completion
starts no program; print it again after an upgrade (docs/command-line.md).

Exit codes: 0 printed, 2 no such shell."""

_ENTITIES = (*ENTITIES, "mixed")
_LISTS = {
    "--paths": PATHS, "--arms": tuple(ARMS), "--entities": tuple(ENTITIES), "--parts": PARTS,
    "--only": tuple(control.name for control in CONTROLS), "--faults": tuple(FAULTS),
    "--scopes": ("write", "read", "admin"),
}  # fmt: skip
"""Values of options that take several, with commas between them."""
_CHOICES = {
    "--path": PATHS, "--entity": _ENTITIES, "--load-entity": _ENTITIES, "--arrival": ARRIVALS, "--mix": MIXES,
    "--what": tuple(KINDS), "--autoscale": tuple(LIVE), "--by": PERIODS, "--table-style": tuple(TABLE_STYLES),
    "--gate": tuple(ARMS), "--brokers": ("1", "3"), "--database": DATABASES,
}  # fmt: skip


def completion(
    shell: Annotated[str, typer.Argument(help=f"Whose: {', '.join(SHELLS)}.", show_default=False)],
) -> None:
    """Print a script that lets a shell complete verbs, options and their values."""
    if shell not in SHELLS:
        raise typer.BadParameter(f"unknown {shell!r}, known are {', '.join(SHELLS)}", param_hint="SHELL")
    sys.stdout.write(SHELLS[shell](_verbs()))


def _verbs() -> list[VerbWords]:
    return words_of(
        {**_CHOICES, "--profile": profile_names(), "--search": tuple(GOALS)},
        _LISTS,
        {"bench": _benchmarks(), "completion": tuple(SHELLS), "stream": tuple(SCENARIOS["stream"])},
    )


def _benchmarks() -> tuple[str, ...]:
    """Return the benchmarks' names, which only they know."""
    listing = subprocess.run([sys.executable, "-P", "-m", "benchmarks"], capture_output=True, text=True, check=False)
    return tuple(line.split()[0] for line in listing.stdout.splitlines() if line.strip())
