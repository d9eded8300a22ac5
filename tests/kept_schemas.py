"""Schemas without a server: for what is asked of codecs by the thousand."""

from __future__ import annotations

from contract.errors import NoSchema


class Kept:
    """A registry of this process alone."""

    def __init__(self) -> None:
        self._schemas: list[str] = []

    def register(self, subject: str, schema: str, kind: str) -> int:  # noqa: ARG002 - the protocol's
        """Return an id for the schema."""
        self._schemas.append(schema)
        return len(self._schemas)

    def schema(self, schema_id: int) -> str:
        """Return the schema of that id."""
        if not 1 <= schema_id <= len(self._schemas):
            raise NoSchema("no such schema")
        return self._schemas[schema_id - 1]
