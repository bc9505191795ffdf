"""A real SMTP door for a desk that is driven from a test."""

from collections.abc import Iterator
from contextlib import contextmanager

from channels.base import ExternalId, RawEvent
from models.departments import owner_of
from tests.channels.email.smtp_talk import door
from tests.desk import Desk


class _House:
    """Stores mail in a desk's inbox; what it does there is quick, and nothing else waits on this loop."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def knows(self, address: str) -> bool:
        with self._desk.session() as session:
            return owner_of(session, ExternalId(type="email", value=address)) is not None

    async def accept(self, event: RawEvent) -> None:
        self._desk.accept(event)


@contextmanager
def door_of(desk: Desk) -> Iterator[int]:
    """Open the door and give its port."""
    with door(_House(desk)) as port:
        yield port
