"""Errors of the import.

ImportFailed
 ├─ BadFile        a file that cannot be imported at all: not there, empty, binary, without the columns
 ├─ OtherReading   the file was imported before, and read in another way
 ├─ AlreadyRunning another process imports this file just now
 └─ NotPublished   the log does not take what is sent
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
