"""Errors of the reviews' worker.

ReviewsError
 ├─ WorkerFailed    the consumer cannot go on; only a new process can
 ├─ Stopped         the worker ends while a batch still waits
 ├─ Unavailable     the model does not answer as it should; it may do later
 │   └─ Throttled     it asks for patience (429)
 └─ Refused         the model refuses what it was asked, and always will
"""


class ReviewsError(Exception):
    """Something that keeps reviews from being judged."""


class WorkerFailed(ReviewsError):
    """The consumer cannot go on; the process should end and be started again."""


class Stopped(ReviewsError):
    """The worker ends; what was not written is read again by whoever follows."""


class Unavailable(ReviewsError):
    """No answer, or one that says that there is none now; *wait_s* is how long the model asks to wait, 0 if unsaid."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class Throttled(Unavailable):
    """The model answers, but not so often."""


class Refused(ReviewsError):
    """The same call will always be refused; asked about fewer reviews at once, the model may take it."""
