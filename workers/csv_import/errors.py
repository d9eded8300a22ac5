"""Errors of the import.

ImportFailed
 ├─ BadFile        a file that cannot be imported at all: not there, empty, binary, without the columns
 ├─ OtherReading   the file was imported before, and read in another way
 ├─ AlreadyRunning another process imports this file just now
 ├─ NotPublished   the log does not take what is sent
 └─ DatabaseFailed the database does not do its part
    ├─ NoTables    it lacks the tables
    └─ Refused     it refuses the values themselves, now and for ever
"""


class ImportFailed(Exception):
    """Something that keeps a file from being imported; nothing of the row at which it stopped is stored."""


class BadFile(ImportFailed):
    """A file that cannot be imported; the message says why, and what to do."""


class OtherReading(ImportFailed):
    """The file was imported before with another encoding or delimiter, so its rows would not be the same."""


class AlreadyRunning(ImportFailed):
    """Another process imports the same file."""


class NotPublished(ImportFailed):
    """The log does not acknowledge what is sent."""


class DatabaseFailed(ImportFailed):
    """The database does not do its part; the message is its own."""


class NoTables(DatabaseFailed):
    """The database lacks the tables."""

    def __init__(self) -> None:
        super().__init__("the database lacks the tables: bring it up to date by `python -m contract.migrate`")


class Refused(DatabaseFailed):
    """The database refuses the values themselves, now and for ever."""
