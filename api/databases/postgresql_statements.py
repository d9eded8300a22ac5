"""The statements of the grouped path in PostgreSQL: one round trip for any number of rows of any entities."""

from __future__ import annotations

from functools import cache

from sqlalchemy.dialects.postgresql.base import PGDialect

from contract.entities import ENTITIES, Entity
from contract.tables import TABLES

_DIALECT = PGDialect()  # type: ignore[no-untyped-call]  # SQLAlchemy left its constructor untyped


def _array_types(entity: Entity) -> list[str]:
    """Return the parameter types; text has no length here, as a cast to a shorter one would cut it silently."""
    kinds = [str(TABLES[entity.name].c[name].type.compile(_DIALECT)) for name in entity.fields]
    return ["TEXT[]" if kind.startswith("VARCHAR") else f"{kind}[]" for kind in kinds]


@cache
def bulk_insert(names: tuple[str, ...]) -> str:
    """Return the statement that inserts rows of these entities and tells of each how many were new.

    Its parameters are an array a column, entity after entity. It is a transaction of its own, so that a batch takes one
    round trip whatever it holds; a transaction of a statement an entity would take two more than it has entities.
    """
    counts = ", ".join(f"(SELECT count(*) FROM new_{name}) AS {name}" for name in names)  # noqa: S608 - as below
    inserts, first = [], 1
    for name in names:
        entity = ENTITIES[name]
        types = _array_types(entity)
        parameters = ", ".join(f"${number}::{kind}" for number, kind in enumerate(types, first))
        first += len(types)
        columns = ", ".join(entity.fields)
        inserts.append(
            f"new_{name} AS (INSERT INTO {name} ({columns}) SELECT * FROM unnest({parameters})"  # noqa: S608 - names of the contract
            " ON CONFLICT (id) DO NOTHING RETURNING 1)"
        )
    return f"WITH {', '.join(inserts)} SELECT {counts}"


def _bulk_select(entity: Entity) -> str:
    return f"SELECT {', '.join(entity.fields)} FROM {entity.name} WHERE id = ANY($1::UUID[])"  # noqa: S608 - as above


BULK_SELECT = {name: _bulk_select(entity) for name, entity in ENTITIES.items()}
"""For each entity: an array of ids; returns their rows."""
