"""What was planted is found, and a healthy run is left in peace."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import planted
import pytest

from seawall.advice.advise import advised
from seawall.report.stored import result_in_file
from seawall.result import (
    Advice,
    AdviceKind,
    Arm,
    ArmComparison,
    AuditCounts,
    FullScan,
    JudgedTarget,
    Outcome,
    PassedOver,
    Quantiles,
    Result,
    SlowStatement,
    SpreadFigures,
)
from seawall.stack.places import ROOT

SCAN = FullScan(
    statement="SELECT * FROM orders WHERE country = $1", calls=400, mean_ms=12.5, total_ms=5_000.0, rows_per_call=2.0,
    table="orders", table_rows=120_000, kept_rows=600, condition="(country = $1)",
    index="CREATE INDEX ON orders (country)", plan=["Seq Scan on orders", "  Filter: (country = $1)"],
)  # fmt: skip
ALONE = {"requests": 18_000, "records_per_request": 1.1}


def given(result: Result) -> list[Advice]:
    """Return the advice on a result."""
    return advised(result).advice


def only(result: Result) -> Advice:
    """Return the one advice that is given."""
    (found,) = given(result)
    return found


def test_a_healthy_run_gets_none() -> None:
    """Figures as those of the stored runs on a quiet machine."""
    assert given(planted.result()) == []


STORED = sorted((ROOT / "results" / "reference").glob("*/result.json"))


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.parent.name)
def test_stored_results_can_be_read_for_advice(path: Any) -> None:
    """Of earlier versions, too, which have fewer figures: what they do not hold, nothing is said about."""
    for one in given(result_in_file(path)):
        assert one.evidence
        assert all(map(math.isfinite, one.evidence.values()))


def test_records_that_go_alone_are_told_of() -> None:
    """With linger.ms = 0 nearly each has a request of its own."""
    found = only(planted.result(planted.trial(log={**ALONE, "linger_ms": 0.0})))
    assert found.kind is AdviceKind.BATCHES
    assert "1,800 requests a second, with 1.10 records each: 0.04% of the 1,000,000 bytes" in found.says
    assert "(now 0)" in found.advice
    assert found.evidence["records_per_request"] == 1.1
    assert found.trials == ["load-kafka-0a"]


@pytest.mark.parametrize(
    "log",
    [
        pytest.param({**ALONE, "requests": 400}, id="there are few requests"),
        pytest.param({**ALONE, "batch_bytes": 500}, id="batches are full, as they may hold no more"),
        pytest.param({**ALONE, "batch_bytes": None}, id="nobody knows how much they may hold"),
        pytest.param({"requests": 7_400, "records_per_request": 2.7}, id="they gather"),
    ],
)
def test_of_batches_nothing_is_said_where(log: dict[str, Any]) -> None:
    """The figures do not bear it."""
    assert given(planted.result(planted.trial(log=log))) == []


def lingering(linger_ms: float = 50.0, **fields: Any) -> Any:
    """Return a trial whose answers wait for so long."""
    return planted.trial(log={"linger_ms": linger_ms}, service_ms=Quantiles(p50=linger_ms * 1.05), **fields)


def test_a_long_linger_is_the_floor_of_the_latency() -> None:
    """It is most of the median answer, and longer than what is shipped."""
    found = only(planted.result(lingering()))
    assert found.kind is AdviceKind.LINGER
    assert "52.5 ms" in found.says
    assert "linger.ms = 50" in found.says
    assert found.evidence == {"linger_ms": 50.0, "service_p50_ms": 52.5}


def test_the_shipped_linger_is_told_of_where_it_makes_kafka_slower() -> None:
    """Beyond doubt, and than a path without it; beside another arm of kafka something else differs."""
    arms = [planted.result().arms[0], Arm(name="sync", path="sync", durability="fsync")]
    pair = ArmComparison(
        base="sync", arm="kafka", metric="response_p95_ms", kind="load", entity="mixed", ratio=3.2, says="larger"
    )
    assert "3.20 times that of sync" in only(planted.result(arms=arms, comparisons=[pair])).says
    unsure = msgspec.structs.replace(pair, says="no difference shown")
    assert given(planted.result(arms=arms, comparisons=[unsure])) == []
    alike = [arms[0], Arm(name="sync", path="kafka", durability="")]
    assert given(planted.result(arms=alike, comparisons=[pair])) == []


def test_the_shipped_linger_is_told_of_where_a_target_of_answers_was_missed() -> None:
    """And not where only rows come late."""
    missed = JudgedTarget(
        set="always", name="writes answer in time", metric="response_p95_ms", scope="write", limit="< 12 ms",
        arm="kafka", trials=4, outcome=Outcome.FAIL,
    )  # fmt: skip
    assert "'writes answer in time' was missed" in only(planted.result(targets=[missed])).says
    late = msgspec.structs.replace(missed, metric="visible_p95_ms")
    assert given(planted.result(targets=[late])) == []


@pytest.mark.parametrize(
    "trial",
    [
        pytest.param(planted.trial(log={"linger_ms": 50.0}, service_ms=Quantiles(p50=400.0)), id="others wait longer"),
        pytest.param(planted.trial(log={"linger_ms": 50.0}, service_ms=Quantiles(p50=8.0)), id="batches leave early"),
        pytest.param(planted.trial(log={"linger_ms": None}, service_ms=Quantiles(p50=50.0)), id="nobody knows it"),
        pytest.param(lingering(invalid_because=["the generator was late"]), id="the trial is invalid"),
    ],
)
def test_of_linger_nothing_is_said_where(trial: Any) -> None:
    """It is not what answers wait for, or nobody can tell."""
    assert given(planted.result(trial)) == []


def test_a_hot_partition_is_found() -> None:
    """With the lag that lies in it."""
    lag = {"maximum": 900, "partition_maximum": {"seawall.users[0]": 850, "seawall.users[1]": 20}}
    found = only(planted.result(planted.trial(spread=SpreadFigures(fullest=2.0), lag=lag)))
    assert found.kind is AdviceKind.HOT_PARTITION
    assert "fullest of 3 partitions got 2.00 times its even share, over 20,000 records" in found.says
    assert "one partition had up to 850" in found.says


@pytest.mark.parametrize(
    ("fullest", "stored"), [(1.4, 20_000), (2.9, 150), (1.6, 1_000)], ids=["a little", "of few", "by chance"]
)
def test_partitions_that_chance_could_have_filled_are_no_finding(fullest: float, stored: int) -> None:
    """As in a short trial."""
    few = planted.trial(spread=SpreadFigures(fullest=fullest), audit=AuditCounts(stored=stored))
    settings = {"kafka": {"topics": {"seawall.users": {"partitions": 12}}}}
    arms = [Arm(name="kafka", path="kafka", durability="", settings=settings)]
    assert given(planted.result(few, arms=arms)) == []


FALLS_BEHIND = {"slope_per_s": 300.0, "slope_low": 250.0, "slope_high": 350.0, "maximum": 3_000}


def test_a_sink_that_fills_its_core_wants_others_beside_it() -> None:
    """As far as there are partitions."""
    busy = planted.trial(lag=FALLS_BEHIND, cores={**planted.CORES, "sink-1": 0.96})
    found = only(planted.result(busy))
    assert found.kind is AdviceKind.SINK
    assert "of 2,000 requests offered a second the lag grew by 300 records (95 % interval from 250 on)" in found.says
    assert "96% of a core" in found.says
    assert "start more sinks" in found.advice
    many = {**planted.CORES, **{f"sink-{number}": 0.9 for number in (1, 2, 3)}}
    assert "more of these first" in only(planted.result(planted.trial(lag=FALLS_BEHIND, cores=many))).advice


def test_a_sink_that_waits_is_told_from_one_that_works() -> None:
    """More processes are not what it lacks."""
    found = only(planted.result(planted.trial(lag=FALLS_BEHIND)))
    assert "they wait" in found.advice
    assert "40.0 rows a transaction" in found.advice


@pytest.mark.parametrize(
    "trial",
    [
        pytest.param(planted.trial(lag={"slope_per_s": 300.0, "slope_low": -5.0}), id="it may be chance"),
        pytest.param(planted.trial(lag={"slope_per_s": 30.0, "slope_low": 10.0}), id="it is next to nothing"),
        pytest.param(
            planted.trial(lag={"slope_per_s": 8.0, "slope_low": 4.0}, offered_per_s=50.0), id="it is a batch or two"
        ),
        pytest.param(planted.trial(lag=FALLS_BEHIND, restarts={"sink-1": 1}), id="a sink was killed"),
        pytest.param(planted.trial(lag=FALLS_BEHIND, offered_per_s=None), id="nobody knows the rate"),
    ],
)
def test_a_lag_says_nothing_where(trial: Any) -> None:
    """It does not grow by itself beyond doubt."""
    assert given(planted.result(trial)) == []


def test_a_time_to_live_that_is_too_short_costs_hits() -> None:
    """Each row was fetched again and again, and none could stay for longer."""
    found = only(planted.result(planted.trial(kind={"hits": 9_000, "fetched": 10_500, "lives_s": 0.5})))
    assert found.kind is AdviceKind.CACHE_TTL
    assert "45% of 20,000 lookups of users" in found.says
    assert "10,500 rows, of 1,000 that there are" in found.says
    assert "0.5 s at most" in found.says


def test_entries_that_go_before_their_time_have_another_reason() -> None:
    """Time is not it."""
    found = only(planted.result(planted.trial(kind={"hits": 9_000, "fetched": 10_500})))
    assert found.kind is AdviceKind.CACHE_KEY
    assert "Something else than time" in found.advice


def test_keys_that_differ_each_time_cost_hits() -> None:
    """Of answers whose number nobody knows: many lookups come while one lives, and each asks for another."""
    keyed = {"lookups": 4_000, "hits": 300, "fetched": 3_700, "there": 0, "lives_s": 5.0}
    found = only(planted.result(planted.trial(of="top-products", kind=keyed)))
    assert found.kind is AdviceKind.CACHE_KEY
    assert "many different keys" in found.advice
    assert found.evidence["lookups_in_a_life"] == 2_000


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param({"hits": 19_000, "fetched": 5_000, "lives_s": 0.5}, id="nearly all are hits"),
        pytest.param({"hits": 9_000, "fetched": 950}, id="caches were cold: each row came once"),
        pytest.param({"lookups": 150, "hits": 10, "fetched": 140, "there": 20}, id="there are few lookups"),
        pytest.param({"anew": 10_000, "hits": 9_900, "fetched": 10_050}, id="clients ask past the caches"),
        pytest.param({"hits": 9_000, "fetched": 10_500, "lives_s": None}, id="nobody knows how long entries live"),
        pytest.param({"hits": 1_000, "fetched": 19_000, "there": 0, "lives_s": 0.001}, id="nothing lives long enough"),
    ],
)
def test_of_caches_nothing_is_said_where(kind: dict[str, Any]) -> None:
    """Hits are there, could not be, or cannot be reckoned."""
    assert given(planted.result(planted.trial(kind=kind))) == []


def test_a_statement_that_reads_a_whole_table_is_told_of_with_plan_and_index() -> None:
    """Once, by the trial in which it took most time."""
    less = msgspec.structs.replace(SCAN, total_ms=4_000.0, calls=300)
    found = only(planted.result(planted.trial(full_scans=[less], name="one"), planted.trial(full_scans=[SCAN])))
    assert found.kind is AdviceKind.STATEMENT
    assert "12.5 ms in the database on average, 400 times" in found.says
    assert "all 120,000 rows of orders for the 600 or so with (country = $1)" in found.says
    assert "`CREATE INDEX ON orders (country)`" in found.advice
    assert found.details == [SCAN.statement, *SCAN.plan]
    assert found.trials == ["load-kafka-0a"]


def test_a_statement_without_an_index_that_would_help_promises_none() -> None:
    """It is told of, and no more."""
    found = only(planted.result(planted.trial(full_scans=[msgspec.structs.replace(SCAN, index="")])))
    assert "No ordinary index" in found.advice


def test_a_statement_that_costs_nothing_is_left_out() -> None:
    """A hundredth of the trial's time, or ten milliseconds a call, are the least."""
    cheap = msgspec.structs.replace(SCAN, mean_ms=2.0, total_ms=40.0, calls=20)
    assert given(planted.result(planted.trial(full_scans=[cheap]))) == []


SLOW = SlowStatement(
    statement="SELECT * FROM orders ORDER BY total", calls=400, mean_ms=12.5, total_ms=5_000.0, rows_per_call=2.0,
    plan=["Sort", "  ->  Seq Scan on orders"], work_mem="4MB", shared_buffers="256MB",
)  # fmt: skip


def slow(**fields: Any) -> Any:
    """Return a trial with a slow statement of which *fields* are known."""
    return planted.trial(slow_statements=[msgspec.structs.replace(SLOW, **fields)])


def test_a_statement_that_writes_temporary_files_is_told_of_with_its_steps() -> None:
    """And the setting that leaves it no room."""
    found = only(planted.result(slow(temp_bytes_per_call=2_048_000.0, steps=["Sort by total"])))
    assert found.kind is AdviceKind.SPILL
    assert "It wrote 2,000 KB to temporary files at each call by what may be these steps" in found.says
    assert "Sort by total" in found.says
    assert "work_mem (now 4MB)" in found.advice
    assert found.evidence["temp_bytes_per_call"] == 2_048_000
    assert found.details == [SLOW.statement, *SLOW.plan]


def test_a_statement_whose_index_leads_to_rows_that_are_passed_over_is_told_of() -> None:
    """With an index that holds both conditions, where there is one."""
    rows = PassedOver(
        table="orders", fetched_per_call=600.0, led_by="(country = $1)", kept_by="(total > $2)",
        index="CREATE INDEX ON orders (country, total)",
    )  # fmt: skip
    found = only(planted.result(slow(passed_over=rows)))
    assert found.kind is AdviceKind.FILTER
    assert "600.0 rows of orders with (country = $1), and most of them did not meet (total > $2)" in found.says
    assert "`CREATE INDEX ON orders (country, total)`" in found.advice
    without = msgspec.structs.replace(rows, index="")
    assert "No ordinary index" in only(planted.result(slow(passed_over=without))).advice


def test_a_statement_that_mostly_waits_for_files_is_told_of() -> None:
    """One that waits for less than half of its time is not."""
    found = only(planted.result(slow(waits_ms=10.0)))
    assert found.kind is AdviceKind.WAITS
    assert "It waited for files in 10.0 ms of these, 80%" in found.says
    assert "shared_buffers, now 256MB" in found.advice
    assert given(planted.result(slow(waits_ms=5.0))) == []


def test_one_statement_may_have_several_reasons() -> None:
    """Each is told by itself; of one that costs nothing, none."""
    both = {"temp_bytes_per_call": 9_000.0, "waits_ms": 12.0}
    assert {one.kind for one in given(planted.result(slow(**both)))} == {AdviceKind.SPILL, AdviceKind.WAITS}
    assert given(planted.result(slow(**both, mean_ms=2.0, total_ms=40.0, calls=20))) == []


def test_advice_is_given_once_at_the_highest_load_at_which_it_holds() -> None:
    """As in a search for capacity, which tries many."""
    planted_at = [
        planted.trial(name=f"at-{rate}", offered_per_s=rate, lag=lag)
        for rate, lag in ((1_000.0, FALLS_BEHIND), (4_000.0, FALLS_BEHIND), (8_000.0, {}))
    ]
    found = only(planted.result(*planted_at, experiment="capacity"))
    assert found.offered_per_s == 4_000
    assert found.trials == ["at-4000.0"]


@pytest.mark.parametrize("experiment", ["fault", "controls", "stream-ingest"])
def test_what_is_broken_on_purpose_gets_no_advice(experiment: str) -> None:
    """A lag that grows under a fault is the fault's."""
    assert given(planted.result(planted.trial(lag=FALLS_BEHIND), experiment=experiment)) == []


def test_other_paths_are_not_told_of_the_log() -> None:
    """Even if they had such figures."""
    arms = [Arm(name="kafka", path="sync", durability="fsync", settings=planted.SETTINGS)]
    assert given(planted.result(lingering(), arms=arms)) == []
