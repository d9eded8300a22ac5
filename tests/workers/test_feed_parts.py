"""The parts of the feed that need no server: positions, filters, frames, and one subscriber's queue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID

import msgspec
import pytest
from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage

from contract.entities import ENTITIES
from contract.ids import base_id
from workers.feed.errors import BadSubscription
from workers.feed.filters import Filter, filter_of, subjects_of
from workers.feed.frames import Frame
from workers.feed.positions import positions_of, text_of
from workers.feed.subscription import End, Ended, Subscription

BUYER = str(base_id(1, 2))


def test_a_position_is_read_back_as_it_was_written() -> None:
    """Of the entities that are asked for, in whichever order they stand there."""
    positions = {"orders": (12, 40, 7), "users": (3, 0, 2**63 - 1)}
    text = text_of(positions, ["orders", "users"])
    assert text == "orders.12.40.7~users.3.0.9223372036854775807"
    assert positions_of(text, ["users", "orders"]) == positions
    assert positions_of(text, ["users"]) == {"users": positions["users"]}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no position"),
        ("orders", "no position"),
        ("orders.x", "no position"),
        ("orders.1.-2", "no position"),
        ("dance.1", "no position"),
        ("orders.1~", "no position"),
        ("orders.\u0661", "no position"),
        ("orders." + "1" * 40_000, "no position"),
        ("orders.9223372036854775808", "too large"),
        ("users.1.2.3", "without orders"),
    ],
)
def test_what_is_no_position_is_refused(text: str, says: str) -> None:
    """With what to send instead."""
    with pytest.raises(BadSubscription, match=says):
        positions_of(text, ["orders"])


def test_a_filter_names_entities_and_one_subject() -> None:
    """Where the subject is named, only what can be about it is left."""
    assert filter_of(None, {}) == Filter(tuple(ENTITIES))
    assert filter_of("orders,users", {}) == Filter(("users", "orders"))
    assert filter_of(None, {"user": BUYER}) == Filter(("users", "orders"), ("users", UUID(BUYER)))
    assert filter_of("orders", {"product": BUYER}) == Filter(("orders",), ("products", UUID(BUYER)))


@pytest.mark.parametrize(
    ("entity", "about", "says"),
    [
        ("dance", {}, "unknown 'dance'"),
        ("orders", {"user": "me"}, "no UUID"),
        ("products", {"user": BUYER}, "none of products is about a user"),
        (None, {"user": BUYER, "product": BUYER}, "name one of them"),
    ],
)
def test_a_filter_that_is_none_is_refused(entity: str | None, about: dict[str, str], says: str) -> None:
    """The message says what is wrong with it."""
    with pytest.raises(BadSubscription, match=says):
        filter_of(entity, about)


def test_an_order_is_about_its_buyer_and_its_product() -> None:
    """And about itself."""
    orders = ENTITIES["orders"]
    fields = {
        "id": base_id(7, 3), "user_id": BUYER, "product_id": base_id(2, 1), "quantity": 1, "total_cents": 1,
        "status": "new", "note": "", "placed_at": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    subjects = subjects_of(orders, msgspec.convert(fields, orders.record))
    assert set(subjects) == {("orders", base_id(7, 3)), ("users", UUID(BUYER)), ("products", base_id(2, 1))}
    assert filter_of(None, {"user": BUYER}).shows("orders", subjects)
    assert not filter_of(None, {"user": str(base_id(3, 2))}).shows("orders", subjects)


def test_both_protocols_say_the_same() -> None:
    """The id stands in the message of a WebSocket, and in a field of its own of a server-sent event."""
    frame = Frame("orders.1", [b'{"a":1}', b'{"b":"\\n"}'])
    (message,) = messages_in(frame.message)
    said = msgspec.json.decode(message)
    assert said == {"id": "orders.1", "published_ns": frame.published_ns, "records": [{"a": 1}, {"b": "\n"}]}
    size, _, event = frame.chunk.partition(b"\r\n")
    assert event.endswith(b"\r\n")
    assert int(size, 16) == len(event) - 2
    lines = event[:-2].decode().split("\n")
    assert lines[:2] == ["id: orders.1", "event: records"]
    assert lines[3:] == ["", ""]
    data = msgspec.json.decode(lines[2].removeprefix("data: "))
    assert data == {name: value for name, value in said.items() if name != "id"}


@pytest.mark.parametrize("size", [0, 1, 70, 71, 72, 1_000, 65_400, 65_500, 65_600, 200_000])
def test_a_message_is_one_frame_of_any_size(size: int) -> None:
    """Another implementation reads it: around both places at which the size is written otherwise, too."""
    frame = Frame("p", [b'"' + b"x" * size + b'"'])
    (message,) = messages_in(frame.message)
    assert msgspec.json.decode(message)["records"] == ["x" * size]


def messages_in(data: bytes) -> list[str]:
    """Return the texts that a client reads from what a server wrote."""
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(data)
    events = list(client.events())
    assert all(isinstance(event, TextMessage) and event.message_finished for event in events)
    return [event.data for event in events if isinstance(event, TextMessage)]


def taking(into: list[Frame], room: Callable[[], bool] = lambda: True) -> Callable[[Frame], bool]:
    """Return what takes frames as long as there is *room*."""

    def push(frame: Frame) -> bool:
        if room():
            into.append(frame)
            return True
        return False

    return push


def test_who_leaves_too_much_is_let_go_and_nobody_else() -> None:
    """The first frame is taken whatever its size; behind it only as much as may wait."""

    async def run() -> None:
        wanted = filter_of(None, {})
        slow, quick = Subscription(wanted, 1_000), Subscription(wanted, 1_000)
        large, small, rest = Frame("p", [b"x" * 5_000]), Frame("q", [b"y" * 10]), Frame("r", [b"z" * 990])
        taken: list[Frame] = []
        quick.begin(taking(taken))
        slow.begin(taking([], lambda: False))
        for frame in (large, small):
            assert slow.offer(frame)
            assert quick.offer(frame)
        assert not slow.offer(rest)
        assert quick.offer(rest)
        assert slow.over.result() is End.TOO_SLOW
        assert taken == [large, small, rest]
        quick.finish(End.GOING_AWAY)
        assert not quick.offer(small)
        with pytest.raises(Ended, match="goes away"):
            await quick.drained()
        assert (End.GOING_AWAY.code, End.TOO_SLOW.code) == (1001, 1008)

    asyncio.run(run())


def test_frames_keep_their_order_where_there_is_no_room_for_a_while() -> None:
    """What comes meanwhile waits behind what waits, however much room there is by then."""

    async def run() -> None:
        one, taken, room = Subscription(filter_of(None, {}), 1_000), list[Frame](), [2]

        def some() -> bool:
            room[0] -= 1
            return room[0] >= 0

        frames = [Frame(str(number), [b"x"]) for number in range(7)]
        one.offer(frames[0])
        one.begin(taking(taken, some))
        for frame in frames[1:4]:
            one.offer(frame)
        assert taken == frames[:2]
        room[0] = 1
        one.offer(frames[4])  # there is room, but not for what is behind others
        assert taken == frames[:2]
        one.flush()
        assert taken == frames[:3]
        room[0] = 9
        one.flush()
        one.offer(frames[5])
        assert taken == frames[:6]

    asyncio.run(run())


def test_a_subscriber_that_catches_up_is_waited_for() -> None:
    """What it missed comes as it takes it."""

    async def run() -> None:
        one = Subscription(filter_of(None, {}), 1_000)
        one.offer(Frame("p", [b"x"]))
        drained = asyncio.ensure_future(one.drained())
        await asyncio.sleep(0)
        assert not drained.done()
        one.begin(taking([]))
        await asyncio.wait_for(drained, 1)

    asyncio.run(run())
