"""Whether the table of grades says what the orders say."""

from __future__ import annotations

import sqlalchemy as sa

from contract.connections import DATABASE_NAMES, Connections
from contract.engine import engine_of
from contract.fleet import GRADES
from seawall.stack.errors import Unreachable

_WITHIN_S = 600.0

_GRADE = f"CASE {' '.join(f'WHEN n >= {least} THEN {grade!r}' for grade, least in GRADES.items())} ELSE 'none' END"
_WRONG = f"""
SELECT count(*) FROM users u
LEFT JOIN (SELECT user_id, count(*) AS n FROM orders GROUP BY user_id) o ON o.user_id = u.id
LEFT JOIN user_grades g ON g.user_id = u.id
WHERE g.user_id IS NULL OR g.orders <> coalesce(n, 0) OR g.grade <> {_GRADE} OR g.buyer <> (n IS NOT NULL)
"""  # noqa: S608 - made of our own constants


def wrong_grades(connections: Connections) -> int:
    """Return how many users have no grade, or another than their orders make; ask while no order is made.

    Raises `Unreachable`.
    """
    try:
        with engine_of(connections, within_s=_WITHIN_S).connect() as database:
            return int(database.exec_driver_sql(_WRONG).scalar_one())
    except sa.exc.DBAPIError as error:
        raise Unreachable(f"{DATABASE_NAMES[connections.database]}: {str(error.orig).strip()}") from None
