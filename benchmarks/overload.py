"""What is served of twice the load that the service can carry, and how soon is all as before?

Service and servers share one core, or a part of it that is stated, the generators have the other, so that a load can be
offered that is far beyond what is carried. For each write path the highest load is searched that is carried, then half
of it is offered for the whole time and one and a half times as much comes on top for a while. What counts is what
succeeds within 200 ms of when it was due.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.cores import CoreShare, on_core
from benchmarks.errors import BenchmarkError
from benchmarks.overload_run import LATE_MS, Overload, Pressed, Times
from benchmarks.report import BenchmarkReport, Figure, argument_parser, finish
from seawall.experiments.arms import PATHS
from seawall.experiments.load_process import LoadProcess
from seawall.stack import places
from seawall.stack.options import StackOptions
from seawall.stack.stack import Stack

LEAST_SERVED = 80.0
"""Per cent of what is carried."""
LONGEST_RECOVERY_S = 5.0
MOST_GROWTH = 10.0
"""Per cent of the API's memory."""
LATEST_MS = 50.0
"""Later than that, p99, the generators were themselves the bottleneck."""
START_PER_S = {"sync": 300.0, "grouped": 1_500.0, "kafka": 1_500.0}
SHARES = {"sync": 1.0, "grouped": 0.25, "kafka": 0.4}
"""Of a core; of a whole one the latter two carry more than the other core can offer twice."""
TIMES = Times(step_s=6.0, before_s=6.0, pressed_s=15.0, after_s=12.0)
QUICK_TIMES = Times(step_s=2.0, before_s=2.0, pressed_s=3.0, after_s=4.0)


def figures_of(path: str, cores: float, carried_per_s: float, pressed: Pressed) -> list[Figure]:
    """Return what became of a *path* under twice what it carries on so many *cores*."""
    served = 100 * pressed.served_per_s / carried_per_s
    growth = 100 * (pressed.most_bytes / pressed.settled_bytes - 1)
    offered = pressed.start_lag_p99_ms <= LATEST_MS
    recovery_s = pressed.recovery_s
    on = "on a core" if cores == 1 else f"on {cores:g} of a core"
    found = [
        Figure(name=f"{path}: highest load that is carried", measured=carried_per_s, unit="/s", error=on),
        Figure(
            name=f"{path}: served in time of twice that",
            measured=pressed.served_per_s,
            unit="/s",
            beside=carried_per_s,
            error=f"{served:.0f} % of what is carried, of {pressed.offered_per_s:,.0f}/s offered"
            + ("" if offered else "; not told: the generators were late"),
            asked=f"at least {LEAST_SERVED:g} %",
            reached=served >= LEAST_SERVED if offered else None,
        ),
        Figure(
            name=f"{path}: as before after",
            measured=float("inf") if recovery_s is None else recovery_s,
            unit="s",
            asked=f"at most {LONGEST_RECOVERY_S:g} s",
            reached=recovery_s is not None and recovery_s <= LONGEST_RECOVERY_S,
        ),
        Figure(
            name=f"{path}: memory of the API at most",
            measured=pressed.most_bytes / 1e6,
            unit="MB",
            beside=pressed.settled_bytes / 1e6,
            error=f"{growth:+.1f} % since the surge is there; {pressed.bytes_before / 1e6:.0f} MB before it",
            asked=f"at most {MOST_GROWTH:g} % more",
            reached=growth <= MOST_GROWTH,
        ),
        Figure(
            name=f"{path}: start lag of the generators, p99",
            measured=pressed.start_lag_p99_ms,
            unit="ms",
            asked=f"at most {LATEST_MS:g} ms",
            reached=offered,
        ),
    ]
    found.append(
        Figure(
            name=f"{path}: acknowledged and lost",
            measured=pressed.lost,
            asked="none",
            reached=not pressed.lost,
        )
    )
    if pressed.refused_p50_ms is not None:
        found.append(
            Figure(
                name=f"{path}: a refusal takes, p50",
                measured=pressed.refused_p50_ms,
                unit="ms",
                error=f"p99 {pressed.refused_p99_ms:.0f} ms",
                asked=f"at most {LATE_MS:g} ms",
                reached=pressed.refused_p50_ms <= LATE_MS,
            )
        )
    return found


def main(arguments: Sequence[str]) -> int:
    """Measure the paths that are asked for, print the figures, and return 0 if they are reached."""
    parser = argument_parser("overload", __doc__)
    parser.add_argument("--paths", default="", help=f"some of {', '.join(PATHS)} (default: all; with --quick, sync)")
    asked = parser.parse_args(arguments)
    paths = asked.paths.split(",") if asked.paths else ["sync"] if asked.quick else list(PATHS)
    if unknown := [path for path in paths if path not in PATHS]:
        raise BenchmarkError(f"--paths: unknown {', '.join(unknown)}; known are {', '.join(PATHS)}")
    report = BenchmarkReport(
        benchmark="overload",
        question="how much is served in time of twice the load that is carried, and how soon is all as before?",
        quick=asked.quick,
        beside_name="carried",
    )
    home = places.home()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    times = QUICK_TIMES if asked.quick else TIMES
    with contextlib.ExitStack() as opened:
        directory = Path(opened.enter_context(tempfile.TemporaryDirectory(dir=home, prefix="bench-overload-")))
        share = _share(opened) if any(SHARES[path] < 1 for path in paths) else None
        with on_core(1), share.joined() if share else contextlib.nullcontext():  # which the stack's servers inherit
            stack = Stack.up(StackOptions(kafka="kafka" in paths), owner="bench overload")
        opened.callback(stack.down)
        opened.enter_context(on_core(0))
        steady = opened.enter_context(LoadProcess(stack.state.api_url, directory / "load.log"))
        surge = opened.enter_context(LoadProcess(stack.state.api_url, directory / "surge.log"))
        for path in paths:
            cores = SHARES[path] if share else 1.0
            overload = Overload(stack, steady, surge, directory, path, asked.seed, times)
            overload.warm_up()
            if share:
                share.limit(cores)
            report.figures += figures_of(path, cores, *overload.judged(START_PER_S[path] * cores))
            if share:
                share.limit(1.0)
    report.notes = [
        (
            f"Carried is a load of which 95 % succeed within {LATE_MS:g} ms, at most one in a thousand fails, and of"
            " which less than a second waits in the log at its end; or what was served in time of twice that, if more."
        ),
        f"Served counts what was due while twice that was offered and succeeded within {LATE_MS:g} ms, from its begin.",
        "As before: no quarter of a second any more in which 1 % of the half load failed or was late.",
    ]
    if share is None and any(SHARES[path] < 1 for path in paths):
        report.notes.append("No control group could be made, so the servers had a whole core for every path.")
    return finish(report, as_json=asked.json)


def _share(opened: contextlib.ExitStack) -> CoreShare | None:
    """Return what can hold servers to a part of a core, or None where the system does not let it be made."""
    try:
        return opened.enter_context(CoreShare())
    except BenchmarkError as error:
        print(f"bench overload: {error}", file=sys.stderr)
        return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
