"""Reads the samples that k6 wrote by ``--out csv`` while it ran `k6/ingest.js`.

Each request leaves two: `seawall_sent` as it goes out, and `http_req_duration` when its answer is there, whose time is
the request's end. Both carry the request's id in their metadata. Samples without an id are not of our requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from contract.ids import ENTITY_BITS, SEQUENCE_BITS, USER_BITS

Int64s = npt.NDArray[np.int64]
UInt64s = npt.NDArray[np.uint64]

BEGAN, SENT, ANSWERED, DENIED, DROPPED = (
    "seawall_began", "seawall_sent", "http_req_duration", "seawall_denied", "dropped_iterations",
)  # fmt: skip
_WANTED = pa.array([BEGAN, SENT, ANSWERED, DENIED, DROPPED])
_TEXTS = ("metric_name", "method", "name", "status", "extra_tags", "metadata")
_ID = r"(?:^|&)id=(?P<id>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?:&|$)"
_SCOPE = r"(?:^|&)scope=(?P<scope>[^&]*)"
_ID_BYTES, _HYPHENS, _HALF_DIGITS = 36, (8, 13, 18, 23), 16
_LEAST_COLUMNS = {"timestamp", "metric_value", *_TEXTS}


class BadSamples(Exception):
    """A file that does not hold the samples of a whole run of our script; the message says why."""


@dataclass(frozen=True)
class Ids:
    """Ids in their parts, shape ``(samples,)`` each."""

    high: UInt64s
    low: UInt64s

    @property
    def entity(self) -> UInt64s:
        """Which entity each record is; 0 where the request writes none."""
        return self.low & np.uint64((1 << ENTITY_BITS) - 1)

    @property
    def user(self) -> UInt64s:
        """Whose turn each request was."""
        return (self.low >> np.uint64(ENTITY_BITS)) & np.uint64((1 << USER_BITS) - 1)

    @property
    def sequence(self) -> UInt64s:
        """The how manieth of its user each request was."""
        return (self.low >> np.uint64(ENTITY_BITS + USER_BITS)) & np.uint64((1 << SEQUENCE_BITS) - 1)


@dataclass(frozen=True)
class K6Samples:
    """What a run left; times are k6's wall clock in microseconds since 1970."""

    began_ms: float | None
    """The scenario's start, whole milliseconds; None where nothing was started."""
    sent: Ids
    sent_us: Int64s
    endpoint: npt.NDArray[np.object_]
    """Method and name, such as ``POST /v1/sync/orders``."""
    scope: npt.NDArray[np.object_]
    answered: Ids
    answered_us: Int64s
    status: Int64s
    """0 where no answer came."""
    denied: Ids
    """Refused with the word that nothing was stored."""
    dropped_us: Int64s


def read_samples(path: Path) -> K6Samples:
    """Read the file; raises `BadSamples` where it cannot be read, is cut off, or is not of our script."""
    try:
        table = pa.Table.from_batches(list(_wanted_batches(path)))
    except FileNotFoundError:
        raise BadSamples(f"{path} is not there: k6 has written nothing") from None
    except (pa.ArrowException, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise BadSamples(
            f"{path} is cut off or damaged ({reason}): k6 did not end as it should, and what became of its last"
            " requests nobody knows"
        ) from None
    names = table.column("metric_name")
    began, sent, answered, denied, dropped = (table.filter(pc.equal(names, one)) for one in _WANTED)
    sent, answered, denied = (_with_id(part) for part in (sent, answered, denied))
    scopes = pc.struct_field(pc.extract_regex(_whole(sent, "extra_tags"), _SCOPE), "scope")
    return K6Samples(
        began_ms=float(_whole(began, "metric_value")[0].as_py()) if len(began) else None,
        sent=_ids(sent),
        sent_us=_numbers(sent, "timestamp"),
        endpoint=_objects(pc.binary_join_element_wise(_whole(sent, "method"), _whole(sent, "name"), " ")),
        scope=_objects(pc.fill_null(scopes, "")),
        answered=_ids(answered),
        answered_us=_numbers(answered, "timestamp"),
        status=_numbers(answered, "status"),
        denied=_ids(denied),
        dropped_us=np.sort(_numbers(dropped, "timestamp")),
    )


def _wanted_batches(path: Path) -> Iterator[pa.RecordBatch]:
    types = {**dict.fromkeys(_TEXTS, pa.string()), "timestamp": pa.int64(), "metric_value": pa.float64()}
    convert = pa_csv.ConvertOptions(column_types=types, strings_can_be_null=False)
    with pa_csv.open_csv(path, convert_options=convert) as reader:
        missing = _LEAST_COLUMNS - set(reader.schema.names)
        if missing:
            raise BadSamples(
                f"{path} has no column {', '.join(sorted(missing))}: it is not of `k6 run --out csv` with k6/ingest.js"
            )
        columns = sorted(_LEAST_COLUMNS)
        yield _empty(reader.schema, columns)
        for batch in reader:
            yield batch.select(columns).filter(pc.is_in(batch.column("metric_name"), _WANTED))


def _empty(schema: pa.Schema, columns: list[str]) -> pa.RecordBatch:
    """Return no samples at all, which a file of nothing else would have as well."""
    return pa.RecordBatch.from_pylist([], schema=pa.schema([schema.field(name) for name in columns]))


def _with_id(table: pa.Table) -> pa.Table:
    """Return the samples with an id, which takes the place of their metadata."""
    ids = pc.struct_field(pc.extract_regex(_whole(table, "metadata"), _ID), "id")
    return table.append_column("id", ids).filter(pc.is_valid(ids))


def _ids(table: pa.Table) -> Ids:
    text = _whole(table, "id").cast(pa.binary(_ID_BYTES))
    digits = np.frombuffer(text.buffers()[1] or b"", np.uint8)[text.offset * _ID_BYTES :]
    digits = np.delete(digits[: len(text) * _ID_BYTES].reshape(-1, _ID_BYTES), _HYPHENS, axis=1)
    values = np.where(digits >= ord("a"), digits - ord("a") + 10, digits - ord("0")).astype(np.uint64)
    places = np.uint64(4) * np.arange(_HALF_DIGITS - 1, -1, -1, dtype=np.uint64)
    high, low = ((half << places).sum(axis=1, dtype=np.uint64) for half in np.split(values, 2, axis=1))
    return Ids(high, low)


def _whole(table: pa.Table, name: str) -> pa.Array:
    found = table.column(name).combine_chunks()
    return found if isinstance(found, pa.Array) else pa.concat_arrays(found.chunks)


def _numbers(table: pa.Table, name: str) -> Int64s:
    found: Int64s = _whole(table, name).cast(pa.int64()).to_numpy(zero_copy_only=False)
    return found


def _objects(texts: pa.Array) -> npt.NDArray[np.object_]:
    found: npt.NDArray[np.object_] = texts.to_numpy(zero_copy_only=False)
    return found
