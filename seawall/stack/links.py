"""Links between API, sinks and the servers, as a service of the stack: they model networks that are long, or fail."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from seawall.stack.errors import Unreachable
from seawall.stack.links_process import VARIABLE, Command, Link, Links, LinkState, Way
from seawall.stack.places import ROOT
from seawall.stack.service import NotReady, OwnService, held_program, make_directories, plain_environment

SERVICE = "links"
_TIMEOUT_S = 5.0
_TRIES, _PAUSE_S = 5, 0.2


@dataclass(frozen=True)
class Line:
    """One link: who speaks to whom, through which sockets of ours, and where these lead."""

    name: str
    listeners: Sequence[socket.socket]
    places: Sequence[tuple[str, int]]
    """Host and port for each of the listeners."""
    delay_ms: float = 0.0

    @property
    def ports(self) -> list[int]:
        """The ports for clients."""
        return [listener.getsockname()[1] for listener in self.listeners]


class LinksService(OwnService):
    """All links of a stack, in one process; the instrument's own questions do not take them."""

    name, kind = SERVICE, "link"
    stop_within_s = 5.0
    ready_within_s = 30.0
    held = True

    def __init__(self, lines: Sequence[Line], *, directory: Path) -> None:
        self.lines, self.directory = lines, directory
        self.descriptors = tuple(listener.fileno() for line in lines for listener in line.listeners)
        late = [f"{line.name} {line.delay_ms:g} ms late" for line in lines if line.delay_ms]
        self.address = ", ".join(late or [line.name for line in lines])

    def prepare(self) -> None:
        """Create its directories."""
        make_directories(self.directory, self.directory / "tmp")

    def command(self) -> list[str]:
        """Return the command line."""
        return held_program("seawall.stack.links_process")

    def environment(self) -> dict[str, str]:
        """Return a plain environment that says between whom and how late."""
        wanted = Links(
            control=f"{SERVICE}/control",  # below its working directory: the path of a socket has to be short
            links=[
                Link(
                    name=line.name,
                    ways=[
                        Way(descriptor=listener.fileno(), host=host, port=port)
                        for listener, (host, port) in zip(line.listeners, line.places, strict=True)
                    ],
                    delay_s=line.delay_ms / 1000,
                )
                for line in self.lines
            ],
        )
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        own = {VARIABLE: msgspec.json.encode(wanted).decode(), "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
        return {**plain_environment(self.directory / "tmp"), **own}

    def answer(self) -> str:
        """Have one link stay as it is; raises `NotReady`."""
        line = self.lines[0]
        try:
            _order(self.directory.parent, Command(link=line.name, delay_s=line.delay_ms / 1000))
        except Unreachable as error:
            raise NotReady(str(error)) from None
        return ""


@contextmanager
def disturbed(data: Path, command: Command) -> Iterator[LinkState]:
    """Have a link of the stack with this *data* directory be so until the block ends; yields what it did before.

    Raises `Unreachable`.
    """
    try:
        yield _order(data, command)
    finally:  # even where no answer came: the order may have
        mend(data, command.link)


def mend(data: Path, link: str) -> LinkState:
    """Have a *link* be as good as a wire again, and return what it has done so far; raises `Unreachable`."""
    for _ in range(_TRIES - 1):
        with suppress(Unreachable):
            return _order(data, Command(link=link))
        time.sleep(_PAUSE_S)
    return _order(data, Command(link=link))


def control_socket(data: Path) -> Path:
    """Return where the links of the stack with this *data* directory take their orders."""
    return data / SERVICE / "control"


def _order(data: Path, command: Command) -> LinkState:
    # a path of 108 characters is the longest that a socket can have, so it is named from where it lies
    place = control_socket(data)
    try:
        directory = os.open(place.parent, os.O_PATH | os.O_DIRECTORY)
    except OSError as error:
        raise Unreachable(f"this stack has no links ({error.strerror})") from None
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_TIMEOUT_S)
            connection.connect(f"/proc/self/fd/{directory}/{place.name}")
            connection.sendall(msgspec.json.encode(command) + b"\n")
            with connection.makefile("rb") as answers:
                return msgspec.json.decode(answers.readline(), type=LinkState)
    except (OSError, msgspec.DecodeError) as error:
        raise Unreachable(f"the links do not answer ({error})") from None
    finally:
        os.close(directory)
