"""``python -m workers.csv_import direct|kafka FILE`` imports a file; ``... sink`` stores what came through the log.

``... check FILE`` needs no server: it says how the file would be read. Addresses are those of `contract.connections`. A
line of JSON a batch goes to standard output.
"""

from __future__ import annotations

import signal
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from confluent_kafka import KafkaException

from contract.connections import Connections
from contract.csv_rows import WAYS
from contract.errors import BadConnection, NoTopics
from contract.logs import start_logging
from workers.csv_import import dialect, encodings
from workers.csv_import.direct import import_directly
from workers.csv_import.errors import DatabaseFailed, ImportFailed, NoTables, NotPublished
from workers.csv_import.reading import BATCH_ROWS, Asked, Reading
from workers.csv_import.records import CsvFile
from workers.csv_import.table import table_of
from workers.progress_lines import say

STOPPED = 130
_MOST_BATCH = 1_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Import, or store what comes, until the end or SIGTERM or SIGINT; return the exit code.

    0 all is done, 1 a server does not do its part, 2 the file or the usage is wrong, 130 stopped before the end.
    """
    chosen = _parser().parse_args(arguments)
    start_logging("text")
    try:
        if chosen.what == "check":
            with CsvFile(chosen.file, encoding=chosen.encoding, delimiter=chosen.delimiter) as file:
                say(file.form())
            return 0
        connections = Connections.read()
        return _sink(connections) if chosen.what == "sink" else _import(connections, chosen)
    except (ImportFailed, BadConnection, NoTopics, OSError, KafkaException) as error:
        said, code = _words_of(error)
        return _failed(said, code)


def _words_of(error: Exception) -> tuple[str, int]:
    """Return what to say of *error*, and the exit code."""
    if isinstance(error, OSError):
        return f"{error.filename or 'the system'}: {error.strerror or error}", 2
    if isinstance(error, KafkaException):
        return f"Kafka: {error.args[0].str()}", 1
    of_server = isinstance(error, (NotPublished, DatabaseFailed)) and not isinstance(error, NoTables)
    return str(error), 1 if of_server else 2


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="python -m workers.csv_import", description="Import CSV files with name and age.")
    verbs = parser.add_subparsers(dest="what", required=True)
    verbs.add_parser("sink", help="store what comes through the log, until it is stopped")
    for way in ("check", *WAYS):
        one = verbs.add_parser(way, help=f"import a file: {way}" if way in WAYS else "say how a file would be read")
        one.add_argument("file", type=Path)
        one.add_argument("--encoding", default=encodings.AUTO, help=", ".join((encodings.AUTO, *encodings.KNOWN)))
        one.add_argument("--delimiter", default=dialect.AUTO, help=", ".join((dialect.AUTO, *dialect.DELIMITERS)))
        if way == "check":
            continue
        one.add_argument("--rejects", type=Path, help="where bad rows are reported (default: FILE.rejects.csv)")
        one.add_argument("--batch-rows", type=int, default=BATCH_ROWS, help=f"in a transaction (default {BATCH_ROWS})")
        one.add_argument("--anew", action="store_true", help="forget first what was imported of this file")
    return parser


def _import(connections: Connections, chosen: Namespace) -> int:
    if not 1 <= chosen.batch_rows <= _MOST_BATCH:
        return _failed(f"--batch-rows: 1 to {_MOST_BATCH:,}", 2)
    rejects = chosen.rejects or chosen.file.with_name(f"{chosen.file.name}.rejects.csv")
    table = table_of(connections, f"csv-{chosen.what}")
    try:
        asked = Asked(chosen.file, rejects, chosen.encoding, chosen.delimiter, chosen.batch_rows, chosen.anew)
        reading = Reading(asked, chosen.what, table)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: reading.stop())
        try:
            say(reading.beginning())
            if chosen.what == "direct":
                import_directly(reading, table)
            else:
                from workers.csv_import.publish import Publisher, publish  # noqa: PLC0415 - not every way needs them

                publish(reading, Publisher(connections.kafka), table)
        finally:
            reading.close()
    finally:
        table.close()
    if not reading.over:
        print("csv: stopped; what is imported stays, the same command goes on from there", file=sys.stderr)
    return 0 if reading.over else STOPPED


def _sink(connections: Connections) -> int:
    from workers.csv_import.sink import CsvSink, SinkFailed  # noqa: PLC0415 - as above

    sink = CsvSink(connections)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sink.stop())
    try:
        sink.run()
    except SinkFailed as error:
        return _failed(f"{error}; start the sink again", 1)
    return 0


def _failed(said: str, code: int) -> int:
    print(f"csv: {said}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
