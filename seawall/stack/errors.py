"""Errors of the stack.

StackError
 ├─ BadOptions          options that cannot be used, all of them at once
 ├─ NoPlace             a directory that cannot be used: read-only, full, or somebody else's
 ├─ NoJava              no Java 17 or newer
 ├─ NoSpark             Spark is an extra, and not installed
 ├─ NoK6                no k6 that can be used, and none can be built
 ├─ JarsUnavailable     Kafka's jars cannot be fetched or are not what the lock says
 ├─ PortInUse           a fixed port that another program holds
 ├─ Unreachable         a server given by settings that does not answer as it should
 ├─ StillBusy           a transaction of the service does not end, so its tables cannot be emptied
 ├─ ServerFailed        a server that did not start; carries the last lines of its log
 ├─ OtherStackRunning   a stack with other options runs already
 ├─ NotRunning          no stack runs
 ├─ UnknownService      a name that no service of this stack has
 ├─ NotSettled          a number of processes that was asked for and did not come about
 └─ NotAdjusted         a running server's setting that cannot be changed, or did not take
"""


class StackError(Exception):
    """The stack cannot do what was asked; the message says why and what to do next."""


class BadOptions(StackError):
    """Options that cannot be used; the message lists every problem."""


class NoPlace(StackError):
    """A directory that cannot be used; the message names it and the setting that chooses another."""


class NoJava(StackError):
    """No Java 17 or newer was found; the message lists where it was looked for."""


class NoSpark(StackError):
    """Spark is not installed; the message says how it is."""


class NoK6(StackError):
    """No k6 that can be used is there, and none can be built; the message says what to install."""


class JarsUnavailable(StackError):
    """Kafka's jars cannot be fetched, or what came is not what the lock says."""


class PortInUse(StackError):
    """A port that was asked for is held by another program."""


class Unreachable(StackError):
    """A server that the settings name does not answer as it should; the message names the setting."""


class StillBusy(StackError):
    """A transaction of the service holds a table and does not end."""


class ServerFailed(StackError):
    """A server did not start, or died while starting; the message ends with the last lines of its log."""


class OtherStackRunning(StackError):
    """A stack with other options runs already."""


class NotRunning(StackError):
    """No stack runs."""


class UnknownService(StackError):
    """No service of this stack has that name."""


class NotSettled(StackError):
    """Processes that were told to come or to go did not do so in time; the message names the logs."""


class NotAdjusted(StackError):
    """A setting of a running server cannot be changed or did not take; the message says which and what it is."""
