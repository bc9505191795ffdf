"""Who may take a message that Twilio has and of which nobody knows whose it is."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from channels.base import ExternalId, OutboundMessage
from models.messages import name_message
from sandbox.client import wait_for
from sandbox.faults import Fault
from tests.desk import Desk

LOOKS = 6


@pytest.fixture
def unclear(desk: Desk) -> Desk:
    """A desk with one answer that Twilio took without saying so."""
    desk.text("Are you there?")
    desk.work()
    desk.sandbox.fault(Fault(service="twilio", method="POST Messages", kind="reset_after"))
    desk.say("ok", thread=desk.thread())
    desk.work()
    return desk


def states(desk: Desk) -> list[str]:
    return [each.status for each in desk.deliveries()]


def test_of_two_messages_that_fit_neither_is_taken_and_the_agents_are_asked(unclear: Desk) -> None:
    """Somebody else's program sends the same words from the same number."""
    phone, ours = (ExternalId(type="phone", value=each) for each in (unclear.phone, "+15550100001"))
    other = OutboundMessage(idempotency_key="another", to=phone, sender=ours, body="ok")
    unclear.tools.channel("sms").send(other)
    for _ in range(LOOKS):
        unclear.let_pass(300)
    assert states(unclear) == ["unconfirmed"]
    assert "not known whether" in unclear.messages()[-1].body


def test_a_sid_that_is_being_taken_at_this_moment_is_not_taken_twice(unclear: Desk) -> None:
    (sent,) = unclear.effects("twilio", "message")
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with ThreadPoolExecutor(1) as worker:
        with unclear.session() as session:
            name_message(session, unclear.messages()[0].id, ExternalId(type="twilio", value=str(sent["sid"])))
            session.flush()
            look = worker.submit(unclear.let_pass, 300)
            wait_for(lambda: unclear.scalars(waiting) != [0], "a look that waits for the name")
        look.result()
    assert states(unclear) == ["unclear"]
