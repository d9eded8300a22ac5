"""What every benchmark prints: the machine, each figure beside what was asked of it, and whether it was reached."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import msgspec
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from seawall.experiments.machine import machine_facts

_FILE_WIDTH = 160


class Figure(msgspec.Struct, kw_only=True, frozen=True):
    """One measured figure, and what it was held against."""

    name: str
    measured: float
    unit: str = ""
    beside: float | None = None
    """The peer or the truth that it is compared with, same unit."""
    error: str = ""
    """The difference or ratio to what stands beside it, in words: ``+0.12 ms``, ``1.03 (1.01 to 1.05)``."""
    asked: str = ""
    """The limit, in words: ``within 1 % or 0.3 ms``; empty where nothing was asked."""
    reached: bool | None = None
    """None where the figure only stands beside the others."""


class BenchmarkReport(msgspec.Struct, kw_only=True):
    """A benchmark's whole result."""

    benchmark: str
    question: str
    quick: bool = False
    beside_name: str = "beside"
    """What the column of peers is called: ``server``, ``true``, ``plain``."""
    figures: list[Figure] = msgspec.field(default_factory=list)
    notes: list[str] = msgspec.field(default_factory=list)
    """Sentences on where errors come from, and on what was not measured."""
    environment: dict[str, Any] = msgspec.field(default_factory=machine_facts)
    seconds: float = 0.0
    began_s: float = msgspec.field(default_factory=time.monotonic)

    @property
    def reached(self) -> bool:
        """Whether every figure of which something was asked reached it, and there was one at least."""
        asked = [figure.reached for figure in self.figures if figure.reached is not None]
        return bool(asked) and all(asked)


def argument_parser(name: str, question: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options that all benchmarks have: ``--quick``, ``--json`` and ``--seed``."""
    parser = argparse.ArgumentParser(prog=f"bin/seawall bench {name}", description=(question or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a few seconds: shows that it works, too short to judge")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--seed", type=int, default=1, help="of everything that is drawn (default 1)")
    return parser


def finish(report: BenchmarkReport, *, as_json: bool) -> int:
    """Print *report* and return the exit code: 0 if everything that was asked is reached, 1 if not."""
    report.seconds = round(time.monotonic() - report.began_s, 1)
    if as_json:
        plain = {**msgspec.to_builtins(report), "reached": report.reached}
        del plain["began_s"]
        print(msgspec.json.format(msgspec.json.encode(plain), indent=2).decode())
    else:
        _print(report)
    return 0 if report.reached else 1


def _print(report: BenchmarkReport) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_FILE_WIDTH)
    facts = report.environment
    console.print(f"[bold]{report.benchmark}[/]: {escape(report.question)}", soft_wrap=True)
    console.print(
        f"{facts['cpu']}, {facts['cores']} cores, Linux {facts['kernel']}, Python {facts['python']}, "
        f"commit {facts['commit']}, load {facts['load_average']} at the start",
        soft_wrap=True,
    )
    console.print(_table(report.beside_name, report.figures))
    for note in report.notes:
        console.print(escape(note), soft_wrap=True)
    quick = " A quick run is too short to judge by." if report.quick else ""
    console.print(f"{'Reached' if report.reached else 'Not reached'} after {report.seconds} s.{quick}", soft_wrap=True)


def _table(beside: str, figures: Sequence[Figure]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("figure", "measured", beside, "error or ratio", "asked", ""):
        table.add_column(name, justify="right" if name in ("measured", beside) else "left")
    for figure in figures:
        table.add_row(
            escape(figure.name),
            number(figure.measured, figure.unit),
            "" if figure.beside is None else number(figure.beside, figure.unit),
            escape(figure.error),
            escape(figure.asked),
            {True: "[green]reached[/]", False: "[red]not reached[/]", None: ""}[figure.reached],
        )
    return table


def number(value: float, unit: str) -> str:
    """Return *value* with its unit: three digits after the point below a hundred, none from 10,000 on."""
    if unit == "%":
        return f"{value:.2f} %"
    digits = 3 if abs(value) < 100 else 1 if abs(value) < 10_000 else 0  # noqa: PLR2004 - as the docstring says
    text = f"{value:,.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} {unit}".rstrip()
