"""What `watch` draws: one table of paths, and a line each for rows, lag, caches, database and load."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from seawall.observe.moment import Moment, Traffic

_NOTHING = "-"
_KIB = 1024
_MOST_SHOWN = 10


def moment_table(found: Moment) -> RenderableType:
    """Return *found* as it is shown; what is not known is a dash."""
    return Group(_paths(found), _lines(found), *(Text(f"! {one}", style="bold red") for one in found.troubles))


def _paths(found: Moment) -> Table:
    title = f"{found.at[11:19]} UTC, over {found.seconds:.1f} s"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("requests by", no_wrap=True)
    for name in ("a second", "p95 ms", "4xx /s", "failed /s", "under way"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, traffic in (*found.writes.items(), ("lookups", found.lookups)):
        table.add_row(name, *_cells(traffic))
    return table


def _cells(traffic: Traffic) -> list[Text | str]:
    failed = _rate(traffic.failed_per_s)
    return [
        _rate(traffic.per_s),
        _ms(traffic.p95_ms),
        _rate(traffic.refused_per_s),
        Text(failed, style="bold red") if traffic.failed_per_s else failed,
        f"{traffic.under_way:,}",
    ]


def _lines(found: Moment) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    rows, cache, database, load = found.rows, found.cache, found.database, found.load
    if rows is not None:
        table.add_row(
            "rows",
            f"{_rate(rows.per_s)} a second by sinks, from log to row p95 {_ms(rows.delay_p95_ms)} ms,"
            f" {_figure(rows.batch_mean)} a batch, {_rate(rows.duplicates_per_s)} duplicates /s,"
            f" {_rate(rows.dead_letters_per_s)} dead letters /s",
        )
        table.add_row("lag", f"{_count(found.lag)} records wait in the log for a sink")
    table.add_row(
        "caches",
        f"{cache.memory_entries:,} entries in memory, {_count(cache.valkey_keys)} keys in Valkey"
        f" ({_size(cache.valkey_bytes)}); {_rate(cache.lookups_per_s)} lookups a second: memory"
        f" {_share(cache.memory_share)}, Valkey {_share(cache.valkey_share)}, database {_share(cache.database_share)}",
    )
    if found.fleet is not None:
        fleet = found.fleet
        table.add_row(
            "cache fleet",
            f"{_count(fleet.users)} users and {_count(fleet.products)} products, the older half"
            f" {_figure(fleet.age_s)} s old; {_rate(fleet.picks_per_s)} picks a second, hits {_share(fleet.hit_rate)}",
        )
    table.add_row(
        "database",
        f"{_count(database.transactions_per_min)} transactions a minute, {_count(database.lookup_queries_per_min)}"
        f" queries a minute by lookups, {_count(database.rows_inserted_per_s)} rows inserted a second,"
        f" {_count(database.connections)} connections, {_count(database.waiting_for_locks)} waiting for locks,"
        f" {_size(database.size_bytes)}",
    )
    table.add_row("refused", f"{_rate(found.refused_per_s)} a second by admission")
    if found.work:
        table.add_row("processors", _busiest(found))
    if found.disks:
        rooms = sorted(found.disks.items(), key=lambda one: one[1].free_bytes / max(one[1].size_bytes, 1))
        table.add_row(
            "disks",
            ", ".join(
                f"{name} {_size(room.free_bytes)} free ({room.free_bytes / max(room.size_bytes, 1):.0%})"
                for name, room in rooms[:_MOST_SHOWN]
            ),
        )
    if load is not None:
        table.add_row(
            "load",
            f"{load.users:,} users, {_rate(load.per_s)} requests a second, {_rate(load.failed_per_s)} failed,"
            f" p95 {_ms(load.p95_ms)} ms from due, start lag p99 {_ms(load.start_lag_p99_ms)} ms",
        )
    return table


def _busiest(found: Moment) -> str:
    """Return what keeps processors busy, the busiest first."""
    work = sorted(found.work.items(), key=lambda one: -(one[1].cores or 0.0))
    words = [
        f"{name} {_NOTHING if one.cores is None else f'{one.cores:.2f}'} ({_size(one.memory_bytes)})"
        for name, one in work[:_MOST_SHOWN]
    ]
    if len(work) > _MOST_SHOWN:
        words.append(f"and {len(work) - _MOST_SHOWN} more")
    return ", ".join(words) + " cores (memory)"


def _rate(per_s: float) -> str:
    return f"{per_s:,.0f}" if per_s >= 10 or not per_s else f"{per_s:.1f}"  # noqa: PLR2004 - from there on a digit more says nothing


def _ms(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:,.1f}"


def _figure(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:,.1f}"


def _count(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:,.0f}"


def _share(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.1%}"


def _size(value: int | None) -> str:
    if value is None:
        return _NOTHING
    size, units = float(value), ["B", "KiB", "MiB", "GiB", "TiB"]
    while size >= _KIB and len(units) > 1:
        size, units = size / _KIB, units[1:]
    return f"{size:,.1f} {units[0]}" if units[0] != "B" else f"{value} B"
