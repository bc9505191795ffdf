"""Tickets that move to another department: the card goes there, and the conversation with it."""

import pytest

from tests.desk import Desk

SCANLESS = "It burns.\n[not scanned for viruses: fire.txt]"
# Ada's answer had made it hers.
MOVED = "Ben Agent moved the ticket to Billing, where nobody has it yet."


@pytest.fixture
def moved(desk: Desk) -> Desk:
    """Return a desk whose one ticket, answered once, Ben has moved from Support to Billing."""
    desk.mail("It burns.", files=[("fire.txt", b"flames")])
    desk.work()
    desk.say("Pull the plug.", thread=desk.thread())
    desk.work()
    move(desk, 2)
    return desk


def move(desk: Desk, department: int, channel: str = "C0SUPPORT", user: str = "U0BEN") -> None:
    desk.pick("department", f"{desk.ticket().id}:{department}", channel=channel, user=user)
    desk.work()


def test_the_card_moves_and_what_people_said_stands_below_it(moved: Desk) -> None:
    assert "*Department*\\nBilling" in moved.card(channel="C0BILLING")
    said = moved.in_thread(channel="C0BILLING")
    assert [said[0], *said[2:]] == [SCANLESS, "Pull the plug.", MOVED]
    assert [each["name"] for each in moved.effects("slack", "file") if each["channel"] == "C0BILLING"] == ["fire.txt"]


def test_the_old_card_says_where_it_went_and_offers_nothing(moved: Desk) -> None:
    assert "worked on in Billing now" in moved.card()
    assert "action_id" not in moved.card()
    assert moved.in_thread()[-1] == MOVED


def test_the_conversation_goes_on_in_the_new_thread_only(moved: Desk) -> None:
    before = moved.in_thread()
    moved.mail("Still burning.", headers={"In-Reply-To": str(moved.sandbox.mailbox()[-1]["headers"]["Message-ID"])})
    moved.work()
    moved.say("reply: We come.", user="U0BEN", thread=moved.thread(channel="C0BILLING"), channel="C0BILLING")
    moved.work()
    assert "Still burning." in moved.in_thread(channel="C0BILLING")
    assert moved.in_thread() == before
    assert "We come." in moved.sandbox.mailbox()[-1]["text"]


@pytest.mark.parametrize("user", ["U0ADA", "U0BEN"])
def test_an_answer_in_the_old_thread_is_not_sent_and_says_so_there(moved: Desk, user: str) -> None:
    moved.say("And wait.", user=user, thread=moved.thread(channel="C0SUPPORT"))
    moved.work()
    assert len(moved.effects("mailbox")) == 1
    assert "worked on in another department" in moved.in_thread()[-1]


def test_who_cannot_act_in_the_new_department_has_the_ticket_no_more(moved: Desk) -> None:
    assert "*Assigned to*\\nnobody yet" in moved.card(channel="C0BILLING")


def test_moved_back_its_first_card_is_used_again_with_what_was_said_meanwhile(moved: Desk) -> None:
    moved.say("reply: We come.", user="U0BEN", thread=moved.thread(channel="C0BILLING"), channel="C0BILLING")
    moved.work()
    before = moved.in_thread()
    move(moved, 1, "C0BILLING")
    assert len(moved.scalars("SELECT id FROM deliveries WHERE purpose = 'card'")) == 2
    assert moved.in_thread()[len(before) :] == ["We come.", "Ben Agent moved the ticket to Support."]
    assert "*Department*\\nSupport" in moved.card()
    assert "worked on in Support now" in moved.card(channel="C0BILLING")


def test_twenty_moves_at_once_are_one(desk: Desk) -> None:
    desk.mail()
    desk.work()
    desk.pick("department", f"{desk.ticket().id}:2", user="U0BEN")
    for _ in range(19):
        desk.press("department", desk.ticket().id, choice="2", user="U0BEN")
    desk.work()
    assert desk.told().count("moved the ticket to Billing.") == 1
    assert len(desk.scalars("SELECT id FROM deliveries WHERE purpose = 'card'")) == 2


def test_a_ticket_moves_to_no_department_without_a_channel(desk: Desk) -> None:
    desk.mail()
    desk.work()
    ticket = desk.ticket().id
    desk.pick("status", f"{ticket}:open")
    desk.scalars("DELETE FROM department_external_ids WHERE value = 'T0DESK/C0BILLING' RETURNING id")
    move(desk, 2)
    assert desk.ticket().department_id == 1
    assert "no channel in Slack" in desk.words()[-1]


def test_the_mark_of_an_answer_stays_on_the_agents_own_message(desk: Desk) -> None:
    desk.text("My order has not come")
    desk.work()
    own = desk.say("It comes tomorrow.", thread=desk.thread())
    desk.work()
    move(desk, 2)
    (sent,) = desk.deliveries()
    desk.report(str(sent.idempotency_key), str(sent.external_id), "delivered")
    desk.work()
    marks = [each["ts"] for each in desk.effects("slack", "reaction") if each["name"] == "white_check_mark"]
    assert marks == [own]
