"""What the cache fleet asks of each database: grades by orders, users by their grades, products in parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import pytest
from databases import Session, session_of
from new_records import new_record

from contract.connections import Connections
from contract.entities import ENTITIES
from contract.fleet import GRADES
from contract.ids import Run, mint
from seawall.stack.grades import wrong_grades
from seawall.stack.more_rows import add_orders, add_products, add_users, user_id
from workers.fleet_tables import FleetTables, fleet_tables

BUYERS, USERS, PRODUCTS = 12, 40, 20
FIRST = mint(Run(1, 0), 0, 0, 0)
"""No id of a base row is as high."""


@pytest.fixture
def session(servers: Connections) -> Iterator[Session]:
    """Give a database with some more users, products and orders, and the base rows alone afterwards."""
    with closing(session_of(servers)) as found:
        found.empty()
        yield found
        found.ask("DELETE FROM user_grades")
        for statement in ("DELETE FROM users", "DELETE FROM products", "DELETE FROM orders"):
            found.ask(f"{statement} WHERE id >= %s", FIRST)


@pytest.fixture
def tables(servers: Connections, session: Session) -> Iterator[FleetTables]:
    """Give the fleet's tables; *session* has made them ready."""
    session.ask("DELETE FROM user_grades")
    add_users(servers, USERS)
    add_products(servers, PRODUCTS)
    add_orders(servers, BUYERS)
    with closing(fleet_tables(servers, "test")) as found:
        yield found


def test_grades_are_those_that_orders_make(servers: Connections, session: Session, tables: FleetTables) -> None:
    """A second batch changes nothing, an order more changes one user, and none is left without a grade."""
    users = session.count(ENTITIES["users"])
    assert (tables.grade(), wrong_grades(servers)) == (users, 0)
    assert tables.grade() == 0
    grades = Counter(grade for (grade,) in session.ask("SELECT grade FROM user_grades"))
    orders = [1 + buyer % 6 for buyer in range(BUYERS)]
    wanted = Counter(next(grade for grade, least in GRADES.items() if count >= least) for count in orders)
    assert grades == wanted | Counter(none=users - BUYERS)
    session.insert(new_record(ENTITIES["orders"], user_id=user_id(0)))
    assert wrong_grades(servers) == 1
    assert (tables.grade(), wrong_grades(servers)) == (1, 0)


@pytest.mark.parametrize("begin", [0.0, 0.5, 1.0])
def test_users_are_drawn_by_their_draw(begin: float, session: Session, tables: FleetTables) -> None:
    """From any draw on, and from the first again: as many as are wanted, with their own rows."""
    tables.grade()
    known = {user.id: user for user in session.records(ENTITIES["users"])}
    buyers = {user.id: (user, grade) for user, grade in tables.users(buyers=True, begin=begin, most=5_000)}
    assert len(buyers) == BUYERS
    assert all(grade != "none" and known[user.id] == user for user, grade in buyers.values())
    others = list(tables.users(buyers=False, begin=begin, most=5_000))
    assert len(others) == len(known) - BUYERS
    assert {grade for _, grade in others} == {"none"}
    product = tables.product_ids()[0]
    found = tables.candidates(begin, 8, product)
    assert len({one.user_id for one in found} & known.keys()) == 8
    assert {one.product_id for one in found} == {product}


def test_products_come_in_parts(session: Session, tables: FleetTables) -> None:
    """In the order of ids, each once."""
    products = session.records(ENTITIES["products"])
    assert [*tables.products(0, 7), *tables.products(7, 1_000)] == products
    assert sorted(tables.product_ids()) == [one.id for one in products]
    tables.ask_nothing()


def test_a_connection_that_broke_is_opened_anew(session: Session, tables: FleetTables) -> None:
    """After the error has been told."""
    tables.ask_nothing()
    session.end_others()
    with pytest.raises(tables.errors):
        tables.ask_nothing()
    tables.close()
    tables.ask_nothing()
