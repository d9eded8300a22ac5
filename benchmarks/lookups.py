"""What does a cached lookup cost, what does it save, how stale can it be, and does it matter how many rows there are?

One API process as it is shipped reads base rows by Zipf's law at a modest pace, another one without a memory reads the
same from Valkey. What each level took is read from `/metrics`, in the API. Then clients' times of hits are compared, in
turns, between a table with 1,000 users and one with millions, in another database of the same server. In between, rows
are changed behind the API's back, and it is measured for how long it goes on answering what they held before.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np

from benchmarks.api_runs import own_stack
from benchmarks.errors import ProcessFailed
from benchmarks.lookups_run import RECORDS, USERS, LookupServer, all_paths, another_database, lookup_server, zipf_paths
from benchmarks.lookups_staleness import MEMORY_S, NEGATIVE_S, SHARED_S, staleness_figures
from benchmarks.report import BenchmarkReport, Figure, argument_parser, finish
from seawall.stack.lookup_samples import LookupSamples
from seawall.stack.stack import Stack
from seawall.stats.trials import geometric_mean

MOST_MS = {"memory": 0.05, "shared": 2.0}
"""Of a level's p99 in the API."""
LEAST_HITS, LEAST_SAVED = 95.0, 99.0
MOST_SHARE = 1.0
"""Of the database's time, in per cent, that a hit may take."""
MOST_GROWTH = 1.2
"""Of a hit's p50 between the small table and the large one, in turns."""
ROWS, QUICK_ROWS = 10_000_000, 20_000
SECONDS, QUICK_SECONDS = 60.0, 2.0
RATE_PER_S = 400.0
EXPONENT = 1.0
HITS, QUICK_HITS = 4_000, 200
CHANGES, QUICK_CHANGES = 200, 20
NO_MEMORY = {"SEAWALL_MEMORY_ENTRIES": "1", "SEAWALL_WARM_ENTRIES": "0"}
KINDS: tuple[tuple[str, dict[str, str]], ...] = (("memory", {}), ("shared", NO_MEMORY))
TURNS = 8
NAMES = {"memory": "L1, the process's memory", "shared": "L2, Valkey"}


def level_figures(level: str, samples: LookupSamples) -> list[Figure]:
    """Return what *level* took in the API."""
    p50_s, p99_s = (samples.quantile_s(level, share, RECORDS) for share in (0.5, 0.99))
    if p50_s is None or p99_s is None:
        raise ProcessFailed(f"no lookup was answered by {level}: the figures say nothing")
    p50_ms, p99_ms = p50_s * 1e3, p99_s * 1e3
    most_ms = MOST_MS[level]
    return [
        Figure(name=f"{NAMES[level]}: p50 in the API", measured=p50_ms, unit="ms"),
        Figure(
            name=f"{NAMES[level]}: p99 in the API",
            measured=p99_ms,
            unit="ms",
            asked=f"at most {most_ms:g} ms",
            reached=p99_ms <= most_ms,
        ),
    ]


def share_figures(hits: dict[str, LookupSamples], anew: LookupSamples) -> list[Figure]:
    """Return what a hit of each level takes of the database's time, medians in the API; *anew* are reads past both.

    Only the memory is asked to take a hundredth: Valkey is behind a round trip, which is most of the database's time.
    """
    database_s = anew.quantile_s("database", 0.5, RECORDS)
    if not database_s:
        raise ProcessFailed("no lookup was answered by the database: the figures say nothing")
    figures = []
    for level, samples in hits.items():
        hit_s = samples.quantile_s(level, 0.5, RECORDS)
        if hit_s is None:
            raise ProcessFailed(f"no lookup was answered by {level}: the figures say nothing")
        share = 100 * hit_s / database_s
        judged = level == "memory"
        figures.append(
            Figure(
                name=f"{NAMES[level]}: a hit's share of the database's time, p50 in the API",
                measured=share,
                unit="%",
                error=f"of {database_s * 1e3:.2f} ms" if judged else "a round trip is most of both",
                asked=f"at most {MOST_SHARE:g} %" if judged else "",
                reached=share <= MOST_SHARE if judged else None,
            )
        )
    return figures


def saving_figures(samples: LookupSamples, seconds: float) -> list[Figure]:
    """Return what the caches kept from the database; the statements of the warm-up count as well."""
    lookups = samples.total("seawall_lookups_total", RECORDS)
    queries = samples.total("seawall_lookup_queries_total", RECORDS)
    hits = sum(samples.total("seawall_lookups_total", RECORDS, answered_by=level) for level in MOST_MS)
    saved = 100 * (1 - queries / lookups)
    return [
        Figure(
            name="lookups that a cache answered",
            measured=100 * hits / lookups,
            unit="%",
            asked=f"at least {LEAST_HITS:g} %",
            reached=100 * hits / lookups >= LEAST_HITS,
        ),
        Figure(
            name="database queries saved",
            measured=saved,
            unit="%",
            error=f"{queries:.0f} for {lookups:,.0f} lookups",
            asked=f"at least {LEAST_SAVED:g} %",
            reached=saved >= LEAST_SAVED,
        ),
        Figure(
            name="database queries a minute",
            measured=queries / seconds * 60,
            beside=lookups / seconds * 60,
            error="beside: one for each lookup",
        ),
    ]


def growth(stack: Stack, rows: int, hits: int, seed: int) -> list[Figure]:
    """Return what reads took with 1,000 users in the table, and with *rows* more in that of another database.

    Both are read in turns, so that a machine that grows slower is unfair to neither.
    """
    paths = [path for path in zipf_paths(2 * hits, EXPONENT, seed) if path.startswith(f"/v1/{USERS.name}/")][:hits]
    with ExitStack() as held:
        large_url = held.enter_context(another_database(stack.connections, rows))
        few, many = (
            {name: held.enter_context(lookup_server(SEAWALL_DATABASE_URL=url, **settings)) for name, settings in KINDS}
            for url in (stack.connections.psycopg_url, large_url)
        )
        for name, _ in KINDS:
            for server in (few[name], many[name]):
                server.read(all_paths(), 10 * RATE_PER_S)
        figures = [_size_figure(NAMES[name], *_in_turns(few[name], many[name], paths), rows) for name, _ in KINDS]
        beyond = _in_turns(few["memory"], many["memory"], paths, anew=True)
        return [*figures, _size_figure("past both caches", *beyond, rows, judged=False)]


def _in_turns(
    few: LookupServer, many: LookupServer, paths: Sequence[str], *, anew: bool = False
) -> tuple[list[float], list[float]]:
    """Return median times of both, ms, one a turn, read in the order A B B A."""
    size = max(1, len(paths) // TURNS)
    medians: tuple[list[float], list[float]] = ([], [])
    for turn in range(TURNS):
        part = paths[turn * size : (turn + 1) * size] or paths
        for which in (0, 1) if turn % 2 == 0 else (1, 0):
            times_ms = (few, many)[which].read(part, RATE_PER_S, anew=anew)
            medians[which].append(float(np.median(times_ms)))
    return medians


def _size_figure(name: str, few_ms: list[float], many_ms: list[float], rows: int, *, judged: bool = True) -> Figure:
    ratio = geometric_mean(np.array(many_ms) / np.array(few_ms))
    return Figure(
        name=f"{name}: p50 at the client, {rows + USERS.base_rows:,} rows",
        measured=float(np.median(many_ms)),
        beside=float(np.median(few_ms)),
        unit="ms",
        error=f"{ratio.estimate:.2f} ({ratio.low:.2f} to {ratio.high:.2f})",
        asked=f"at most {MOST_GROWTH:g} times as long" if judged else "",
        reached=ratio.estimate <= MOST_GROWTH if judged else None,
    )


def read_mix(server: LookupServer, seconds: float, seed: int) -> LookupSamples:
    """Read base rows by Zipf's law for some time, and return what the server counted."""
    server.read(zipf_paths(int(seconds * RATE_PER_S), EXPONENT, seed), RATE_PER_S)
    return server.samples()


def main(arguments: Sequence[str]) -> int:
    """Measure both levels, what they save and whether size matters; return 0 if what was asked is reached."""
    parser = argument_parser("lookups", __doc__)
    parser.add_argument("--rows", type=int, help=f"users that are added to the table (default {ROWS:,})")
    asked = parser.parse_args(arguments)
    quick = asked.quick
    rows = asked.rows or (QUICK_ROWS if quick else ROWS)
    seconds = QUICK_SECONDS if quick else SECONDS
    report = BenchmarkReport(
        benchmark="lookups",
        question="what does a cached lookup cost and save, how stale is it, and does the size of the table matter?",
        quick=quick,
        beside_name=f"{USERS.base_rows:,} rows",
    )
    with own_stack("bench lookups", kafka=False) as stack:
        stack.fresh()
        with lookup_server() as server:
            shipped = read_mix(server, seconds, asked.seed)
        with lookup_server(**NO_MEMORY) as server:  # Valkey knows all rows: the first one has put them there
            from_valkey = read_mix(server, seconds, asked.seed)
            server.read(zipf_paths(QUICK_HITS, EXPONENT, asked.seed), RATE_PER_S, anew=True)
            anew = server.samples()
        report.figures += level_figures("memory", shipped) + level_figures("shared", from_valkey)
        report.figures += share_figures({"memory": shipped, "shared": from_valkey}, anew)
        report.figures += saving_figures(shipped, seconds)
        report.figures += staleness_figures(stack, QUICK_CHANGES if quick else CHANGES)
        stack.fresh()
        report.figures += growth(stack, rows, QUICK_HITS if quick else HITS, asked.seed)
    report.notes = [
        (
            f"{RATE_PER_S:g} reads a second over one connection for {seconds:g} s, three of users to one of a product,"
            f" Zipf's exponent {EXPONENT:g} over the base rows. In the API: from the question to the answer, without"
            " HTTP, interpolated in the buckets of seawall_lookup_seconds."
        ),
        "Saved: statements of the lookups, those of the warm-up included, beside one for each lookup.",
        (
            "Stale: from a change behind the API's back to the first answer that holds it, at the client; where nobody"
            f" announces it, with times to live of {MEMORY_S:g} s in the memory and {SHARED_S:g} s in Valkey, and"
            f" {NEGATIVE_S:g} s for what is not there."
        ),
        (
            f"At the client: {QUICK_HITS if quick else HITS:,} reads of each, HTTP included, in {TURNS} turns A B B A:"
            " medians of the turns' medians, and the geometric mean of their ratios with its 95 % interval."
        ),
    ]
    return finish(report, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
