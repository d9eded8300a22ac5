"""Errors of benchmarks.

BenchmarkError
 └─ ProcessFailed    a server or a generator that a benchmark needs does not start, or ended before its time
"""


class BenchmarkError(Exception):
    """Something that keeps a benchmark from its result."""


class ProcessFailed(BenchmarkError):
    """A process that a benchmark needs does not start, or ended before its time."""
