from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import text

from models.base import now
from models.deliveries import (
    DeliveryStatus,
    NewDelivery,
    Purpose,
    add_deliveries,
    cancel_deliveries,
    deliveries_to_client,
    delivery_by_id,
    delivery_reported,
    reopen_delivery,
)
from models.delivery_claims import ClaimedDelivery, claim_delivery, claim_next_in_lane, due_deliveries, record_outcome
from models.messages import add_message
from tests.models.at_once import at_once
from workers.db import Database

HELD = {"slack": timedelta(seconds=30), "email": timedelta(seconds=60)}
OVER = {"slack": timedelta(seconds=-1), "email": timedelta(seconds=-1)}

Make = Callable[..., int | None]


@pytest.fixture
def make(database: Database, ticket_id: int) -> Make:
    """Return what stores one send to the agents and gives its id, `None` when it was one with another."""

    def make(
        purpose: Purpose = Purpose.MESSAGE, *, lane: str = "", message: int | None = None, hold: float = 0
    ) -> int | None:
        wanted = NewDelivery(
            ticket_id=ticket_id,
            message_id=message,
            purpose=purpose,
            channel="slack",
            recipient_type="slack_agents",
            recipient="T0DESK/C0SUPPORT",
            lane=lane or "ticket",
            hold=hold,
        )
        with database.session_scope() as session:
            made = add_deliveries(session, [wanted])
        return made[0][0] if made else None

    return make


def some(made: int | None) -> int:
    assert made is not None
    return made


def claim(database: Database, delivery_id: int, leases: dict[str, timedelta] = HELD) -> ClaimedDelivery | None:
    with database.session_scope() as session:
        return claim_delivery(session, delivery_id, leases)


def held(database: Database, delivery_id: int, leases: dict[str, timedelta] = HELD) -> ClaimedDelivery:
    claimed = claim(database, delivery_id, leases)
    assert claimed is not None
    return claimed


def record(database: Database, claimed: ClaimedDelivery, status: DeliveryStatus, **values: object) -> bool:
    with database.session_scope() as session:
        return record_outcome(session, claimed, status, **values)


def status(database: Database, delivery_id: int) -> str:
    with database.session_scope() as session:
        delivery = delivery_by_id(session, delivery_id)
    assert delivery is not None
    return delivery.status


# Lanes


def test_the_head_of_a_lane_is_claimed_whichever_was_asked_for(database: Database, make: Make) -> None:
    first, second = some(make()), some(make())
    assert held(database, second).id == first


def test_nothing_of_a_lane_leaves_while_its_head_is_under_way(database: Database, make: Make) -> None:
    first, second = some(make()), some(make())
    held(database, first)
    assert (claim(database, first), claim(database, second)) == (None, None)


def test_another_lane_does_not_wait(database: Database, make: Make) -> None:
    held(database, some(make(lane="a")))
    other = some(make(lane="b"))
    assert held(database, other).id == other


def test_a_lane_leaves_in_the_order_made(database: Database, make: Make) -> None:
    ids = [some(make()) for _ in range(4)]
    done = []
    claimed = claim(database, ids[-1])
    while claimed is not None:
        done.append(claimed.id)
        assert record(database, claimed, DeliveryStatus.SENT)
        with database.session_scope() as session:
            claimed = claim_next_in_lane(session, claimed.lane, HELD)
    assert done == ids


def test_what_is_held_back_holds_back_what_was_made_after_it(database: Database, make: Make) -> None:
    make(hold=5)
    assert claim(database, some(make())) is None


@pytest.mark.parametrize("end", [DeliveryStatus.FAILED, DeliveryStatus.UNCONFIRMED, DeliveryStatus.SENT])
def test_what_ended_lets_the_lane_go_on(database: Database, make: Make, end: DeliveryStatus) -> None:
    first, second = some(make()), some(make())
    record(database, held(database, first), end)
    assert held(database, second).id == second


def test_what_was_canceled_is_never_claimed(database: Database, make: Make) -> None:
    first, second = some(make()), some(make())
    with database.session_scope() as session:
        cancel_deliveries(session, [first])
    assert held(database, first).id == second


def test_what_is_under_way_cannot_be_canceled(database: Database, make: Make) -> None:
    claimed = held(database, some(make()))
    with database.session_scope() as session:
        cancel_deliveries(session, [claimed.id])
    assert status(database, claimed.id) == "sending"


def test_of_many_workers_at_once_one_sends(database: Database, make: Make) -> None:
    for number in range(5):
        delivery_id = some(make(lane=f"lane{number}"))
        got = at_once([partial(claim, database, delivery_id)] * 8)
        assert [each.id for each in got if each] == [delivery_id]


# Leases and fencing


def test_what_a_dead_worker_left_is_looked_up_and_not_counted_as_a_send(database: Database, make: Make) -> None:
    delivery_id = some(make())
    first, again = held(database, delivery_id, OVER), held(database, delivery_id)
    assert (first.look_up, first.attempts, first.lookups) == (False, 1, 0)
    assert (again.look_up, again.attempts, again.lookups) == (True, 1, 1)
    assert again.attempted_at == first.attempted_at


def test_of_many_workers_at_once_one_looks_up_what_a_dead_one_left(database: Database, make: Make) -> None:
    delivery_id = some(make())
    held(database, delivery_id, OVER)
    got = at_once([partial(claim, database, delivery_id)] * 8)
    assert [(each.attempts, each.lookups) for each in got if each] == [(1, 1)]


def test_who_lost_the_lease_records_nothing(database: Database, make: Make) -> None:
    delivery_id = some(make())
    slow, quick = held(database, delivery_id, OVER), held(database, delivery_id)
    assert not record(database, slow, DeliveryStatus.FAILED, error_text="too late")
    assert status(database, delivery_id) == "unclear"
    assert record(database, quick, DeliveryStatus.SENT)
    assert status(database, delivery_id) == "sent"


def test_an_outcome_is_recorded_once(database: Database, make: Make) -> None:
    claimed = held(database, some(make()))
    assert record(database, claimed, DeliveryStatus.DELIVERED)
    assert not record(database, claimed, DeliveryStatus.SENT)
    assert status(database, claimed.id) == "delivered"


def test_each_channel_holds_for_as_long_as_its_own_sends_take(database: Database, make: Make) -> None:
    delivery_id = some(make())
    held(database, delivery_id, {"slack": timedelta(seconds=-1), "email": timedelta(hours=1)})
    assert held(database, delivery_id, {"slack": timedelta(hours=1), "email": timedelta(seconds=-1)}).look_up
    assert claim(database, delivery_id) is None


def test_an_unclear_send_waits_for_its_next_look(database: Database, make: Make) -> None:
    delivery_id = some(make())
    record(database, held(database, delivery_id), DeliveryStatus.UNCLEAR, next_attempt_at=now() + timedelta(minutes=1))
    assert claim(database, delivery_id) is None
    with database.session_scope() as session:
        session.execute(text("UPDATE deliveries SET next_attempt_at = timezone('utc', now())"))
    assert held(database, delivery_id).look_up


def test_what_a_person_sends_again_is_a_new_send(database: Database, make: Make) -> None:
    claimed = held(database, some(make()))
    record(database, claimed, DeliveryStatus.FAILED, error_code="30003", error_text="off")
    with database.session_scope() as session:
        assert reopen_delivery(session, claimed.id) is not None
        assert reopen_delivery(session, claimed.id) is None
    again = held(database, claimed.id)
    assert (again.look_up, again.attempts, again.lookups) == (False, 2, 0)
    assert again.idempotency_key == claimed.idempotency_key


def test_the_sweeper_sees_what_is_due_and_what_a_dead_worker_left(database: Database, make: Make) -> None:
    due, left = some(make(lane="a")), some(make(lane="b"))
    held(database, left, OVER)
    held(database, some(make(lane="c")))
    make(lane="d", hold=60)
    record(database, held(database, some(make(lane="e"))), DeliveryStatus.SENT)
    with database.session_scope() as session:
        found = [due_deliveries(session, older_than=timedelta(0), limit=10, channel=each) for each in ("slack", "sms")]
    assert found == [[(due, "slack"), (left, "slack")], []]


# What is one with another


def test_a_ticket_has_one_card_for_ever(database: Database, make: Make) -> None:
    card = some(make(Purpose.CARD))
    assert make(Purpose.CARD) is None
    record(database, held(database, card), DeliveryStatus.SENT)
    assert make(Purpose.CARD) is None


def test_renewals_of_a_card_that_wait_are_one(make: Make) -> None:
    assert [make(Purpose.CARD_UPDATE) is None for _ in range(3)] == [False, True, True]


def test_a_change_while_a_renewal_is_under_way_makes_the_next(database: Database, make: Make) -> None:
    held(database, some(make(Purpose.CARD_UPDATE)))
    assert make(Purpose.CARD_UPDATE) is not None
    assert make(Purpose.CARD_UPDATE) is None


def test_a_renewal_given_back_while_the_next_waits_is_one_with_it(database: Database, make: Make) -> None:
    first = held(database, some(make(Purpose.CARD_UPDATE)))
    second = some(make(Purpose.CARD_UPDATE))
    record(database, first, DeliveryStatus.PENDING, next_attempt_at=now())
    assert (status(database, first.id), status(database, second)) == ("canceled", "pending")
    assert held(database, first.id).id == second


def test_a_failed_renewal_sent_again_while_the_next_waits_is_one_with_it(database: Database, make: Make) -> None:
    first = held(database, some(make(Purpose.CARD_UPDATE)))
    record(database, first, DeliveryStatus.FAILED)
    second = some(make(Purpose.CARD_UPDATE))
    with database.session_scope() as session:
        reopen_delivery(session, first.id)
    assert (status(database, first.id), status(database, second)) == ("canceled", "pending")


def test_a_renewal_given_back_alone_is_tried_again(database: Database, make: Make) -> None:
    first = held(database, some(make(Purpose.CARD_UPDATE)))
    assert record(database, first, DeliveryStatus.PENDING, next_attempt_at=now())
    assert held(database, first.id).attempts == 2


def test_marks_that_wait_are_one_for_each_message(database: Database, make: Make, ticket_id: int) -> None:
    with database.session_scope() as session:
        one, other = (add_message(session, ticket_id=ticket_id, body=body) for body in "ab")
    made = [make(Purpose.RECEIPT, message=message, lane=f"mark:{message}") for message in (one, one, other)]
    assert [each is None for each in made] == [False, True, False]
    held(database, some(made[0]))
    assert make(Purpose.RECEIPT, message=one, lane=f"mark:{one}") is not None


def test_a_mark_given_back_while_the_next_waits_is_one_with_it(database: Database, make: Make, ticket_id: int) -> None:
    with database.session_scope() as session:
        message = add_message(session, ticket_id=ticket_id, body="a")
    first = held(database, some(make(Purpose.RECEIPT, message=message)))
    second = some(make(Purpose.RECEIPT, message=message))
    record(database, first, DeliveryStatus.PENDING, next_attempt_at=now())
    assert held(database, second).id == second


def test_messages_are_never_one_with_another(make: Make) -> None:
    assert None not in [make(Purpose.MESSAGE) for _ in range(3)]


# Reports


@pytest.mark.parametrize("key", ["", "no-uuid", "00000000-0000-4000-8000-000000000000", "'; DROP TABLE deliveries; --"])
def test_a_report_with_another_key_and_name_is_about_no_send(database: Database, make: Make, key: str) -> None:
    make()
    with database.session_scope() as session:
        assert delivery_reported(session, channel="slack", external_id="SM1", idempotency_key=key) is None


def test_a_report_finds_its_send_by_our_key_before_the_provider_has_named_it(database: Database, make: Make) -> None:
    claimed = held(database, some(make()))
    with database.session_scope() as session:
        found = delivery_reported(session, channel="slack", external_id="?", idempotency_key=claimed.idempotency_key)
        elsewhere = delivery_reported(session, channel="sms", external_id="?", idempotency_key=claimed.idempotency_key)
        assert found is not None
        assert (found.id, elsewhere) == (claimed.id, None)


def test_sends_to_the_agents_are_not_sends_to_the_client(database: Database, make: Make, ticket_id: int) -> None:
    with database.session_scope() as session:
        message = add_message(session, ticket_id=ticket_id, body="a")
    make(message=message)
    with database.session_scope() as session:
        assert deliveries_to_client(session, message) == []
