"""TLS settings that all users of a process share: a context of its own for each user would cost more than the user."""

from __future__ import annotations

from functools import cache
from ssl import SSLContext

import gevent.ssl


@cache
def shared_context(*, insecure: bool) -> SSLContext:
    """Return the process's context; *insecure* takes any certificate, as Locust does."""
    make = gevent.ssl._create_unverified_context if insecure else gevent.ssl.create_default_context  # noqa: SLF001
    context: SSLContext = make()
    context.set_alpn_protocols(["http/1.1"])
    return context
