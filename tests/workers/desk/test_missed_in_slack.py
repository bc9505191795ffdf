"""What Slack gave up calling us about is found in its channels. The sandbox's calls go nowhere in these tests."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from channels.base import THREADS_LISTED, ExternalId
from models.base import now
from models.departments import AGENTS, add_address
from models.reconciliations import mark_reconciled, old_threads
from sandbox.faults import Fault
from tests.desk import Desk
from workers.desk.reconciling import Reconciler

PLACES = ((AGENTS, "T0DESK/C0SUPPORT"), (AGENTS, "T0DESK/C0BILLING"), ("slack", "T0DESK/C0CLIENTS"))


@pytest.fixture
def look(desk: Desk) -> Callable[[], int]:
    """Let a desk look for all that it may have missed since this moment; other tests spoke in the same channels."""
    begin = now()

    def run() -> int:
        complete(desk, begin)
        return reconciler(desk).run()

    return run


def complete(desk: Desk, until: datetime) -> None:
    with desk.tools.database.session_scope() as session:
        for kind, value in PLACES:
            mark_reconciled(session, ExternalId(type=kind, value=value), until)


def reconciler(desk: Desk, listed: timedelta = THREADS_LISTED) -> Reconciler:
    return Reconciler(tools=desk.tools, inbox=desk.inbox, overlap=timedelta(0), listed=listed)


def found_in_slack(desk: Desk) -> int:
    """Look once, and return how much of what Slack tells was new; the sandbox's phone has texts of others."""
    events = "SELECT count(*) FROM inbound_events WHERE channel = 'slack'"
    (before,) = desk.scalars(events)
    reconciler(desk).run()
    (after,) = desk.scalars(events)
    return int(str(after)) - int(str(before))


def thread(desk: Desk) -> tuple[str, str]:
    """Open a ticket by text and return the channel and `ts` of its thread."""
    desk.text("Help")
    desk.work()
    return "C0SUPPORT", desk.thread()


def sent(desk: Desk) -> list[str]:
    return [str(effect["body"]) for effect in desk.effects("twilio", "message")]


def test_fifty_answers_nobody_heard_are_each_sent_once_and_in_order(desk: Desk, look: Callable[[], int]) -> None:
    channel, ts = thread(desk)
    said = [f"Answer {number:02}" for number in range(50)]
    for body in said:
        desk.sandbox.say("U0ADA", channel, body, thread_ts=ts)
    assert look() == 50
    desk.work()
    assert sent(desk) == said
    assert look() == 0
    desk.work()
    assert sent(desk) == said


def test_what_was_heard_is_not_found_again(desk: Desk, look: Callable[[], int]) -> None:
    channel, ts = thread(desk)
    mark = desk.sandbox.say("U0ADA", channel, "Heard", thread_ts=ts)
    event: dict[str, object] = {
        "type": "message",
        "user": "U0ADA",
        "channel": channel,
        "text": "Heard",
        "ts": mark,
        "thread_ts": ts,
    }
    desk.slack(event)
    assert look() == 0
    desk.slack(event)
    desk.work()
    assert sent(desk) == ["Heard"]


def test_a_note_nobody_heard_stays_a_note_and_is_one(desk: Desk, look: Callable[[], int]) -> None:
    channel, ts = thread(desk)
    desk.sandbox.say("U0ADA", channel, "note: she is angry", thread_ts=ts)
    assert look() == 1
    assert look() == 0
    desk.work()
    assert (len(desk.notes()), sent(desk)) == (1, [])


def test_a_clients_message_nobody_heard_opens_a_ticket(desk: Desk, look: Callable[[], int]) -> None:
    desk.sandbox.say("U0CLEO", "C0CLIENTS", "Nobody answers")
    assert look() == 1
    desk.work()
    assert "Nobody answers" in [ticket.title for ticket in desk.tickets()]


def test_our_own_posts_are_not_taken_for_anybodys(desk: Desk, look: Callable[[], int]) -> None:
    thread(desk)
    assert look() == 0


def test_a_channel_that_was_never_looked_at_begins_now(desk: Desk) -> None:
    channel, ts = thread(desk)
    desk.sandbox.say("U0ADA", channel, "Before our time", thread_ts=ts)
    assert found_in_slack(desk) == 0
    with desk.tools.database.session_scope() as session:
        known = session.scalars(text("SELECT value FROM reconciliations")).all()
    assert {value for _, value in PLACES} < set(known)


def test_a_private_channel_that_nobody_let_us_into_is_told_to_operators_until_somebody_does(desk: Desk) -> None:
    complete(desk, now())
    desk.sandbox.add_channel("C0CLOSED", "closed", ["U0CLEO"], private=True, bot=False)
    with desk.tools.database.session_scope() as session:
        add_address(session, 1, ExternalId(type="slack", value="T0DESK/C0CLOSED"))
        mark_reconciled(session, ExternalId(type="slack", value="T0DESK/C0CLOSED"), now())
    with capture_logs() as logs:
        reconciler(desk).run()
    (told,) = [each for each in logs if each["event"] == "channel_not_reconciled"]
    assert "invite the bot if it is private" in told["reason"]
    desk.sandbox.add_channel("C0CLOSED", "closed", ["U0CLEO"], private=True)
    desk.sandbox.say("U0CLEO", "C0CLOSED", "At last")
    assert found_in_slack(desk) == 1
    desk.work()
    assert desk.ticket().title == "At last"


def test_a_channel_without_the_bot_keeps_nothing_else_from_being_found(desk: Desk) -> None:
    channel, ts = thread(desk)
    desk.sandbox.add_channel("C0LEFT", "left", ["U0CLEO"], bot=False)
    with desk.session() as session:
        add_address(session, 1, ExternalId(type="slack", value="T0DESK/C0LEFT"))
        mark_reconciled(session, ExternalId(type="slack", value="T0DESK/C0LEFT"), now() - timedelta(hours=1))
    complete(desk, now())
    desk.sandbox.say("U0ADA", channel, "Answer", thread_ts=ts)
    assert found_in_slack(desk) == 1


def test_slack_away_leaves_the_moment_where_it_was(desk: Desk) -> None:
    complete(desk, now())
    channel, ts = thread(desk)
    desk.sandbox.say("U0ADA", channel, "Later", thread_ts=ts)
    desk.sandbox.fault(Fault(service="slack", method="conversations.history", kind="5xx_before", times=3))
    assert found_in_slack(desk) == 0
    assert found_in_slack(desk) == 1


def test_answers_in_a_thread_that_its_channel_lists_no_more_are_found_in_the_thread(desk: Desk) -> None:
    channel, ts = thread(desk)
    for body in ("One", "Two"):
        desk.sandbox.say("U0ADA", channel, body, thread_ts=ts)
        complete(desk, now())  # so that the channel itself has nothing to tell
        assert [reconciler(desk).run(), *(reconciler(desk, timedelta(0)).run() for _ in range(2))] == [0, 1, 0]
        desk.work()
    assert sent(desk) == ["One", "Two"]


def test_a_thread_that_is_gone_is_like_one_in_which_nothing_was_said(desk: Desk) -> None:
    thread(desk)
    gone = "T0DESK/C0SUPPORT/1700000000.000100"
    desk.scalars("UPDATE ticket_external_ids SET value = :gone RETURNING id", gone=gone)
    complete(desk, now())
    with capture_logs() as logs:
        assert reconciler(desk).run() == 0
    assert [each for each in logs if each["event"] == "channel_not_reconciled"] == []
    assert desk.scalars("SELECT count(*) FROM reconciliations WHERE value = :gone", gone=gone) == [1]


def test_old_threads_of_open_tickets_have_their_turns(desk: Desk) -> None:
    for sender in ("+15550001111", "+15550002222", "+15550003333"):
        desk.text("Help", sender=sender)
    desk.work()
    names = [f"T0DESK/C0SUPPORT/{desk.thread(each.id)}" for each in desk.tickets()]
    desk.scalars("UPDATE tickets SET closed_at = created_at WHERE id = 3 RETURNING id")
    places, turns = [ExternalId(type=kind, value=value) for kind, value in PLACES], []
    with desk.session() as session:
        for _ in range(3):
            ((turn, _),) = old_threads(session, places, now(), 1)
            mark_reconciled(session, turn, now())
            turns.append(turn.value)
        assert old_threads(session, places, now() - THREADS_LISTED, 1) == []
        assert old_threads(session, [], now(), 1) == []
    assert turns == [*names[:2], names[0]]
