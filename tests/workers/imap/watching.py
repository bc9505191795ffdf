"""The door's thread for one mailbox, run by a test over the real database."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from channels.email.imap_account import Account
from channels.email.imap_source import Source
from models.inbound_events import EventStatus, due_events
from sandbox.client import wait_for
from tests.desk import NO_TIME, Desk
from workers.doors.imap import Connect, House, Watch
from workers.doors.imap_reader import Pace
from workers.tasks.inbound import ingest_conversation

QUICK = Pace(
    idle=2.0,
    pause=0.01,
    look_back_every=3600.0,
    silent=60.0,
    stand_by=0.1,
    shortest_wait=0.05,
    longest_wait=0.2,
    wait_when_refused=0.3,
)


@contextmanager
def watching(desk: Desk, account: Account, pace: Pace = QUICK, connect: Connect = Source) -> Iterator[Watch]:
    """Run the door for this mailbox until the context ends."""
    watch = Watch(House(tools=desk.tools, inbox=desk.inbox, connect=connect, pace=pace), account)
    watch.start()
    try:
        yield watch
    finally:
        watch.stop()
        watch.join(10)
        assert not watch.is_alive()


def row(desk: Desk, name: str = "support") -> dict[str, Any]:
    """Return what the database says of a mailbox."""
    (found,) = desk.scalars("SELECT to_jsonb(mailboxes) - 'refresh_token' FROM mailboxes WHERE name = :name", name=name)
    assert isinstance(found, dict)
    return found


def read_to(desk: Desk, uid: int) -> None:
    """Wait until the cursor stands at this mail."""
    at = "SELECT last_uid FROM mailboxes WHERE state = 'watching'"
    wait_for(lambda: desk.scalars(at) == [uid], f"cursor at {uid}", 20)


def arrived(desk: Desk, count: int) -> None:
    wait_for(lambda: desk.count("inbound_events") >= count, f"{count} events", 20)


def ingest(desk: Desk) -> None:
    """Let the workers record what arrived, and send nothing."""
    while True:
        with desk.session() as session:
            due = due_events(session, older_than=NO_TIME, limit=1000)
        if not due:
            return
        for event_id, _ in due:
            ingest_conversation(desk.tools, event_id)


def counts(desk: Desk) -> tuple[int, int, int]:
    """Return how many messages there are, how many events were set aside, and how many of both are double."""
    messages = desk.scalars("SELECT body FROM messages WHERE NOT is_system_message")
    failed = desk.scalars("SELECT payload FROM inbound_events WHERE status = :status", status=str(EventStatus.FAILED))
    doubles = len(messages) - len(set(messages)) + len(failed) - len(set(failed))
    return len(messages), len(failed), doubles


def waits(lines: Iterable[Mapping[str, Any]]) -> list[float]:
    """Return how many seconds the door says that it waits, for each trouble that it logged."""
    return [line["seconds"] for line in lines if line["event"] == "mailbox_trouble"]
