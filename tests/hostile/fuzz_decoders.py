"""A coverage-guided fuzzer (Atheris, on libFuzzer) on everything that decodes what strangers send.

``python -P tests/hostile/fuzz_decoders.py -max_total_time=600`` runs it for ten minutes; a directory as argument keeps
what it found interesting. A bug ends it with a traceback, and leaves the input in a file ``crash-...``.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import atheris

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]
with atheris.instrument_imports(include=["contract", "seawall.targets", "api.guard", "msgspec"]):
    from decoders import DECODERS


def check(data: bytes) -> None:
    """Hand *data* to the decoder that its first byte chooses."""
    if data:
        decoders = list(DECODERS.values())
        decoders[data[0] % len(decoders)](data[1:])


def main() -> None:
    """Fuzz until libFuzzer's limits are reached."""
    atheris.Setup(sys.argv, check)
    with contextlib.suppress(SystemExit):
        atheris.Fuzz()


if __name__ == "__main__":
    main()
