"""The services that `benchmarks.api` compares, each in a process of its own, under the same uvicorn.

``python -m benchmarks.api_servers --port P KIND``. ``bare`` is the least that uvicorn can do: a constant
answer to a body that nobody looks at. ``textbook`` is what the documentation of FastAPI and confluent-kafka shows, put
together, with the same durability as ours. ``ours`` is the service itself (or with another
collector of garbage, without keys and limits: ``ours-unguarded``, or without a count of requests:
``ours-uncounted``), ``routed`` the same without its hot path.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import uvicorn
from confluent_kafka import KafkaError, KafkaException, Message, Producer
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

import api.__main__ as ours
from api.app import create_app
from api.bounded_protocol import BoundedProtocol
from contract.connections import Connections


class Product(BaseModel, extra="forbid"):
    """As `contract.entities.Product`."""

    id: UUID
    sku: Annotated[str, Field(min_length=1, max_length=40)]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    description: Annotated[str, Field(max_length=4000)]
    category: Annotated[str, Field(min_length=1, max_length=40)]
    price_cents: Annotated[int, Field(ge=0, le=10**12)]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    stock: Annotated[int, Field(ge=0, le=10**9)]
    created_at: datetime


class User(BaseModel, extra="forbid"):
    """As `contract.entities.User`."""

    id: UUID
    name: Annotated[str, Field(min_length=1, max_length=200)]
    age: Annotated[int, Field(ge=0, le=150)]
    email: Annotated[str, Field(min_length=3, max_length=254, pattern="^[^@ ]+@[^@ ]+$")]
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")]
    city: Annotated[str, Field(min_length=1, max_length=200)]
    created_at: datetime


class Order(BaseModel, extra="forbid"):
    """As `contract.entities.Order`; that user and product exist is not checked, which is to its advantage."""

    id: UUID
    user_id: UUID
    product_id: UUID
    quantity: Annotated[int, Field(ge=1, le=10_000)]
    total_cents: Annotated[int, Field(ge=0, le=10**12)]
    status: Literal["new", "paid", "shipped", "cancelled"]
    note: Annotated[str, Field(max_length=4000)]
    placed_at: datetime


class Review(BaseModel, extra="forbid"):
    """As `contract.entities.Review`; that the product exists is not checked, which is to its advantage."""

    id: UUID
    job_id: UUID
    review_id: Annotated[int, Field(ge=0, le=10**12)]
    product_id: UUID
    rating: Annotated[int, Field(ge=1, le=5)]
    review_text: Annotated[str, Field(min_length=1, max_length=4000)]
    written_at: datetime


class Written(BaseModel):
    """The answer."""

    id: UUID
    topic: str
    partition: int
    offset: int


class AckedProducer:
    """confluent-kafka's own example of a producer for asyncio: a thread polls, each ack wakes the loop."""

    def __init__(self, configuration: dict[str, Any]) -> None:
        self._loop = asyncio.get_running_loop()
        self._producer = Producer(configuration)
        self._cancelled = False
        self._thread = threading.Thread(target=self._poll_loop)
        self._thread.start()

    def _poll_loop(self) -> None:
        while not self._cancelled:
            self._producer.poll(0.1)

    def close(self) -> None:
        """End the thread."""
        self._cancelled = True
        self._thread.join()
        self._producer.flush()

    def produce(self, topic: str, key: str, value: bytes) -> asyncio.Future[Message]:
        """Return what becomes the message once the broker has it."""
        result: asyncio.Future[Message] = self._loop.create_future()

        def ack(error: KafkaError | None, message: Message) -> None:
            if error:
                self._loop.call_soon_threadsafe(result.set_exception, KafkaException(error))
            else:
                self._loop.call_soon_threadsafe(result.set_result, message)

        self._producer.produce(topic, value, key, on_delivery=ack)
        return result


def textbook() -> FastAPI:
    """Return the application that the documentation leads to."""
    producers: list[AckedProducer] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        configuration = {**Connections.read().kafka, "acks": "all", "enable.idempotence": True}
        producers.append(AckedProducer(configuration))
        yield
        producers.pop().close()

    app = FastAPI(lifespan=lifespan)

    async def write(topic: str, record: Product | User | Order | Review) -> Written:
        try:
            written = await producers[0].produce(topic, str(record.id), record.model_dump_json().encode())
        except KafkaException as error:
            raise HTTPException(status_code=503, detail=str(error)) from error
        return Written(
            id=record.id,
            topic=written.topic() or "",
            partition=written.partition() or 0,
            offset=written.offset() or 0,
        )

    @app.post("/v1/kafka/products", status_code=202)
    async def create_product(product: Product) -> Written:
        return await write("seawall.products", product)

    @app.post("/v1/kafka/users", status_code=202)
    async def create_user(user: User) -> Written:
        return await write("seawall.users", user)

    @app.post("/v1/kafka/orders", status_code=202)
    async def create_order(order: Order) -> Written:
        return await write("seawall.orders", order)

    @app.post("/v1/kafka/reviews", status_code=202)
    async def create_review(review: Review) -> Written:
        return await write("seawall.reviews", review)

    return app


_BODY = b'{"id":"00000000-0000-8000-8000-000000000000","topic":"seawall.products","partition":0,"offset":1234567}'


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with as many bytes as ours, for nothing."""
    if scope["type"] == "lifespan":
        for _ in range(2):
            message = await receive()
            await send({"type": message["type"] + ".complete"})
        return
    await receive()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_BODY))]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": _BODY})


UNGUARDED, UNCOUNTED = "ours-unguarded", "ours-uncounted"
_COLLECTORS: dict[str, Callable[[], None]] = {"ours-collected": lambda: None, "ours-uncollected": gc.disable}
_APPS: dict[str, Callable[[], ASGIApp]] = {"bare": lambda: bare, "textbook": textbook, "routed": create_app}


def _unguard() -> None:
    """Take keys and limits away, as far as a request of the hot path meets them."""
    os.environ.pop("SEAWALL_API_KEYS_FILE", None)
    os.environ["SEAWALL_API_WITHOUT_KEYS"] = "true"
    for name in ("connection_made", "on_header", "pause_writing", "resume_writing"):
        setattr(BoundedProtocol, name, getattr(HttpToolsProtocol, name))
    BoundedProtocol._await_the_rest = lambda *_: None  # type: ignore[method-assign]  # noqa: SLF001 - as above


def serve(kind: str, port: int) -> int:
    """Serve *kind* until SIGTERM."""
    logging.basicConfig(level=logging.WARNING)
    if kind == UNGUARDED:
        _unguard()
    if kind in _COLLECTORS:
        ours._calm_collector = _COLLECTORS[kind]  # noqa: SLF001 - what it is without that is the question
    if kind.startswith("ours"):
        os.environ["SEAWALL_API_PORT"] = str(port)
        if kind != UNCOUNTED:  # as in every stack
            os.environ.setdefault("SEAWALL_METRICS_PORT", "0")
        return ours.main()
    # ours has these settings, too
    uvicorn.run(
        _APPS[kind](),
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        backlog=4096,
        timeout_keep_alive=75,
        lifespan="on",
    )
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["ours", UNGUARDED, UNCOUNTED, *_COLLECTORS, *_APPS])
    parser.add_argument("--port", type=int, required=True)
    asked = parser.parse_args()
    sys.exit(serve(asked.kind, asked.port))
