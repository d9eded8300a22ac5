"""The protocol that brings requests that are traced before the application, whatever short cut there is.

Whether one is of the share that is traced without being asked is decided once, when its first bytes come.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from api.direct_protocol import DirectProtocol, Terms
from api.traced_path import CHOSEN, parent_of

_WORK = b"/v1/"
"""Whatever else is asked for, such as whether the process is ready, is traced for none but who wants it."""


class TracedProtocol(DirectProtocol):
    """Takes no short cut for a request that is traced: one whose caller says so, or one of the share that is."""

    def __init__(self, chooses: Callable[[], bool], terms: Terms, *arguments: Any, **named: Any) -> None:
        """*chooses* tells whether the next request is one of the share."""
        super().__init__(terms, *arguments, **named)
        self._chooses = chooses
        self._chosen = False

    def data_received(self, data: bytes) -> None:
        """Choose whether the request that begins here is traced; then do as always."""
        if self._between:
            self._chosen = self._chooses()
            if self._chosen:
                self._parse(data, is_all=True)
                return
        super().data_received(data)

    def _is_plain(self) -> bool:
        if self._chosen:
            return False
        parent = parent_of(self.headers)
        return (parent is None or not parent.sampled) and super()._is_plain()

    def _leave_to_uvicorn(self) -> None:
        super()._leave_to_uvicorn()
        if self._chosen:
            self._chosen = False
            if self.url.startswith(_WORK):
                self.scope["state"][CHOSEN] = True  # the task that reads it has not begun
