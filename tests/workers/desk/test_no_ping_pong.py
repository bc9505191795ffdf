"""Machines that answer our mail, over the whole way: none is answered, none reopens a ticket."""

import pytest

from channels.email.event import raw_event
from tests.channels.email.machine_samples import MACHINES, envelope_sender, machine
from tests.desk import Desk

SUPPORT = "support@desk.example"


@pytest.fixture
def closed(desk: Desk) -> str:
    """Return the Message-ID of our answer in a ticket that is closed by now."""
    desk.mail()
    desk.work()
    desk.say("Pull the plug.", thread=desk.thread())
    desk.work()
    desk.press("close", desk.ticket().id)
    desk.work()
    assert desk.ticket().status == "closed"
    return str(desk.mailbox()[-1]["headers"]["Message-ID"])


def arrives(desk: Desk, payload: bytes) -> None:
    sender = envelope_sender(payload)
    desk.accept(raw_event(payload, mail_from=sender, rcpt_tos=[SUPPORT], peer="192.0.2.9", mailboxes=[SUPPORT]))
    desk.work()


def test_machines_of_47_kinds_cause_no_mail_and_reopen_nothing(desk: Desk, closed: str) -> None:
    ticket = desk.ticket().id
    assert len(MACHINES) == 47
    for name in MACHINES:
        arrives(desk, machine(name, closed))
        status = {each.id: each.status for each in desk.tickets()}
        assert (name, status[ticket]) == (name, "closed")
    assert len(desk.effects("mailbox")) == 1
    assert desk.scalars("SELECT status FROM inbound_events WHERE status = 'failed'") == []


@pytest.mark.parametrize("name", ["vacation_en_rfc3834", "vacation_no_marks", "list_precedence"])
def test_a_machines_answer_is_kept_in_the_ticket_it_answers(desk: Desk, closed: str, name: str) -> None:
    arrives(desk, machine(name, closed))
    assert desk.ticket().status == "closed"
    assert desk.scalars("SELECT automatic <> 'no' FROM message_sources ORDER BY message_id DESC LIMIT 1") == [True]


def test_the_same_answer_without_a_machines_marks_reopens(desk: Desk, closed: str) -> None:
    plain = machine("vacation_en_rfc3834", closed).replace(b"Auto-Submitted: auto-replied\r\n", b"")
    arrives(desk, plain)
    assert desk.ticket().status == "waiting_for_agent"
