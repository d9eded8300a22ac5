"""What is read of a CSV file: rows, rejects with their lines, and where reading goes on."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workers.csv_import.chunks import Chunk, Reject
from workers.csv_import.columnar import Columnar
from workers.csv_import.errors import BadFile
from workers.csv_import.lines import MOST_LINE_BYTES, Lines
from workers.csv_import.records import CsvFile

HEADER = "name,age,note\n"
WholeRow = tuple[int, str, int, dict[str, str]]
"""Line, name, age, and the other columns."""


def read(
    path: Path, *, encoding: str = "auto", delimiter: str = "auto", most: int = 1_000
) -> tuple[list[WholeRow], list[Reject]]:
    """Return all that is in a file."""
    rows, rejects = [], []
    with CsvFile(path, encoding=encoding, delimiter=delimiter) as file:
        for chunk in file.chunks(most=most):
            rows += whole(chunk)
            rejects += chunk.rejects
    return rows, rejects


def written(path: Path, data: bytes | str) -> Path:
    """Write a file and return its path."""
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def whole(chunk: Chunk) -> list[WholeRow]:
    """Return the rows of a chunk with their other columns."""
    lines, names, ages, others = chunk.rows
    columns = lines.tolist(), names.to_pylist(), map(int, ages.to_pylist()), map(json.loads, others.to_pylist())
    return list(zip(*columns, strict=True))


@pytest.mark.parametrize(
    ("codec", "encoding"),
    [
        ("utf-8", "auto"), ("utf-8-sig", "auto"), ("utf-8-sig", "utf-8"), ("utf-16", "auto"), ("utf-16", "utf-16"),
        ("utf-16-le", "auto"), ("utf-16-be", "auto"), ("utf-16-be", "utf-16"), ("cp949", "auto"), ("cp949", "cp949"),
        ("euc_kr", "auto"), ("euc_kr", "euc-kr"),
    ],
)  # fmt: skip
def test_korean_is_read_in_every_encoding(codec: str, encoding: str, tmp_path: Path) -> None:
    """Whether it is named or found out; lines end where they end in that encoding."""
    text = HEADER + '김철수,31,"서울, ""강남""\n둘째 줄"\r\n이영희,29,ਊ\n'.replace(
        "ਊ", "" if "16" not in codec else "ਊ"
    )
    rows, rejects = read(written(tmp_path / "a.csv", text.encode(codec)), encoding=encoding)
    assert not rejects
    assert rows[0] == (2, "김철수", 31, {"note": '서울, "강남"\n둘째 줄'})
    assert [line for line, *_ in rows] == [2, 4]


@pytest.mark.parametrize("encoding", ["auto", "latin-1"])
def test_latin_1_is_read(encoding: str, tmp_path: Path) -> None:
    """Its letters are no Korean."""
    rows, rejects = read(
        written(tmp_path / "a.csv", (HEADER + "José,31,Müñchen\n").encode("latin-1")), encoding=encoding
    )
    assert (rows, rejects) == ([(2, "José", 31, {"note": "Müñchen"})], [])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_out(delimiter: str, tmp_path: Path) -> None:
    """By what makes a header with the columns that there must be."""
    text = delimiter.join(("note", "Age", " NAME ")) + "\r" + delimiter.join(("x", " 7 ", "Kim")) + "\r"
    rows, _ = read(written(tmp_path / "a.csv", text))
    assert rows == [(2, "Kim", 7, {"note": "x"})]


PIECES = (
    "Kim,31,a", 'Kim,31,"a ""b"""', '"Kim",007,"two\nlines"', '"Kim","31",', "Kim, 31 ,a", "Kim,old,", "Kim,1", ",1,",
    "\ufeffKim,1,mark", 'Kim,1,"open', 'Kim,1,a"b', 'Kim,1,"a"b', "Kim,999,x", '""', "Kim,1,\r", "K\\m,1,\x07",
)  # fmt: skip
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    people=st.lists(st.tuples(TEXTS.filter(bool), st.integers(0, 150), TEXTS, TEXTS), min_size=1, max_size=12),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
    codec=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    most=st.integers(1, 5),
)
def test_what_the_writer_writes_is_read_equal(
    people: list[tuple[str, int, str, str]],
    delimiter: str,
    end: str,
    codec: str,
    quoting: int,
    most: int,
    tmp_path: Path,
) -> None:
    """Also when reading begins anew behind each chunk, as after a kill."""
    if end == "\n" and any("\r" in text for one in people for text in one if isinstance(text, str)):
        quoting = csv.QUOTE_ALL  # else the writer leaves it bare, and its own reader refuses that
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(("name", "age", "city", "note"))
    writer.writerows(people)
    path = written(tmp_path / "a.csv", text.getvalue().encode(codec))
    wanted = [(name, age, {"city": city, "note": note}) for name, age, city, note in people]
    with CsvFile(path, delimiter=delimiter, encoding=codec.removesuffix("-sig")) as file:
        at, rows = None, []
        while chunk := next(file.chunks(at, most=most), None):
            assert not chunk.rejects
            at = chunk.position
            rows += whole(chunk)
    assert [row[1:] for row in rows] == wanted
    assert len({row[0] for row in rows}) == len(rows)


BAD = {
    "missing column": ("Kim,31\n", "2 columns in place of 3"),
    "a column too many": ("Kim,31,a,b\n", "4 columns in place of 3"),
    "an age that is no number": ("Kim,old,a\n", "age: no whole number from 0 to 150"),
    "a negative age": ("Kim,-1,a\n", "age:"),
    "an age beyond all": ("Kim,151,a\n", "age:"),
    "digits of another script": ("Kim,٣,a\n", "age:"),
    "no name": (",31,a\n", "name: empty"),
    "a long name": (f"{'k' * 201},31,a\n", "name: longer than 200"),
    "a long text": (f"Kim,31,{'n' * 4_001}\n", "note: longer than 4,000"),
    "NUL": ("Ki\0m,31,a\n", "NUL"),
    "text behind a quote": ('Kim,31,"a"b\n', "quotes or line ends"),
}


@pytest.mark.parametrize(("line", "reason"), BAD.values(), ids=BAD)
def test_a_bad_row_is_rejected_with_its_line(line: str, reason: str, tmp_path: Path) -> None:
    """And those around it are read."""
    path = written(tmp_path / "a.csv", f"{HEADER}A,1,\n\n{line}B,2,\n")
    rows, rejects = read(path, encoding="utf-8")
    assert [(line, name) for line, name, *_ in rows] == [(2, "A"), (5, "B")]
    assert [(one.first, one.last) for one in rejects] == [(4, 4)]
    assert reason in rejects[0].reason


def test_bytes_of_no_character_reject_their_row(tmp_path: Path) -> None:
    """Not the file, where its encoding is known."""
    path = written(tmp_path / "a.csv", HEADER.encode() + "A,1,가\n".encode() + b"B\xff,2,\nC,3,\n")
    rows, rejects = read(path)
    assert [name for _, name, *_ in rows] == ["A", "C"]
    assert [(one.first, one.last) for one in rejects] == [(3, 3)]
    assert "no character" in rejects[0].reason


def test_a_quote_that_nothing_closes_costs_its_line_alone(tmp_path: Path) -> None:
    """Whether the file ends before it is closed, or so much follows that nobody meant it."""
    many = "".join(f"P{number},{number % 100},{'x' * 60}\n" for number in range(5_000))
    rows, rejects = read(written(tmp_path / "a.csv", f'{HEADER}A,1,"open\n{many}B,2,"open\nC,3,\n'))
    assert [(one.first, one.last) for one in rejects] == [(2, 2), (5_003, 5_003)]
    assert len(rows) == 5_001
    assert [line for line, *_ in rows] == [*range(3, 5_003), 5_004]


def test_a_record_that_does_not_end_costs_its_lines_alone(tmp_path: Path) -> None:
    """None of its fields is too long, and each of its lines could be one of a record's."""
    endless = "B,2" + f',"{"x" * 4_000}\n"' * 2_000
    path = written(tmp_path / "a.csv", f"{HEADER}A,1,\n{endless}\nC,3,\n")
    tracemalloc.start()
    rows, rejects = read(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [name for _, name, *_ in rows] == ["A", "C"]
    assert (rejects[0].first, rejects[0].last, rejects[-1].last) == (3, 3, 2_003)
    assert "not closed" in rejects[0].reason
    assert most < 4 * path.stat().st_size


def test_a_line_of_100_megabytes_is_rejected_in_little_memory(tmp_path: Path) -> None:
    """And what follows is read."""
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.write(HEADER.encode() + b"A,1,\nB,2,")
        for _ in range(100):
            file.write(b"x" * 1_000_000)
        file.write(b"\nC,3,\n")
    tracemalloc.start()
    rows, rejects = read(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [name for _, name, *_ in rows] == ["A", "C"]
    assert [(one.first, one.last) for one in rejects] == [(3, 3)]
    assert f"longer than {MOST_LINE_BYTES:,}" in rejects[0].reason
    assert most < 20_000_000


NO_FILE = {
    "empty": (b"", "it is empty"),
    "blank lines": (b"\n\n\n", "has to name the columns"),
    "only a header": (b"name,age\n", "no row below its header"),
    "other columns": (b"nom,annees\nA,1\n", "it has 'nom', 'annees'"),
    "no age": (b"name,note\nA,1\n", "'name' and 'age'"),
    "a column twice": (b"name,age,Age\nA,1,2\n", "names columns twice: 'age'"),
    "a column without a name": (b"name,age,\nA,1,2\n", "whose name is empty"),
    "binary": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)), "this is no text"),
    "a long first line": (b"name,age," + b"x" * 2_000_000, "no header"),
}


@pytest.mark.parametrize(("data", "said"), NO_FILE.values(), ids=NO_FILE)
def test_what_is_no_such_file_is_refused(data: bytes, said: str, tmp_path: Path) -> None:
    """The message names the file, and what is wrong with it."""
    path = written(tmp_path / "a.csv", data)
    with pytest.raises(BadFile, match=r"a\.csv") as caught:
        CsvFile(path)
    assert said in str(caught.value)


def test_no_file_and_a_directory_are_refused(tmp_path: Path) -> None:
    """In words."""
    with pytest.raises(BadFile, match="No such file"):
        CsvFile(tmp_path / "nowhere.csv")
    with pytest.raises(BadFile, match="is a directory"):
        CsvFile(tmp_path)


@pytest.mark.parametrize(("encoding", "delimiter"), [("klingon", "auto"), ("auto", "::")])
def test_an_encoding_or_delimiter_that_is_none_is_refused(encoding: str, delimiter: str, tmp_path: Path) -> None:
    """With those that there are."""
    with pytest.raises(BadFile, match="is none of auto"):
        CsvFile(written(tmp_path / "a.csv", f"{HEADER}A,1,\n"), encoding=encoding, delimiter=delimiter)


def test_a_chunk_holds_so_much_and_no_more(tmp_path: Path) -> None:
    """However many columns a row has."""
    text = HEADER + "".join(f"A,1,{'x' * 3_900}\n" for _ in range(1_000))
    with CsvFile(written(tmp_path / "a.csv", text)) as file:
        chunks: list[Chunk] = list(file.chunks())
    assert len(chunks) > 3
    assert sum(chunk.size for chunk in chunks) == 1_000


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "cp949"])
def test_reading_goes_on_from_any_chunk_of_a_large_file(codec: str, tmp_path: Path) -> None:
    """Whatever piece of the file its next line lies in, and whether records have several lines or are bad."""
    lines = (f'김 {number},{number % 200},"{"x" * (number % 90)}\n{number}"\n\n' for number in range(9_000))
    path = written(tmp_path / "a.csv", (HEADER + "".join(lines)).encode(codec))
    wanted, bad = read(path)
    assert len(wanted) + len(bad) == 9_000
    assert path.stat().st_size > 3 << 17
    with CsvFile(path) as file:
        at, rows, rejects = None, [], []
        while chunk := next(file.chunks(at, most=700), None):
            at = chunk.position
            rows += whole(chunk)
            rejects += chunk.rejects
    assert rows == wanted
    assert rejects == bad


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(st.text(',"\n\ra7 é\\\t\ufeff', max_size=16) | st.sampled_from(PIECES), max_size=14),
    end=st.sampled_from(["\n", "\r\n", ""]),
    most=st.integers(1, 5),
    piece_bytes=st.sampled_from([7, 30, 1 << 18]),
)
def test_columns_say_what_records_do(lines: list[str], end: str, most: int, piece_bytes: int, tmp_path: Path) -> None:
    """Whatever a file holds, and wherever its pieces end, columns give what reading record by record does."""
    path = written(tmp_path / "a.csv", HEADER + "A,1,\n" + end.join(lines))
    with patch.object(Lines, "piece_bytes", piece_bytes):
        by_columns = read(path, encoding="utf-8", delimiter=",", most=most)
    with patch.object(Columnar, "piece", return_value=None):
        one_by_one = read(path, encoding="utf-8", delimiter=",", most=most)
    assert by_columns == one_by_one


def test_most_pieces_are_read_as_columns(tmp_path: Path) -> None:
    """Quotes, line feeds within them and bad records do not keep them from it; a stray quote keeps its own piece."""
    plain = "".join(f'Kim,{number % 100},"a ""b""\n, c"\nKim,old,\nKim,1\n' for number in range(20_000))
    path = written(tmp_path / "a.csv", f'{HEADER}{plain}Kim,1,5" pipe\n{plain}')
    with patch.object(Columnar, "piece", autospec=True, side_effect=Columnar.piece) as asked:
        rows, rejects = read(path)
    left = [call for call in asked.call_args_list if Columnar.piece(*call.args) is None]
    assert (len(rows), len(rejects)) == (40_001, 80_000)
    assert (len(left), asked.call_count > 5) == (1, True)


def test_a_field_too_long_is_taken_for_an_open_quote_by_both(tmp_path: Path) -> None:
    """Two lone quotes far apart cost their two lines, and not what lies between."""
    many = "".join(f"P{number},{number % 100},{'x' * 40}\n" for number in range(4_000))
    rows, rejects = read(written(tmp_path / "a.csv", f'{HEADER}A,1,"\n{many}B,2,"\nC,3,\n'))
    assert [(one.first, one.last) for one in rejects] == [(2, 2), (4_003, 4_003)]
    assert len(rows) == 4_001


def test_a_delimiter_beyond_ascii_is_read_record_by_record(tmp_path: Path) -> None:
    """As any other single character."""
    path = written(tmp_path / "a.csv", "name§age§note\nKim§31§a,b\n")
    assert read(path, encoding="utf-8", delimiter="§") == ([(2, "Kim", 31, {"note": "a,b"})], [])


def test_a_mark_at_the_beginning_of_a_line_is_part_of_it(tmp_path: Path) -> None:
    """Files that were put together have such."""
    rows, _ = read(written(tmp_path / "a.csv", f"{HEADER}\ufeffKim,31,a\nLee,1,b\n"), encoding="utf-8")
    assert [name for _, name, *_ in rows] == ["\ufeffKim", "Lee"]
