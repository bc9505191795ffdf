"""STOP and START: what a client who texts them gets from then on, and what the agents are told."""

import re

import pytest

from tests.desk import Desk
from tests.workers.desk.merging_steps import merge_clients

OURS, OTHER = "+15550100001", "+15550100009"
WHATSAPP = "whatsapp:+15550100002"


def texts(desk: Desk) -> list[object]:
    return [each["body"] for each in desk.effects("twilio", "message")]


def told(desk: Desk, words: str) -> list[str]:
    """Return what the agents were told with these words."""
    posts = [str(each["text"]) for each in desk.effects("slack", "post")]
    return [each for each in posts if re.search(words, each)]


@pytest.fixture
def thread(desk: Desk) -> str:
    desk.text("Where is my order?")
    desk.work()
    return desk.thread()


def test_after_stop_nothing_is_sent_and_the_agent_reads_since_when_and_why_until_start(desk: Desk, thread: str) -> None:
    desk.say("Tomorrow.", thread=thread)
    desk.work()
    desk.text(" stop\n")
    desk.work()
    assert desk.bodies()[-1] == " stop\n"  # the agents see it
    assert desk.ticket().status == "waiting_for_user"  # nobody has to answer it
    assert told(desk, "wrote “stop”: nothing is sent to them")

    desk.say("x " * 1000, thread=thread)  # two parts
    desk.work()
    assert texts(desk) == ["Tomorrow."]
    (why,) = told(desk, "Not delivered")
    assert re.search(r"since \d\d \w{3} 20\d\d, \d\d:\d\d UTC: its owner opted out, they wrote “stop”", why)

    desk.text("START")
    desk.work()
    assert told(desk, "takes messages from .* again")
    desk.say("As I said.", thread=thread)
    desk.work()
    assert texts(desk)[1:] == ["As I said."]


def test_stop_holds_for_the_number_it_was_sent_to(desk: Desk, thread: str) -> None:
    desk.text("STOP", to=OTHER)  # another number, so another conversation; it belongs to no department
    desk.work()
    desk.say("Tomorrow.", thread=thread)
    desk.work()
    assert texts(desk) == ["Tomorrow."]
    assert desk.scalars("SELECT value || ' ' || sender FROM suppressions") == [f"{desk.phone} {OTHER}"]


def test_stop_joins_a_closed_ticket_however_old_and_leaves_it_closed_and_a_strangers_waits_for_nobody(
    desk: Desk, thread: str
) -> None:
    assert thread
    desk.press("close", desk.ticket().id)
    desk.work()
    desk.text("Quit")
    desk.work()
    desk.scalars("UPDATE tickets SET closed_at = closed_at - interval '100 days' RETURNING id")
    desk.text("UNSUBSCRIBE")
    desk.work()
    assert (desk.ticket().status, desk.bodies()[1:]) == ("closed", ["Quit", "UNSUBSCRIBE"])
    desk.text("Stop", sender="+15557771234")
    desk.work()
    assert [each.status for each in desk.tickets()] == ["closed", "closed"]
    assert texts(desk) == []


def test_yes_from_somebody_who_never_opted_out_is_an_answer(desk: Desk, thread: str) -> None:
    desk.say("Shall we send it?", thread=thread)
    desk.work()
    desk.text("Yes")
    desk.text("help")
    desk.work()
    assert desk.ticket().status == "waiting_for_agent"
    assert told(desk, "again") == []
    assert told(desk, "by itself, with its standard text")


def test_what_twilio_took_for_stop_counts_whatever_it_says(desk: Desk, thread: str) -> None:
    desk.text("ARRET", OptOutType="STOP")
    desk.say("Tomorrow.", thread=thread)
    desk.work()
    assert texts(desk) == []
    desk.text("OUI", OptOutType="START")
    desk.work()
    assert desk.count("suppressions") == 0


def test_on_whatsapp_whoever_writes_again_wants_an_answer(desk: Desk) -> None:
    ours = {"sender": f"whatsapp:{desk.phone}", "to": WHATSAPP}
    desk.text("Hello", **ours)
    desk.text("Stop", **ours)
    desk.work()
    desk.say("Tomorrow.", thread=desk.thread())
    desk.work()
    assert texts(desk) == []
    desk.text("So where is it?", **ours)
    desk.work()
    assert told(desk, "takes messages .* again")
    desk.say("Tomorrow!", thread=desk.thread())
    desk.work()
    assert texts(desk) == ["Tomorrow!"]


def test_stop_holds_for_the_number_it_came_from_and_for_the_id_that_hides_it(desk: Desk) -> None:
    old, new, hidden = desk.phone, f"+1777{desk.phone[5:]}", "US.131491208655302741918"
    for number in (old, new):
        desk.text("Hello.", sender=f"whatsapp:{number}", to=WHATSAPP)
    desk.text("STOP", sender=f"whatsapp:{old}", to=WHATSAPP, ExternalUserId=f"whatsapp:{hidden}")
    desk.work()
    kept, merged = desk.tickets()
    merge_clients(desk, kept.client_id, merged.client_id)
    for ticket in (kept, merged):
        desk.say("Tomorrow.", thread=desk.thread(ticket.id))
    desk.work()
    assert [each["to"] for each in desk.effects("twilio", "message")] == [f"whatsapp:{new}"]

    sources = "UPDATE message_sources SET sender = :id WHERE sender = :old RETURNING 1"
    desk.scalars(sources, id=hidden, old=old)
    desk.say("Tomorrow!", thread=desk.thread(kept.id))
    desk.work()
    assert "Tomorrow!" not in texts(desk)
    desk.text("So where is it?", sender=f"whatsapp:{hidden}", to=WHATSAPP)
    desk.work()
    assert desk.count("suppressions") == 0


def test_twilios_word_that_a_client_has_opted_out_is_kept_for_that_number(desk: Desk, thread: str) -> None:
    kept = "DELETE FROM suppressions RETURNING reason || ' ' || sender"
    desk.say("Tomorrow.", thread=thread)
    desk.work()
    (send,) = desk.deliveries()
    desk.report(str(send.idempotency_key), str(send.external_id), "undelivered", ErrorCode="21610")
    desk.work()
    assert desk.scalars(kept) == [f"opted_out {OURS}"]
    desk.sandbox.text(desk.phone, OURS, "STOP")  # of which no webhook reached us
    desk.say("Tomorrow!", thread=thread)
    desk.work()
    assert desk.scalars(kept) == [f"opted_out {OURS}"]
    assert [each.status for each in desk.deliveries()] == ["failed", "failed"]
    assert len(told(desk, "Not delivered.*opted out")) == 2


def test_a_blocked_sender_who_wants_no_messages_gets_none(desk: Desk, thread: str) -> None:
    desk.pick("more", f"block:{desk.ticket().id}")
    desk.work()
    desk.text("STOP")
    desk.work()
    assert desk.bodies() == ["Where is my order?"]
    desk.say("Tomorrow.", thread=thread)
    desk.work()
    assert texts(desk) == []
    assert told(desk, "opted out")
