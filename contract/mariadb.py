"""How clients reach MariaDB, or MySQL, which speaks the same protocol.

``mysql://user:password@host:port/name``, or ``mariadb://``; a driver behind a plus is passed over. After a question
mark may stand ``ssl=true`` (TLS, the server's certificate by the system's authorities), ``ssl_ca=FILE`` (by that one),
and ``charset=utf8mb4``, which is what is spoken anyway.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

if TYPE_CHECKING:
    import pymysql

PORT = 3306
SCHEMES = ("mysql", "mariadb")
_CHARSET = "utf8mb4"
_KNOWN = {"ssl", "ssl_ca", "charset"}
_STRICT = "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
"""Nothing is cut off or bent to fit, and backslashes escape."""

# Numbers of errors: the server's, and from 2000 on the client's. They are the same in MySQL where nothing is said.
REFUSALS = frozenset({
    1048, 1364,  # NULL, or no value, where there has to be one
    1062,  # an id that is taken
    1264, 1265, 1292, 1366, 1406,  # out of range, cut off, no date, not of the character set, too long
    1216, 1217, 1451, 1452,  # a foreign key
    1644,  # what a trigger raises
    3819, 4025,  # a CHECK constraint, as MySQL says it and as MariaDB does
})  # fmt: skip
"""Those by which a server refuses the values themselves, now and for ever."""
TRY_AGAIN = frozenset({1020, 1213})
"""Those after which the same may succeed at once: a row that changed meanwhile, and a deadlock."""
DISCONNECTS = frozenset({
    0,  # what PyMySQL and asyncmy call a connection that is closed already
    1053, 1152, 1158, 1159, 1160, 1161, 1927,  # shut down, aborted, the network's, killed
    2002, 2003, 2006, 2013, 2014, 2045, 2055, 4031,
})  # fmt: skip
"""Those by which a connection is gone, so that a new one may do better."""
LOCK_WAITED, NO_SUCH_SESSION, LOST = 1205, 1094, 2013


def flaw_of(url: SplitResult) -> str:
    """Return in words what is wrong with the address; empty where it can be used."""
    if not url.hostname or not url.path.strip("/"):
        return "it names no host or no database"
    options = dict(parse_qsl(url.query, keep_blank_values=True))
    if (authority := options.get("ssl_ca")) and not Path(authority).is_file():
        return f"ssl_ca is no file: {authority}"
    unknown = options.keys() - _KNOWN
    return f"nothing here understands {', '.join(sorted(unknown))}" if unknown else ""


def arguments_of(url: str) -> dict[str, Any]:
    """Return what PyMySQL and asyncmy both call where the server is and who asks."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    found: dict[str, Any] = {
        "host": parts.hostname,
        "port": parts.port or PORT,
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "database": unquote(parts.path.strip("/")),
        "charset": _CHARSET,
    }
    if options.get("ssl_ca") or options.get("ssl", "false").lower() in ("true", "1"):
        found["ssl"] = ssl.create_default_context(cafile=options.get("ssl_ca"))
    return found


def session(timeout_s: float) -> str:
    """Return the statement by which a session begins: strict, and no statement takes longer than *timeout_s*.

    The limit of a statement is MariaDB's alone; MySQL takes the rest and passes over what it takes for a comment.
    """
    waits = max(1, round(timeout_s))
    return (
        f"SET SESSION sql_mode='{_STRICT}', innodb_lock_wait_timeout={waits}, lock_wait_timeout={waits}"
        f" /*M! , max_statement_time={timeout_s:g} */"
    )


def connect(
    url: str, *, timeout_s: float = 60.0, connect_timeout_s: float = 5.0, autocommit: bool = True, **more: Any
) -> pymysql.Connection[Any]:
    """Return a connection for work that need not be asynchronous; raises `pymysql.MySQLError`."""
    import pymysql  # noqa: PLC0415 - most processes never need it

    try:
        return pymysql.connect(
            **arguments_of(url),
            autocommit=autocommit,
            connect_timeout=max(1, round(connect_timeout_s)),
            # a server that vanished without a word must not hold its client for ever
            read_timeout=timeout_s + 1,
            write_timeout=timeout_s + 1,
            init_command=session(timeout_s),
            **more,
        )
    except (OSError, RuntimeError) as error:  # of TLS, and of a login that needs it
        raise pymysql.OperationalError(2003, str(error)) from error


def number_of(error: BaseException) -> int | None:
    """Return the number that *error* of either driver carries, within SQLAlchemy's or by itself."""
    found = getattr(error, "orig", error).args[:1]
    return found[0] if found and isinstance(found[0], int) else None


def text_of(error: BaseException) -> str:
    """Return in a line what the server or its client said."""
    found = getattr(error, "orig", error).args
    text = str(found[1] if len(found) > 1 else found[0] if found else "").strip()
    return text.splitlines()[0] if text else type(error).__name__
