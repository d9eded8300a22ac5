"""A CSV file of people, made up: what an export of a user table looks like, with some records that are bad."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

COLUMNS = ("name", "age", "email", "city", "note")
BAD_EVERY = 1_000
"""So many records hold one bad one, of one kind after the other; files with fewer have one all the same."""
_FAMILIES = ("김", "이", "박", "최", "정", "Smith", "Jones", "Garcia", "Novak", "O'Hara")
_NAMES = ("민준", "서연", "도윤", "지우", "Ada", "Bo", "Chen", "Dana", "Eun-ji", "Finn")
_CITIES = ("서울", "부산", "대전", "Seoul", "Lisbon", "Krakow", "San Jose, CA", "Aachen", "Oslo", "Pune")
_NOTES = ("", "first order", 'says "hello"', "two\nlines", "called twice; no answer", "배송 전 연락", "a, b and c")


class Sample(NamedTuple):
    """What was written."""

    path: Path
    good: int
    bad: int


def write_sample(path: Path, rows: int, *, seed: int, encoding: str = "utf-8") -> Sample:
    """Write a file of so many records, the same for the same *seed*; raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    every = min(BAD_EVERY, rows)
    bad = rows // every
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_records(rows, every, random.Random(seed)))
    return Sample(path, rows - bad, bad)


def _records(rows: int, every: int, draw: random.Random) -> Iterator[list[str]]:
    for number in range(1, rows + 1):
        whole = draw.getrandbits(32)
        name = f"{_FAMILIES[whole % 10]} {_NAMES[whole // 10 % 10]}"
        record = [
            name,
            str(whole // 100 % 100),
            f"u{number}@example.org",
            _CITIES[whole // 10_000 % 10],
            _NOTES[whole // 100_000 % len(_NOTES)],
        ]
        yield record if number % every else _spoiled(record, number // every)


def _spoiled(record: list[str], number: int) -> list[str]:
    """Return *record* with one flaw: a column that is missing, an age that is none, or a name that is too long."""
    name, _, *rest = record
    return [record[:-1], [name, "unknown", *rest], ["x" * 300, *record[1:]], ["", *record[1:]]][number % 4]
