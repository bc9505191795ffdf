"""The inbox: nothing is acknowledged before it is here, committed."""

import queue
import threading
from collections.abc import Sequence

from sqlalchemy.orm import Session

from channels.base import RawEvent, bounded, clean_text
from models.inbound_events import insert_event
from workers.db import Database, Publish, Wakeup
from workers.logs import get_logger

log = get_logger()


class Inbox:
    """Stores what a door received, then wakes a worker for what was new."""

    def __init__(self, database: Database, publish: Publish) -> None:
        self._database = database
        self._waker = _Waker(publish)

    def accept(self, events: Sequence[RawEvent]) -> int:
        """Store events in one transaction and return how many were new.

        When this returns, they are committed: the door may say yes. Raises whatever the database raises, and then
        nothing was stored. Giving the same event again is harmless.
        """
        with self._database.session_scope() as session:
            stored = [(event, _insert(session, event)) for event in events]
        new = [(event.channel, event_id) for event, event_id in stored if event_id is not None]
        for channel, event_id in new:
            self._waker.wake(Wakeup(task="inbound.ingest", channel=channel, row_id=event_id))
            log.info("event_accepted", event_id=event_id, channel=channel)
        return len(new)


def _insert(session: Session, event: RawEvent) -> int | None:
    return insert_event(
        session,
        channel=event.channel,
        external_id=bounded(event.external_id),
        conversation=bounded(event.conversation),
        payload=event.payload,
        facts={name: _storable(value) for name, value in event.facts.items()},
    )


def _storable(value: object) -> object:
    """Clean the strings of a fact: PostgreSQL refuses some characters inside JSON too."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list | tuple):
        return [_storable(each) for each in value]
    return value


class _Waker(threading.Thread):
    """Publishes from a thread of its own, so that a slow broker never delays an answer.

    What gathers while one publish is under way goes out together with the next: no added delay when idle, one broker
    message for many rows when busy.
    """

    def __init__(self, publish: Publish) -> None:
        super().__init__(name="waker", daemon=True)
        self._publish = publish
        self._waiting: queue.SimpleQueue[Wakeup] = queue.SimpleQueue()
        self.start()

    def wake(self, wakeup: Wakeup) -> None:
        """Hand over a wake-up and return at once."""
        self._waiting.put(wakeup)

    def run(self) -> None:
        """Publish for ever."""
        while True:
            gathered = [self._waiting.get()]
            while not self._waiting.empty():
                gathered.append(self._waiting.get())
            try:
                self._publish(gathered)
            except Exception as error:  # noqa: BLE001 (a dead waker would leave every event to the sweep, silently)
                log.error("waker_failed", error=type(error).__name__)  # noqa: TRY400 (a traceback may hold a password)
