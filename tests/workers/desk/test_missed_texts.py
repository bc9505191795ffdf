"""What Twilio's calls did not bring is found in its list. No door listens here: the sandbox's calls bring nothing."""

from datetime import timedelta
from urllib.parse import parse_qs

import pytest

from channels.base import ExternalId, Request
from models.base import now
from models.departments import add_address
from models.reconciliations import mark_reconciled
from sandbox.client import file
from sandbox.faults import Fault
from tests.desk import Desk
from workers.desk.reconciling import Reconciler

TEN_MINUTES = 600.0
# When the door came back: longer ago than a look goes back by itself, so that only the stored moment can find it.
SETTLED = 2 * TEN_MINUTES


@pytest.fixture
def ours(desk: Desk) -> str:
    """Return a number that nobody wrote to before, and leave the desk no other address: the sandbox outlives it."""
    number = f"+1666{desk.phone[5:]}"
    desk.scalars("DELETE FROM department_external_ids RETURNING id")
    with desk.session() as session:
        for kind in ("phone", "whatsapp"):
            add_address(session, 1, ExternalId(type=kind, value=number))
            mark_reconciled(session, ExternalId(type=kind, value=number), now() - timedelta(minutes=30))
    return number


def look(desk: Desk) -> int:
    return Reconciler(tools=desk.tools, inbox=desk.inbox).run()


def late_calls(desk: Desk, sids: list[str]) -> int:
    """Let Twilio's calls about these messages come after all, and return how many of them were news."""
    path = "/webhooks/twilio/messages"
    news = 0
    for call in desk.sandbox.webhooks("twilio/messages"):
        if parse_qs(call["body"])["MessageSid"][0] in sids:
            request = Request(url=f"https://desk.example.com{path}", path=path, headers={}, body=call["body"].encode())
            news += desk.accept(*desk.tools.channels.webhooks["twilio"].receive(request).events)
    return news


def test_a_hundred_messages_of_ten_minutes_without_a_door_are_each_taken_in_once(desk: Desk, ours: str) -> None:
    phones = [f"+{int(desk.phone[1:]) + number}" for number in range(5)]
    sids = []
    for number in range(50):
        ago, phone = SETTLED + TEN_MINUTES - number * TEN_MINUTES / 50, phones[number % 5]
        sids.append(desk.sandbox.text(phone, ours, f"text {number:02}", ago=ago))
        sids.append(desk.sandbox.text(f"whatsapp:{phone}", f"whatsapp:{ours}", f"message {number:02}", ago=ago))
    desk.sandbox.fault(Fault(service="twilio", method="GET Messages", kind="429", retry_after=30))
    assert (look(desk), look(desk), look(desk)) == (50, 50, 0)
    desk.ingest()
    named = desk.scalars("SELECT value FROM message_external_ids WHERE type = 'twilio' ORDER BY value")
    assert named == sorted(sids)
    assert late_calls(desk, sids) == 0
    assert (desk.count("inbound_events"), desk.count("message_sources"), desk.count("clients")) == (100, 100, 5)
    said = "SELECT body FROM messages JOIN message_sources ON message_id = messages.id WHERE sender = :phone "
    texts = desk.scalars(said + "AND channel = 'sms' ORDER BY messages.id", phone=phones[0])
    assert texts == [f"text {number:02}" for number in range(0, 50, 5)]


def test_a_missed_message_is_read_as_its_call_would_have_been(desk: Desk, ours: str) -> None:
    picture = file("", b"\xff\xd8 fire", "image/jpeg")
    desk.sandbox.text(f"whatsapp:{desk.phone}", f"whatsapp:{ours}", "See this", media=[picture], ago=SETTLED)
    assert look(desk) == 1
    desk.ingest()
    assert desk.bodies() == ["See this"]
    stored = "SELECT content_type || ' ' || name || ' ' || size FROM attachments WHERE storage_key IS NOT NULL"
    assert desk.scalars(stored) == ["image/jpeg media-1.jpg 7"]
    sent = "SELECT count(*) FROM message_sources WHERE sent_at < timezone('utc', now()) - interval '90 seconds'"
    assert desk.scalars(sent) == [1]


def test_a_stop_that_is_found_late_counts_from_when_it_was_said(desk: Desk, ours: str) -> None:
    wants, again, silent = (f"+{int(desk.phone[1:]) + number}" for number in range(3))
    phones = (wants, again, silent, f"whatsapp:{wants}")
    for phone in phones:
        kind = phone[: -len(wants)]
        desk.sandbox.text(phone, f"{kind}{ours}", "STOP", ago=SETTLED + TEN_MINUTES / 2)
    desk.sandbox.text(again, ours, "START", ago=SETTLED)  # missed as well
    desk.text("START", sender=wants, to=ours)
    desk.text("Hello?", sender=silent, to=ours)
    desk.text("Hello?", sender=f"whatsapp:{wants}", to=f"whatsapp:{ours}")
    desk.ingest()
    assert look(desk) == 5
    desk.ingest()
    assert desk.scalars("SELECT value FROM suppressions") == [silent]
    minutes = "SELECT (extract(epoch FROM timezone('utc', now()) - created_at) / 60)::int FROM suppressions"
    assert desk.scalars(minutes) == [25]


def test_what_twilio_may_still_call_about_is_left_to_its_call(desk: Desk, ours: str) -> None:
    sid = desk.sandbox.text(desk.phone, ours, "Just now")
    assert look(desk) == 0
    assert late_calls(desk, [sid]) == 1
