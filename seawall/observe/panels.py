"""What the Grafana dashboards show: panels and the queries behind them, without the form that Grafana wants."""

from __future__ import annotations

from typing import NamedTuple

EVERY = "$__rate_interval"
"""What Grafana puts a window for, as long as its scrapes are apart."""
SECONDS, PER_SECOND, SHARE, BYTES, COUNT = "s", "reqps", "percentunit", "bytes", "short"
"""Units by Grafana's names."""


class Query(NamedTuple):
    """One query and the name of each of its lines, which may hold labels: ``{{path}}``."""

    expression: str
    legend: str


class Panel(NamedTuple):
    """One chart."""

    title: str
    says: str
    unit: str
    queries: tuple[Query, ...]


class Dashboard(NamedTuple):
    """One page, two panels a row."""

    name: str
    title: str
    panels: tuple[Panel, ...]


def panel(title: str, says: str, unit: str, *queries: tuple[str, str]) -> Panel:
    """Return a panel; a query is its expression and its legend."""
    return Panel(title, says, unit, tuple(Query(*one) for one in queries))


def _where(labels: str) -> str:
    return f"{{{labels}}}" if labels else ""


def rate(metric: str, by: str = "", where: str = "") -> str:
    """Return how much a counter grows a second, summed up by some labels."""
    return f"sum{f' by ({by})' if by else ''} (rate({metric}{_where(where)}[{EVERY}]))"


def quantile(share: float, metric: str, by: str = "", where: str = "") -> str:
    """Return a quantile of a histogram, by some labels."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({metric}_bucket{_where(where)}[{EVERY}])))"


def mean(metric: str, by: str = "", where: str = "") -> str:
    """Return the mean of a histogram, by some labels."""
    return f"{rate(f'{metric}_sum', by, where)} / {rate(f'{metric}_count', by, where)}"


_WRITES = 'path=~"sync|grouped|kafka"'
_HITS = 'answered_by=~"memory|shared"'

OVERVIEW = Dashboard(
    "overview",
    "Seawall: overview",
    (
        panel("Requests", "Every request, by path", PER_SECOND, (rate("seawall_requests_total", "path"), "{{path}}")),
        panel(
            "Failed requests", "Answers of the class 5xx, and clients that went before there was one", PER_SECOND,
            (rate("seawall_requests_total", "path", 'status=~"5xx|none"'), "{{path}}"),
        ),
        panel(
            "p95 of answers", "From the whole request to the answer; the target is 0.2 s for writes", SECONDS,
            (quantile(0.95, "seawall_request_seconds", "path"), "{{path}}"),
        ),
        panel(
            "From log to row, p95", "How old each batch's first record is at its commit; the target is 1 s", SECONDS,
            (quantile(0.95, "seawall_sink_delay_seconds"), "p95"),
        ),
        panel(
            "Consumer lag", "Records in the log whose offset no sink has committed", COUNT,
            ("sum(seawall_stack_lag_records)", "as the brokers know it"),
            ("sum(seawall_sink_lag_records)", "as the sinks know it"),
        ),
        panel(
            "Rows", "What became of the records that sinks wrote", PER_SECOND,
            (rate("seawall_sink_records_total", "outcome"), "{{outcome}}"),
        ),
        panel(
            "Refused by admission", "Requests answered with 503 since others had waited too long", PER_SECOND,
            (rate("seawall_refused_total", "queue"), "{{queue}}"),
        ),
        panel(
            "Problems", "Answers that were problem documents, by status", PER_SECOND,
            (rate("seawall_problems_total", "status"), "{{status}}"),
        ),
        panel(
            "Processor use", "Cores that each service of the stack takes", COUNT,
            (f"rate(seawall_stack_cpu_seconds_total[{EVERY}])", "{{service}}"),
        ),
        panel("Memory", "Of each service of the stack", BYTES, ("seawall_stack_memory_bytes", "{{service}}")),
        panel("Processes", "1 where a process of the stack runs", COUNT, ("seawall_stack_process_up", "{{service}}")),
        panel(
            "Late event loops", "By how much each API process's loop was late at its last tick", SECONDS,
            ("seawall_loop_late_seconds", "{{service}}"),
        ),
    ),
)  # fmt: skip

LOAD = Dashboard(
    "load-test",
    "Seawall: load test",
    (
        panel(
            "Users", "Those that there are, and those that there shall be", COUNT,
            ("seawall_load_users", "users"), ("seawall_load_users_wanted", "wanted"),
        ),
        panel(
            "Requests", "As Locust counts them", PER_SECOND,
            (rate("seawall_load_requests_total", "name"), "{{name}}"),
        ),
        panel(
            "Failures", "As Locust counts them", PER_SECOND,
            (rate("seawall_load_failures_total", "name"), "{{name}}"),
        ),
        panel(
            "Response times", "From the moment a request was due", SECONDS,
            (quantile(0.5, "seawall_load_response_seconds"), "p50"),
            (quantile(0.95, "seawall_load_response_seconds"), "p95"),
            (quantile(0.99, "seawall_load_response_seconds"), "p99"),
        ),
        panel(
            "Start lag", "How late the run's requests left: above 50 ms it says little of the service", SECONDS,
            ("seawall_load_start_lag_seconds", "p{{quantile}}"),
        ),
        panel(
            "Not sent", "Requests of the run that were due and are not sent", COUNT,
            ("seawall_load_unsent_requests", "due"),
        ),
        panel(
            "The generator itself", "Its busiest process's share of a core, and its latest event loop", COUNT,
            ("seawall_load_cpu_share", "share of a core"), ("seawall_load_loop_lag_seconds", "loop lag p99, s"),
        ),
        panel("Workers", "By their state, where there are any", COUNT, ("seawall_load_workers", "{{state}}")),
        panel(
            "Reconnects", "Connections of the run that had to be opened again", COUNT,
            ("seawall_load_reconnects", "reconnects"),
        ),
        panel("Verdict", "1 for that of the run as far as it has come", COUNT, ("seawall_load_verdict", "{{outcome}}")),
        panel(
            "The same by the service", "p95 as the API measures it, without the way there and back", SECONDS,
            (quantile(0.95, "seawall_request_seconds", "path", _WRITES), "{{path}}"),
        ),
        panel("A test runs", "1 while one does", COUNT, ("seawall_load_running", "running")),
    ),
)  # fmt: skip

_TOPIC_RATES = tuple(
    (rate(f"kafka_broker_{what}_total", "service"), f"{{{{service}}}}: {says}")
    for what, says in (("bytesin", "in"), ("bytesout", "out"))
)

KAFKA = Dashboard(
    "kafka-path",
    "Seawall: the Kafka path",
    (
        panel(
            "Acks", "How long the brokers take to acknowledge a record", SECONDS,
            (quantile(0.5, "seawall_stage_seconds", where='path="kafka", stage="ack"'), "p50"),
            (quantile(0.95, "seawall_stage_seconds", where='path="kafka", stage="ack"'), "p95"),
            (quantile(0.99, "seawall_stage_seconds", where='path="kafka", stage="ack"'), "p99"),
        ),
        panel(
            "Records", "Acknowledged by brokers, and written by sinks", PER_SECOND,
            (rate("seawall_producer_records_total"), "acknowledged"),
            (rate("seawall_sink_records_total"), "written"),
        ),
        panel(
            "The producer's queue", "Records that wait in the API processes", COUNT,
            ("seawall_producer_queue_records", "{{service}}"),
        ),
        panel(
            "Waiting in the producer", "By quantile", SECONDS,
            ("max by (quantile) (seawall_producer_queue_seconds)", "p{{quantile}}"),
        ),
        panel(
            "Round trips to brokers", "By quantile, to the slowest", SECONDS,
            ("max by (quantile) (seawall_producer_round_trip_seconds)", "p{{quantile}}"),
        ),
        panel(
            "Batches of the producer", "Records, by quantile", COUNT,
            ("max by (quantile) (seawall_producer_batch_records)", "p{{quantile}}"),
        ),
        panel(
            "Failed requests to brokers", "Failed, sent again, or without an answer in time", PER_SECOND,
            (rate("seawall_producer_errors_total", "kind"), "{{kind}}"),
        ),
        panel("Brokers", "That each producer is connected to", COUNT, ("seawall_producer_brokers_up", "{{service}}")),
        panel(
            "Lag by topic", "Records that wait for a sink", COUNT,
            ("sum by (topic) (seawall_sink_lag_records)", "{{topic}}"),
        ),
        panel("Partitions", "That each sink reads", COUNT, ("seawall_sink_partitions", "{{service}}")),
        panel("Batches of the sinks", "Mean of records", COUNT, (mean("seawall_sink_batch_records"), "records")),
        panel(
            "Stages of the sinks", "p95 of what a batch goes through", SECONDS,
            (quantile(0.95, "seawall_sink_stage_seconds", "stage"), "{{stage}}"),
        ),
        panel(
            "From log to row", "How old each batch's first record is at its commit", SECONDS,
            (quantile(0.5, "seawall_sink_delay_seconds"), "p50"),
            (quantile(0.95, "seawall_sink_delay_seconds"), "p95"),
            (quantile(0.99, "seawall_sink_delay_seconds"), "p99"),
        ),
        panel(
            "Tries again, rebalances, refused commits", "What disturbs the sinks", PER_SECOND,
            (rate("seawall_sink_retries_total", "what"), "again: {{what}}"),
            (rate("seawall_sink_rebalances_total", "kind"), "{{kind}}"),
            (rate("seawall_sink_refused_commits_total"), "commits refused"),
        ),
        panel(
            "Records into the brokers", "By broker", PER_SECOND,
            (rate("kafka_broker_messagesin_total", "service"), "{{service}}"),
        ),
        panel("Bytes of the brokers", "In and out, without replication", "Bps", *_TOPIC_RATES),
        panel(
            "Requests at the brokers",
            "p99 of how long a broker takes, ms, waiting for replicas or records included",
            "ms",
            ('kafka_broker_request_ms{quantile="0.99"}', "{{service}}: {{request}}"),
        ),
        panel("Idle request handlers", "Share of their time", SHARE, ("kafka_broker_handlers_idle", "{{service}}")),
        panel(
            "Partitions in trouble", "Without all of their replicas, or offline", COUNT,
            ("kafka_broker_underreplicatedpartitions", "{{service}}: too few replicas"),
            ("kafka_controller_offlinepartitionscount", "{{service}}: offline"),
        ),
        panel(
            "Java's heap", "In use, of each broker", BYTES,
            ('sum by (service) (jvm_memory_used_bytes{area="heap"})', "{{service}}"),
        ),
    ),
)  # fmt: skip

_FOUND, _READ = (f"rate(seawall_database_blocks_{what}_total[{EVERY}])" for what in ("found", "read"))

DATABASE = Dashboard(
    "database",
    "Seawall: the database",
    (
        panel(
            "Transactions", "Each statement of sync and of the lookups is one; a batch is one, too", PER_SECOND,
            (f"rate(seawall_database_transactions_total[{EVERY}])", "ended"),
            (f"rate(seawall_database_rolled_back_total[{EVERY}])", "rolled back"),
        ),
        panel(
            "Rows", "Inserted by all paths, and read", PER_SECOND,
            (f"rate(seawall_database_rows_inserted_total[{EVERY}])", "inserted"),
            (f"rate(seawall_database_rows_returned_total[{EVERY}])", "read"),
        ),
        panel(
            "Rows by entity", "Written by sinks", PER_SECOND,
            (rate("seawall_sink_rows_total", "entity"), "{{entity}}"),
        ),
        panel("Connections", "Of everybody", COUNT, ("seawall_database_connections", "{{state}}")),
        panel(
            "Pools of the API", "Connections, of as many as there may be", COUNT,
            ("sum by (pool, state) (seawall_pool_connections)", "{{pool}}: {{state}}"),
            ("sum by (pool) (seawall_pool_size)", "{{pool}}: most"),
        ),
        panel(
            "Stages of the direct paths", "p95: waiting for a connection or a batch, statement or commit", SECONDS,
            (quantile(0.95, "seawall_stage_seconds", "path, stage", 'path=~"sync|grouped"'), "{{path}}: {{stage}}"),
        ),
        panel("Waiting records", "By path", COUNT, ("sum by (path) (seawall_waiting_records)", "{{path}}")),
        panel("Batches of grouped", "Mean of records", COUNT, (mean("seawall_batch_records", "path"), "{{path}}")),
        panel(
            "Blocks in PostgreSQL's memory", "Share of those that statements needed", SHARE,
            (f"{_FOUND} / ({_FOUND} + {_READ})", "found"),
        ),
        panel(
            "Write-ahead log", "Of the whole server", BYTES,
            (f"rate(seawall_database_wal_bytes_total[{EVERY}])", "a second"),
        ),
        panel("Size", "Of the database on disk", BYTES, ("seawall_database_size_bytes", "size")),
        panel(
            "Deadlocks", "A second", PER_SECOND, (f"rate(seawall_database_deadlocks_total[{EVERY}])", "deadlocks"),
        ),
        panel(
            "Queries of the lookups", "What the caches could not spare the database", PER_SECOND,
            (rate("seawall_lookup_queries_total", "entity"), "{{entity}}"),
        ),
        panel(
            "Servers that answer", "1 where one did when it was asked for its statistics", COUNT,
            ("seawall_stack_reachable", "{{server}}"),
        ),
    ),
)  # fmt: skip

_FROM_CACHES, _LOOKUPS = rate("seawall_lookups_total", "entity", _HITS), rate("seawall_lookups_total", "entity")

CACHE = Dashboard(
    "cache",
    "Seawall: the caches",
    (
        panel(
            "Lookups", "By who answered", PER_SECOND,
            (rate("seawall_lookups_total", "answered_by"), "{{answered_by}}"),
        ),
        panel(
            "Hit rate", "Of both levels together, of all lookups", SHARE,
            (f"{_FROM_CACHES} / {_LOOKUPS}", "{{entity}}"),
        ),
        panel(
            "p95 of lookups", "By who answered, without HTTP", SECONDS,
            (quantile(0.95, "seawall_lookup_seconds", "answered_by"), "{{answered_by}}"),
        ),
        panel(
            "p95 of reads", "By what was read, with HTTP", SECONDS,
            (quantile(0.95, "seawall_request_seconds", "entity", 'path="lookup"'), "{{entity}}"),
        ),
        panel("Memory (L1)", "Entries of each API process", COUNT, ("seawall_lookup_entries", "{{service}}")),
        panel(
            "Valkey (L2)", "Keys, and connections", COUNT,
            ("seawall_valkey_keys", "keys"), ("seawall_valkey_clients", "connections"),
        ),
        panel("Valkey's memory", "In use", BYTES, ("seawall_valkey_memory_bytes", "in use")),
        panel(
            "Valkey's keys", "Asked for, by whether they were there", PER_SECOND,
            (f"rate(seawall_valkey_hits_total[{EVERY}])", "found"),
            (f"rate(seawall_valkey_misses_total[{EVERY}])", "not found"),
            (f"rate(seawall_valkey_commands_total[{EVERY}])", "commands of all kinds"),
        ),
        panel(
            "Keys that went", "For want of room, or since their time was over", PER_SECOND,
            (f"rate(seawall_valkey_evicted_total[{EVERY}])", "evicted"),
            (f"rate(seawall_valkey_expired_total[{EVERY}])", "expired"),
        ),
        panel(
            "Statements and what they found", "Of the lookups", PER_SECOND,
            (rate("seawall_lookup_queries_total"), "statements"), (rate("seawall_lookup_rows_total"), "rows"),
        ),
        panel(
            "Invalidations", "Announcements of what to forget", PER_SECOND,
            (rate("seawall_lookup_invalidations_total", "service"), "{{service}}"),
        ),
        panel(
            "Valkey in trouble", "Requests that it did not answer, and those it was spared after that", PER_SECOND,
            (rate("seawall_cache_failures_total"), "failures"), (rate("seawall_cache_skipped_total"), "skipped"),
        ),
        panel(
            "Past the caches", "Lookups that asked for that", PER_SECOND,
            (rate("seawall_lookup_anew_total", "entity"), "{{entity}}"),
        ),
        panel(
            "Bounds on staleness", "How old an answer can be where no announcement came", SECONDS,
            ("max by (entity, answered_by) (seawall_lookup_staleness_bound_seconds)", "{{entity}}: {{answered_by}}"),
        ),
    ),
)  # fmt: skip


def _figure(name: str) -> str:
    return f'seawall_run_figure{{figure="{name}"}}'


HISTORY = Dashboard(
    "history",
    "Seawall: history of runs",
    (
        panel(
            "p95 of answers", "Of the last run of each experiment, ms", "ms",
            (_figure("response p95, ms"), "{{experiment}}: {{arm}}"),
        ),
        panel("p95 until visible", "The same, ms", "ms", (_figure("visible p95, ms"), "{{experiment}}: {{arm}}")),
        panel(
            "Achieved", "Of the last run of each experiment", PER_SECOND,
            (_figure("achieved, /s"), "{{experiment}}: {{arm}}"),
        ),
        panel("Failed", "Share of the requests", "percent", (_figure("failed, %"), "{{experiment}}: {{arm}}")),
        panel(
            "Verdicts", "1 for the verdict of each arm", COUNT,
            ("seawall_run_verdict == 1", "{{experiment}}: {{arm}}: {{outcome}}"),
        ),
        panel("Lost records", "As the audit found", COUNT, ("seawall_run_lost_records", "{{experiment}}: {{arm}}")),
        panel(
            "Age", "Of the last run of each experiment", SECONDS,
            ("time() - seawall_run_started_timestamp_seconds", "{{experiment}}"),
        ),
    ),
)  # fmt: skip

DASHBOARDS = (OVERVIEW, LOAD, KAFKA, DATABASE, CACHE, HISTORY)
