"""The list of benchmarks: ``python -m benchmarks`` prints it, ``python -m benchmarks NAME`` runs one."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.errors import BenchmarkError
from seawall.experiments.errors import ExperimentError

_ROOM = Path(__file__).parent


def catalogue() -> dict[str, str]:
    """Return each benchmark's name and question, without importing any.

    A module of this package is a benchmark if it has a `main` of one argument, the list of words; its docstring's first
    line is the question. Generators, which are processes of their own, take more.
    """
    found = {}
    for path in sorted(_ROOM.glob("[!_]*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if any(_is_main(node) for node in tree.body):
            found[path.stem] = (ast.get_docstring(tree) or "").partition("\n")[0]
    return found


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name == "main" and len(node.args.args) == 1


def main(arguments: Sequence[str]) -> int:
    """List the benchmarks, or run the one that *arguments* name; returns the exit code."""
    known = catalogue()
    if not arguments:
        width = max(map(len, known))
        for name, question in known.items():
            print(f"{name:<{width}}  {question}")
        return 0
    name, *rest = arguments
    if name not in known:
        print(f"seawall: there is no benchmark {name!r}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    try:
        code: int = importlib.import_module(f"benchmarks.{name}").main(rest)
    except (BenchmarkError, ExperimentError) as error:
        print(f"seawall: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
