import os
import random
from datetime import timedelta
from functools import partial
from itertools import count

import pytest
from sqlalchemy import Connection, event, select, text
from sqlalchemy.exc import OperationalError

from models.base import now
from models.inbound_events import (
    SLICE,
    ClaimedEvent,
    EventStatus,
    InboundEvent,
    claim_event,
    claim_next,
    due_events,
    extend_lease,
    finish_event,
    insert_event,
    postpone_event,
    read_payload,
    replay_event,
)
from tests.models.at_once import at_once
from workers.db import Database

LEASE = timedelta(seconds=30)
OVER = timedelta(seconds=-1)
_numbers = count(1)


def arrive(database: Database, conversation: str = "cleo", payload: bytes = b"hello") -> int:
    with database.session_scope() as session:
        made = insert_event(
            session,
            channel="email",
            external_id=f"e{next(_numbers)}",
            conversation=conversation,
            payload=payload,
            facts={},
        )
    assert made is not None
    return made


def claim(database: Database, event_id: int, lease: timedelta = LEASE) -> ClaimedEvent | None:
    with database.session_scope() as session:
        return claim_event(session, event_id, lease)


def held(database: Database, event_id: int, lease: timedelta = LEASE) -> ClaimedEvent:
    claimed = claim(database, event_id, lease)
    assert claimed is not None
    return claimed


def finish(database: Database, claimed: ClaimedEvent, status: EventStatus = EventStatus.PROCESSED) -> bool:
    with database.session_scope() as session:
        return finish_event(session, claimed, status)


def status(database: Database, event_id: int) -> tuple[str, int]:
    with database.session_scope() as session:
        row = session.get_one(InboundEvent, event_id)
        return row.status, row.attempts


# One at a time, in order


def test_the_oldest_of_a_conversation_is_claimed_whichever_was_asked_for(database: Database) -> None:
    first, second = arrive(database), arrive(database)
    assert held(database, second).id == first


def test_nothing_of_a_conversation_is_claimed_while_its_head_is_held(database: Database) -> None:
    first, second = arrive(database), arrive(database)
    held(database, first)
    assert (claim(database, first), claim(database, second)) == (None, None)


def test_another_conversation_does_not_wait(database: Database) -> None:
    held(database, arrive(database, "cleo"))
    other = arrive(database, "dora")
    assert held(database, other).id == other


def test_a_conversation_is_worked_off_in_the_order_accepted(database: Database) -> None:
    ids = [arrive(database) for _ in range(4)]
    done = []
    claimed = claim(database, ids[-1])
    while claimed is not None:
        done.append(claimed.id)
        assert finish(database, claimed)
        with database.session_scope() as session:
            claimed = claim_next(session, claimed.conversation, LEASE)
    assert done == ids


def test_what_was_postponed_holds_back_what_came_after_it(database: Database) -> None:
    first, second = arrive(database), arrive(database)
    claimed = held(database, first)
    with database.session_scope() as session:
        assert postpone_event(session, claimed, now() + timedelta(hours=1), "later", blameless=True)
    assert claim(database, second) is None
    assert status(database, first) == ("pending", 1)


@pytest.mark.parametrize(("blameless", "charged"), [(True, 0), (False, 1)])
def test_an_attempt_that_failed_for_lack_of_the_outside_is_not_the_events_fault(
    database: Database,
    blameless: bool,  # noqa: FBT001 (a table's column)
    charged: int,
) -> None:
    event_id = arrive(database)
    claimed = held(database, event_id)
    with database.session_scope() as session:
        postpone_event(session, claimed, now(), "no answer", blameless=blameless)
    again = held(database, event_id)
    assert again.attempts - 1 - again.postponements == charged


def test_of_many_workers_at_once_one_gets_the_event(database: Database) -> None:
    for _ in range(5):
        event_id = arrive(database, f"c{next(_numbers)}")
        got = at_once([partial(claim, database, event_id)] * 8)
        assert [each.id for each in got if each] == [event_id]


@pytest.mark.parametrize("event_id", [0, -1, 2**31, 2**62])
def test_an_event_that_is_not_there_is_nobodys(database: Database, event_id: int) -> None:
    arrive(database)
    assert claim(database, event_id) is None


# The lease, and what became of who lost it


def test_after_its_lease_an_event_is_claimed_again_and_counted(database: Database) -> None:
    event_id = arrive(database)
    assert held(database, event_id, OVER).attempts == 1
    assert held(database, event_id).attempts == 2


def test_of_many_workers_at_once_one_gets_what_a_dead_one_left(database: Database) -> None:
    event_id = arrive(database)
    held(database, event_id, OVER)
    assert [each.attempts for each in at_once([partial(claim, database, event_id)] * 8) if each] == [2]


def test_who_lost_the_lease_can_neither_finish_nor_postpone_nor_extend(database: Database) -> None:
    event_id = arrive(database)
    slow, quick = held(database, event_id, OVER), held(database, event_id)
    assert not finish(database, slow)
    with database.session_scope() as session:
        assert not postpone_event(session, slow, now(), "again", blameless=True)
        assert not extend_lease(session, slow, LEASE)
    assert status(database, event_id) == ("processing", 2)
    assert finish(database, quick)


def test_an_event_is_finished_once(database: Database) -> None:
    claimed = held(database, arrive(database))
    assert [finish(database, claimed), finish(database, claimed, EventStatus.FAILED)] == [True, False]
    assert status(database, claimed.id)[0] == "processed"


def test_of_two_who_finish_at_once_one_is_told_no(database: Database) -> None:
    event_id = arrive(database)
    slow, quick = held(database, event_id, OVER), held(database, event_id)
    assert at_once([partial(finish, database, slow), partial(finish, database, quick)]) == [False, True]


def test_an_extended_lease_holds(database: Database) -> None:
    event_id = arrive(database)
    claimed = held(database, event_id, timedelta(seconds=0.2))
    with database.session_scope() as session:
        assert extend_lease(session, claimed, timedelta(minutes=1))
        session.execute(text("SELECT pg_sleep(0.3)"))
    assert claim(database, event_id) is None


# Sweeping and replaying


def test_the_sweeper_sees_what_waits_and_what_a_dead_worker_left_but_not_what_is_held_or_done(
    database: Database,
) -> None:
    waiting, left, held_one, done = (arrive(database, name) for name in ("a", "b", "c", "d"))
    held(database, left, OVER)
    held(database, held_one)
    assert finish(database, held(database, done))
    with database.session_scope() as session:
        due = due_events(session, older_than=timedelta(0), limit=10)
        assert due_events(session, older_than=timedelta(minutes=1), limit=10) == []
    assert due == [(waiting, "email"), (left, "email")]


@pytest.mark.parametrize(
    ("left", "replayed"),
    [(EventStatus.FAILED, "email"), (EventStatus.IGNORED, "email"), (EventStatus.PROCESSED, None)],
)
def test_only_what_was_set_aside_is_replayed(database: Database, left: EventStatus, replayed: str | None) -> None:
    event_id = arrive(database)
    finish(database, held(database, event_id), left)
    with database.session_scope() as session:
        assert replay_event(session, event_id) == replayed
    assert (claim(database, event_id) is not None) == (replayed is not None)


def test_what_is_being_worked_on_is_not_replayed(database: Database) -> None:
    event_id = arrive(database)
    claimed = held(database, event_id)
    with database.session_scope() as session:
        assert replay_event(session, event_id) is None
        assert replay_event(session, event_id + 1) is None
    assert finish(database, claimed)


def test_a_replayed_event_has_its_bytes_and_no_attempt_to_its_charge(database: Database) -> None:
    event_id = arrive(database, payload=b"\x00\xffraw")
    for _ in range(3):
        finish(database, held(database, event_id), EventStatus.FAILED)
        with database.session_scope() as session:
            replay_event(session, event_id)
    again = held(database, event_id)
    assert (again.payload, again.attempts - again.postponements) == (b"\x00\xffraw", 1)


def test_who_lost_the_lease_before_a_replay_cannot_finish_after_it(database: Database) -> None:
    event_id = arrive(database)
    slow = held(database, event_id, OVER)
    finish(database, held(database, event_id), EventStatus.FAILED)
    with database.session_scope() as session:
        replay_event(session, event_id)
    again = held(database, event_id)
    assert [finish(database, slow), finish(database, again)] == [False, True]


# The bytes


def test_the_same_event_twice_is_one_row(database: Database) -> None:
    values = {"channel": "email", "external_id": "same", "conversation": "c", "payload": b"1", "facts": {}}
    with database.session_scope() as session:
        made = [insert_event(session, **values), insert_event(session, **values)]  # type: ignore[arg-type]
    assert made[0] is not None
    assert made[1] is None


def test_27_megabytes_come_back_byte_for_byte_and_never_in_one_piece(database: Database) -> None:
    payload = random.Random(7).randbytes(1 << 20) * 27 + b"end"
    event_id = arrive(database, payload=payload)
    largest = 0

    def measure(_connection: Connection, cursor, *_: object) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        nonlocal largest
        result = cursor.pgresult
        cells = [(row, cell) for row in range(result.ntuples) for cell in range(result.nfields)]
        largest = max([largest, *(len(result.get_value(*each) or b"") for each in cells)])

    event.listen(database.engine, "after_cursor_execute", measure)
    claimed = held(database, event_id)
    assert claimed.payload == payload
    assert SLICE <= largest < 3 * SLICE


@pytest.mark.parametrize("size", [0, 1, SLICE - 1, SLICE, SLICE + 1, 2 * SLICE, 2 * SLICE + 1])
def test_payloads_at_the_edges_of_a_slice_are_whole(database: Database, size: int) -> None:
    payload = os.urandom(size)
    event_id = arrive(database, payload=payload)
    with database.session_scope() as session:
        assert read_payload(session, event_id) == payload
    assert held(database, event_id).payload == payload


def test_a_listing_does_not_carry_the_bytes(database: Database) -> None:
    arrive(database)
    with database.session_scope() as session:
        (row,) = session.scalars(select(InboundEvent))
        assert "payload" not in vars(row)


def impatient(database: Database, conversation: str) -> None:
    with database.session_scope() as session:
        session.execute(text("SET LOCAL lock_timeout = '100ms'"))
        insert_event(
            session,
            channel="email",
            external_id=f"e{next(_numbers)}",
            conversation=conversation,
            payload=b"b",
            facts={},
        )


def test_while_one_event_is_not_committed_another_of_its_conversation_waits(database: Database) -> None:
    """So that a smaller id is never seen after a larger one, and the oldest open event is the oldest there is."""
    with database.session_scope() as first:
        insert_event(first, channel="email", external_id="a", conversation="cleo", payload=b"a", facts={})
        with pytest.raises(OperationalError):
            impatient(database, "cleo")
        impatient(database, "dan")
