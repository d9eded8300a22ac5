"""The statements of the grouped path: one round trip for any number of rows."""

from __future__ import annotations

from sqlalchemy.dialects.postgresql.base import PGDialect

from contract.entities import ENTITIES, Entity
from contract.tables import TABLES

_DIALECT = PGDialect()  # type: ignore[no-untyped-call]  # SQLAlchemy left its constructor untyped


def _array_types(entity: Entity) -> list[str]:
    """Return the parameter types; text has no length here, as a cast to a shorter one would cut it silently."""
    kinds = [str(TABLES[entity.name].c[name].type.compile(_DIALECT)) for name in entity.fields]
    return ["TEXT[]" if kind.startswith("VARCHAR") else f"{kind}[]" for kind in kinds]


def _bulk_insert(entity: Entity) -> str:
    parameters = ", ".join(f"${number}::{kind}" for number, kind in enumerate(_array_types(entity), 1))
    columns = ", ".join(entity.fields)
    return (
        f"INSERT INTO {entity.name} ({columns}) SELECT * FROM unnest({parameters}) "  # noqa: S608 - names of the contract
        "ON CONFLICT (id) DO NOTHING RETURNING id"
    )


def _bulk_select(entity: Entity) -> str:
    return f"SELECT {', '.join(entity.fields)} FROM {entity.name} WHERE id = ANY($1::UUID[])"  # noqa: S608 - as above


BULK_INSERT = {name: _bulk_insert(entity) for name, entity in ENTITIES.items()}
"""For each entity: one array a column; returns the ids that were not there yet."""

BULK_SELECT = {name: _bulk_select(entity) for name, entity in ENTITIES.items()}
"""For each entity: an array of ids; returns their rows."""
