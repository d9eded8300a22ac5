"""The schema registry as API and sinks use it: what is registered, and what an id means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote, urlsplit

from contract.errors import NoSchema, RegistryUnavailable, SchemaRefused

if TYPE_CHECKING:
    from contract.connections import Connections

_TIMEOUT_S = 3.0
_NOT_FOUND, _REFUSED = 404, (409, 422)


class Registry(Protocol):
    """Schemas by subject and id."""

    def register(self, subject: str, schema: str, kind: str) -> int:
        """Return the id of *schema* under *subject*, as a new version where it is none yet; may block.

        Raises `SchemaRefused` where earlier versions do not allow it, and `RegistryUnavailable`.
        """
        ...

    def schema(self, schema_id: int) -> str:
        """Return the schema of that id; may block; raises `NoSchema` or `RegistryUnavailable`."""
        ...


class NoRegistry:
    """Stands where no registry is configured: knows no schema."""

    def register(self, subject: str, schema: str, kind: str) -> int:  # noqa: ARG002 - the protocol's
        """Raise `RegistryUnavailable`."""
        raise RegistryUnavailable("no schema registry: set SEAWALL_REGISTRY_URL, or start one with `up --registry`")

    def schema(self, schema_id: int) -> str:
        """Raise `NoSchema`: nobody here will ever know it."""
        raise NoSchema(f"schema {schema_id} is not known: no schema registry is configured")


class SchemaRegistry:
    """A registry with Confluent's API; connects when it is first asked."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        self._place = f"{parts.scheme}://{parts.hostname}{port}{parts.path.rstrip('/')}"
        self._configuration: dict[str, Any] = {"url": self._place, "timeout": _TIMEOUT_S, "max.retries": 1}
        if parts.username:
            self._configuration["basic.auth.user.info"] = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        self._client: Any = None

    def register(self, subject: str, schema: str, kind: str) -> int:
        """Return the id of *schema* under *subject*."""
        from confluent_kafka.schema_registry import Schema  # noqa: PLC0415 - as in `_ask`

        return int(self._ask("register_schema", subject, Schema(schema, kind)))

    def schema(self, schema_id: int) -> str:
        """Return the schema of that id."""
        return str(self._ask("get_schema", schema_id).schema_str)

    def is_compatible(self, subject: str, schema: str, kind: str) -> bool:
        """Tell whether *schema* could be the next version under *subject*; nothing is registered."""
        from confluent_kafka.schema_registry import Schema  # noqa: PLC0415 - as in `_ask`

        return bool(self._ask("test_compatibility", subject, Schema(schema, kind)))

    def _ask(self, method: str, *arguments: Any) -> Any:
        # a third of a second to load, and few services need it
        from confluent_kafka.schema_registry import SchemaRegistryClient  # noqa: PLC0415
        from confluent_kafka.schema_registry.error import SchemaRegistryError  # noqa: PLC0415
        from httpx2 import HTTPError  # noqa: PLC0415

        if self._client is None:
            self._client = SchemaRegistryClient(self._configuration)
        try:
            return getattr(self._client, method)(*arguments)
        except SchemaRegistryError as error:
            said = f"the schema registry at {self._place} says: {error.error_message}"
            if error.http_status_code == _NOT_FOUND:
                raise NoSchema(said) from None
            if error.http_status_code in _REFUSED:
                raise SchemaRefused(said) from None
            raise RegistryUnavailable(said) from None
        except (HTTPError, OSError) as error:
            reason = str(error) or type(error).__name__
            raise RegistryUnavailable(f"the schema registry at {self._place} does not answer: {reason}") from None


def registry_of(connections: Connections) -> Registry:
    """Return the registry that the connections name, or the twin of none."""
    if connections.registry_url is None:
        return NoRegistry()
    return SchemaRegistry(connections.registry_url.get_secret_value())
