import threading
from collections.abc import Iterator, Sequence
from functools import partial

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from channels.base import RawEvent
from sandbox.client import wait_for
from tests.models.at_once import at_once
from workers.db import Database, Wakeup
from workers.inbox import Inbox


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url, lambda _: None, pool_size=10)
    yield made
    made.engine.dispose()


def raw(external_id: str, *, channel: str = "email", payload: bytes = b"hello") -> RawEvent:
    return RawEvent(channel=channel, external_id=external_id, conversation="cleo", payload=payload)


def stored(database: Database) -> list[tuple[str, str, bytes]]:
    with database.session_scope() as session:
        rows = session.execute(text("SELECT channel, external_id, payload FROM inbound_events ORDER BY id"))
        return [(row.channel, row.external_id, bytes(row.payload)) for row in rows]


class Published:
    """What was published, call by call; while `shut`, a publish takes its time."""

    def __init__(self) -> None:
        self.calls: list[list[Wakeup]] = []
        self.open = threading.Event()
        self.open.set()

    def __call__(self, wakeups: Sequence[Wakeup]) -> None:
        self.calls.append(list(wakeups))
        self.open.wait(30)

    @property
    def wakeups(self) -> list[Wakeup]:
        return [wakeup for call in self.calls for wakeup in call]


@pytest.fixture
def published() -> Published:
    return Published()


@pytest.fixture
def inbox(database: Database, published: Published) -> Inbox:
    return Inbox(database, published)


def test_when_it_says_yes_the_bytes_are_committed(inbox: Inbox, database: Database) -> None:
    assert inbox.accept([raw("e1", payload=b"\x00\xff")]) == 1
    assert stored(database) == [("email", "e1", b"\x00\xff")]


def test_a_second_arrival_adds_nothing_and_is_still_a_yes(inbox: Inbox, database: Database) -> None:
    assert [inbox.accept([raw("e1")]) for _ in range(3)] == [1, 0, 0]
    assert len(stored(database)) == 1


def test_the_same_event_twice_in_one_call_is_one(inbox: Inbox, database: Database) -> None:
    assert inbox.accept([raw("e1"), raw("e1"), raw("e2")]) == 2
    assert len(stored(database)) == 2


def test_one_id_on_two_channels_is_two_events(inbox: Inbox) -> None:
    assert inbox.accept([raw("e1"), raw("e1", channel="sms")]) == 2


def test_many_arrivals_of_one_event_at_once_are_one_row_and_one_of_them_is_new(
    inbox: Inbox, database: Database
) -> None:
    assert sorted(at_once([partial(inbox.accept, [raw("e1")])] * 10)) == [0] * 9 + [1]
    assert len(stored(database)) == 1


def test_nothing_arrived_is_nothing_to_do(inbox: Inbox, published: Published) -> None:
    assert inbox.accept([]) == 0
    assert published.calls == []


def test_one_event_that_cannot_be_stored_takes_back_the_others_of_its_call(
    inbox: Inbox, database: Database, published: Published
) -> None:
    with pytest.raises(DBAPIError):
        inbox.accept([raw("e1"), raw("e2", channel="x" * 51)])
    assert stored(database) == []
    assert published.calls == []


def test_without_a_database_there_is_no_yes(published: Published) -> None:
    away = Database("postgresql+psycopg://frontdesk:x@127.0.0.1:1/frontdesk", published)
    with pytest.raises(OperationalError):
        Inbox(away, published).accept([raw("e1")])
    assert published.calls == []


def test_a_worker_is_woken_for_what_is_new_and_for_nothing_else(inbox: Inbox, published: Published) -> None:
    inbox.accept([raw("e1")])
    inbox.accept([raw("e1")])
    inbox.accept([raw("e2", channel="sms")])
    wait_for(lambda: len(published.wakeups) == 2, "second wake-up")
    assert {(each.task, each.channel) for each in published.wakeups} == {
        ("inbound.ingest", "email"),
        ("inbound.ingest", "sms"),
    }


def test_a_slow_broker_delays_no_yes_and_what_gathers_meanwhile_goes_together(
    inbox: Inbox, published: Published
) -> None:
    published.open.clear()
    for number in range(20):
        assert inbox.accept([raw(f"e{number}")]) == 1
    published.open.set()
    wait_for(lambda: len(published.wakeups) == 20, "twentieth wake-up")
    assert len(published.calls) < 20
    assert [each.row_id for each in published.wakeups] == sorted(each.row_id for each in published.wakeups)
