"""Load a program of ours now and run it later: ``preload.py MODULE`` waits for a byte on its standard input.

Most of what a Python service does at its start is to import; it needs no server for that, so it does not wait for any.
Run as a script of its own, as `launch.py` is; then it is ``python -m MODULE``.
"""

import gc
import sys
from importlib import import_module
from importlib.util import find_spec


def main() -> None:
    """Import the program, wait, and run it; an input that ends without a word says that nobody wants it any more."""
    name = sys.argv.pop(1)
    spec = find_spec(name)
    gc.disable()  # nearly all of what is imported stays: looking for what does not took a seventh of the time
    program = import_module(f"{name}.__main__" if spec and spec.submodule_search_locations else name)
    gc.enable()
    if not sys.stdin.buffer.read(1):
        sys.exit(0)
    sys.exit(program.main())


if __name__ == "__main__":
    main()
