"""A trial's ledger: what was sent, read back from the recorder's Parquet files as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from contract.ids import ENTITY_BITS, USER_BITS, Run
from contract.samples import Shape
from seawall.audit.errors import AuditFailed
from seawall.load.part_facts import facts_of
from seawall.load.payloads import content_index
from seawall.load.statuses import parted

UInt64s = npt.NDArray[np.uint64]
Int64s = npt.NDArray[np.int64]

NEVER = np.iinfo(np.int64).max
"""The time of what did not happen."""

VARIANT = np.uint64(0b10 << 62)


@dataclass(frozen=True)
class Ledger:
    """Every request of one trial, one row each; all arrays have shape ``(requests,)``.

    Within a run the lower 64 bits of an id say all, so *low* serves as the record's key.
    """

    run: Run
    seed: int
    shape: Shape
    endpoints: tuple[str, ...]
    user: npt.NDArray[np.uint32]
    sequence: npt.NDArray[np.uint32]
    entity: npt.NDArray[np.uint8]
    endpoint: npt.NDArray[np.uint8]
    intended_ns: Int64s
    sent_ns: Int64s
    answered_ns: Int64s
    status: npt.NDArray[np.uint16]
    overruled: npt.NDArray[np.bool_]
    """Whether the user's word on success was another than the status's."""
    denied: npt.NDArray[np.bool_]
    """Whether a refusal said that nothing was stored."""

    @property
    def low(self) -> UInt64s:
        """The lower 64 bits of each record's id."""
        low: UInt64s = self.sequence.astype(np.uint64)
        low <<= np.uint64(USER_BITS)
        low |= self.user
        low <<= np.uint64(ENTITY_BITS)
        low |= self.entity
        low |= VARIANT
        return low

    @property
    def content(self) -> Int64s:
        """Which content of the payload pool each record carries."""
        return content_index(self.user.astype(np.int64), self.sequence.astype(np.int64))

    @property
    def accepted(self) -> npt.NDArray[np.bool_]:
        """Whether the answer said that the record was taken."""
        return (self.status >= 200) & (self.status < 300)  # noqa: PLR2004 - HTTP

    @property
    def succeeded(self) -> npt.NDArray[np.bool_]:
        """Whether the request succeeded, as its user says."""
        return self.accepted ^ self.overruled

    @property
    def refused(self) -> npt.NDArray[np.bool_]:
        """Whether the answer said that the record was not taken."""
        return ((self.status >= 400) & (self.status < 500)) | self.denied  # noqa: PLR2004 - HTTP

    @property
    def generator_lag_ns(self) -> Int64s:
        """How late each request left for the generator's own reasons.

        A user has one request at a time, so a slow answer makes its next request late; that is the service's doing
        and not counted here: the lag runs from the intended time or the user's previous answer, whichever is later.
        An answer that came after the sending did not hold it back: such a user waits for none.
        """
        order = np.lexsort((self.sent_ns, self.user))
        free_ns = self.intended_ns.copy()
        same_user = self.user[order][1:] == self.user[order][:-1]
        later, earlier = order[1:][same_user], order[:-1][same_user]
        answered_ns = self.answered_ns[earlier]
        held_ns = np.where(answered_ns <= self.sent_ns[later], answered_ns, 0)
        free_ns[later] = np.maximum(free_ns[later], held_ns)
        lag: Int64s = np.maximum(self.sent_ns - free_ns, 0)
        return lag


def read_ledger(directory: Path) -> Ledger:
    """Read the files that `seawall.load.recorder` wrote; a file that was left unfinished is not there.

    Raises `AuditFailed` where there is none, or one is damaged: each page has a checksum.
    """
    parts = LedgerParts(directory)
    parts.read_new()
    if not parts:
        raise AuditFailed(f"{directory} holds no part of a ledger")
    return parts.whole()


class LedgerParts:
    """The files of a ledger, as far as they have been read: more may come while a run goes on."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._read: set[Path] = set()
        self._columns: dict[str, npt.NDArray[Any]] = {}
        """Longer than they are filled, from the second reading on."""
        self._rows = 0
        self._about: dict[str, Any] = {}

    def __len__(self) -> int:
        return len(self._read)

    def read_new(self) -> None:
        """Read the files that have appeared; raises `AuditFailed` where one is damaged."""
        try:
            self._take([path for path in sorted(self._directory.glob("part-*.parquet")) if path not in self._read])
        except (pa.ArrowException, OSError, KeyError, ValueError, TypeError, OverflowError) as error:
            raise self._damaged(error) from None

    def whole(self) -> Ledger:
        """Return the ledger of all that was read, which must be one file at least; nothing is copied."""
        about = self._about
        try:
            columns = {name: column[: self._rows] for name, column in self._columns.items()}
            statuses = parted(columns.pop("status"))
            return Ledger(
                status=statuses.answered,
                overruled=statuses.overruled,
                denied=statuses.denied,
                run=Run(about["run_ms"], about["run_nonce"]),
                seed=about["seed"],
                shape=Shape(**about.get("shape", {})),
                endpoints=tuple(about["endpoints"]),
                **columns,
            )
        except (KeyError, ValueError, TypeError, OverflowError) as error:
            raise self._damaged(error) from None

    def _take(self, files: list[Path]) -> None:
        if not files:
            return
        sizes = [pq.read_metadata(path).num_rows for path in files]
        # The last file knows all endpoints; earlier ones know the first of them, in the same order.
        schema = pq.read_schema(files[-1])
        self._about = facts_of(schema.metadata)
        self._make_room(schema, self._rows + sum(sizes))
        # Part by part into arrays of the whole length, so that no column is there twice.
        for path, size in zip(files, sizes, strict=True):
            part = pq.read_table(path, page_checksum_verification=True)
            for name, column in self._columns.items():
                column[self._rows : self._rows + size] = part.column(name).to_numpy()
            self._rows += size
            self._read.add(path)

    def _make_room(self, schema: pa.Schema, rows: int) -> None:
        if not self._columns:
            self._columns = {field.name: np.empty(rows, dtype=field.type.to_pandas_dtype()) for field in schema}
            return
        room = len(next(iter(self._columns.values())))
        if rows > room:
            for name, column in self._columns.items():
                grown = np.empty(max(rows, room * 3 // 2), dtype=column.dtype)
                grown[: self._rows] = column[: self._rows]
                self._columns[name] = grown

    def _damaged(self, error: Exception) -> AuditFailed:
        reason = str(error).partition("\n")[0] or type(error).__name__
        return AuditFailed(f"{self._directory} holds a ledger that is damaged, or none of Seawall's: {reason}")
