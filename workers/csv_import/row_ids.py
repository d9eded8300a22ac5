"""Ids of imported rows, many at once: what `contract.csv_rows.FileIdentity.row` returns for one."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contract.csv_rows import LINE_SHIFT, NUMBER, FileIdentity
from contract.ids import low_bits

_HEX = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), dtype=np.uint16)
"""The two digits of each byte."""
_HALF, _DIGITS = 16, 32


def digits_of(lines: NDArray[np.int64], identity: FileIdentity) -> pa.Array:
    """Return the ids of the rows that begin at *lines*, as texts of 32 digits."""
    digits = np.empty((len(lines), _DIGITS), dtype=np.uint8)
    digits[:, :_HALF] = np.frombuffer(f"{identity.run.high:016x}".encode(), dtype=np.uint8)
    digits[:, _HALF:] = _HEX[_low_halves(lines, identity).view(np.uint8)].view(np.uint8).reshape(-1, _HALF)
    offsets = np.arange(0, digits.size + 1, _DIGITS, dtype=np.int32)
    return pa.Array.from_buffers(pa.string(), len(lines), [None, pa.py_buffer(offsets), pa.py_buffer(digits)])


def bytes_of(lines: NDArray[np.int64], identity: FileIdentity) -> list[bytes]:
    """Return the same ids as 16 bytes each."""
    keys = np.empty((len(lines), 2), dtype=">u8")
    keys[:, 0], keys[:, 1] = identity.run.high, _low_halves(lines, identity)
    whole = keys.tobytes()
    return [whole[at : at + _HALF] for at in range(0, len(whole), _HALF)]


def _low_halves(lines: NDArray[np.int64], identity: FileIdentity) -> NDArray[np.uint64]:
    """Return the lower 64 bits, the highest byte first."""
    base = low_bits(0, identity.user, NUMBER)
    return (np.uint64(base) + (lines.astype(np.uint64) << np.uint64(LINE_SHIFT))).astype(">u8")
