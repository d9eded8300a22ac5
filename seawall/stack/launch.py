"""Become a server: run as a script of its own between the supervisor and each server, it ends in `exec`.

``launch.py PARENT_PID DEATH_SIGNAL NICE USER COMMAND...`` (USER may be ``-``). What it does must happen in the
child after the fork, where a supervisor that has threads must not run Python code of its own.
"""

import contextlib
import ctypes
import os
import pwd
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Lower the priority, raise the limit of open files, drop to the user, tie our life to the parent's; exec."""
    parent, death_signal, nice, user, *command = sys.argv[1:]
    os.nice(int(nice))
    # With the kernel's autogroups, niceness counts only within a session; the session has one of its own.
    with contextlib.suppress(OSError), open("/proc/self/autogroup", "w", encoding="ascii") as group:  # noqa: PTH123
        group.write(nice)
    # A server that wakes up does not push aside who runs: an answer that came is timed before the next is made.
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # An ignored signal stays ignored across exec; Python ignores these two, servers should not.
    for name in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(name, signal.SIG_DFL)
    if user != "-":
        entry = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    # After the change of user, which clears it.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit("the supervisor is gone")
    try:
        os.execv(command[0], command)  # noqa: S606 - becoming the server is the purpose
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
