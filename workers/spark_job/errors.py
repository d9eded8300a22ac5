"""Errors of the Spark job.

JobFailed
 ├─ NoSpark        pyspark is not installed, or Spark does not start
 └─ NoMaster       nothing answers at the master's address
"""


class JobFailed(Exception):
    """The job cannot go on; the message says why and what to do."""


class NoSpark(JobFailed):
    """Spark is not there, or does not start."""


class NoMaster(JobFailed):
    """No master answers."""
