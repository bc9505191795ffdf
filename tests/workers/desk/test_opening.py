"""Tickets that agents open: by /desk new, and of a message in Slack."""

import pytest

from channels.base import ExternalId
from models.suppressions import SuppressionReason, suppress
from sandbox.client import file
from tests.desk import Desk


def test_a_ticket_for_an_address_sends_nothing_until_an_agent_writes(desk: Desk) -> None:
    told = desk.command("new Cleo@Client.example Your *order* of Monday")
    ticket = desk.ticket()
    assert told.startswith(f"Ticket #{ticket.id} was opened: its card comes to Support's channel")
    assert "never written to you" in told
    assert ticket.title == "Your *order* of Monday"
    assert "*Client*\\ncleo@client.example" in desk.card()
    assert "*Channel*\\nEmail" in desk.card()
    assert desk.effects("mailbox") == []
    desk.say("It comes on Friday.", thread=desk.thread())
    desk.work()
    (mail,) = desk.effects("mailbox")
    assert (mail["from"], mail["to"]) == ("support@desk.example", ["cleo@client.example"])
    sent = desk.sandbox.mailbox()[-1]
    assert sent["headers"]["Subject"] == f"Your *order* of Monday [#{ticket.id}]"
    desk.mail("Thanks.", to=sent["headers"]["Reply-To"], headers={"In-Reply-To": sent["headers"]["Message-ID"]})
    desk.work()
    assert desk.bodies() == ["It comes on Friday.", "Thanks."]


def test_a_ticket_for_a_number_goes_on_when_its_owner_texts(desk: Desk) -> None:
    desk.command(f"new {desk.phone} We tried to reach you")
    desk.say("Please call us.", thread=desk.thread())
    desk.work()
    (sent,) = desk.effects("twilio", "message")
    assert (sent["to"], sent["from"]) == (desk.phone, "+15550100001")
    desk.text("I am back now.")
    desk.work()
    assert desk.bodies() == ["Please call us.", "I am back now."]
    assert desk.rules() == ["open_conversation"]


def test_the_same_command_opens_one_ticket_and_a_wrong_one_none(desk: Desk) -> None:
    call = desk.sandbox.command("U0ADA", "C0SUPPORT", "/desk", "new cleo@client.example Hello there")
    desk.hand_in(call)
    desk.hand_in(call, b"&more=1")
    desk.work()
    assert desk.words()[-1] == f"It is ticket #{desk.ticket().id} already."
    for words in ("new", "new cleo@client.example", "new cleo Hello", "new +1 555 Hello"):
        assert "its card comes" not in desk.command(words)
    assert len(desk.tickets()) == 1


@pytest.mark.parametrize("own", ["billing@desk.example", "+15550100001"])
def test_no_ticket_is_opened_for_an_address_of_the_desk_itself(desk: Desk, own: str) -> None:
    assert f"{own} is an address of this desk" in desk.command(f"new {own} Hello ourselves")
    assert desk.tickets() == []


def test_an_address_that_takes_no_messages_is_told(desk: Desk) -> None:
    with desk.session() as session:
        suppress(session, ExternalId(type="phone", value=desk.phone), SuppressionReason.OPTED_OUT)
    assert "takes no messages since" in desk.command(f"new {desk.phone} Hello")
    assert "(opted out)" in desk.told()


def test_who_works_in_several_departments_is_asked_for_one(desk: Desk) -> None:
    desk.command("new cleo@client.example Your invoice", user="U0BEN")
    assert desk.tickets() == []
    desk.submit({"choice": {"resume": f"{desk.form()}:2"}}, user="U0BEN")
    desk.work()
    assert desk.ticket().department_id == 2
    assert "its card comes to Billing's channel" in desk.words()[-1]
    desk.say("reply: It is paid.", user="U0BEN", thread=desk.thread(), channel="C0BILLING")
    desk.work()
    assert desk.effects("mailbox")[0]["from"] == "billing@desk.example"


def test_a_form_of_somebody_else_or_for_another_department_opens_nothing(desk: Desk) -> None:
    desk.command("new cleo@client.example Your invoice", user="U0BEN")
    form = desk.form()
    desk.submit({"choice": {"resume": f"{form}:2"}}, user="U0ADA")
    desk.work()
    desk.scalars("UPDATE users SET type = 'agent' WHERE id = 2 RETURNING id")
    desk.command("new cleo@client.example Your invoice", user="U0BEN")
    desk.scalars("DELETE FROM user_departments WHERE user_id = 2 AND department_id = 2 RETURNING user_id")
    desk.submit({"choice": {"resume": f"{desk.form()}:2"}}, user="U0BEN")
    desk.work()
    assert desk.tickets() == []
    assert "no agent of this department" in desk.words()[-1]


def test_a_message_in_slack_becomes_a_ticket_once_and_is_answered_in_its_thread(desk: Desk) -> None:
    given = [file("log.txt", b"burns", "text/plain")]
    ts = desk.sandbox.say("U0CLEO", "C0LOBBY", "It *burns* &amp; smokes", files=given)
    assert "its card comes to Support's channel" in desk.shortcut(ts, channel="C0LOBBY")
    ticket = desk.ticket()
    assert (ticket.title, desk.rules()) == ("It *burns* & smokes", ["new_ticket"])
    assert "*Client*\\nCleo Client" in desk.card()
    assert desk.scalars("SELECT name FROM attachments") == ["log.txt"]
    desk.say("Pull the plug.", thread=desk.thread())
    desk.work()
    thread = [str(each["text"]) for each in desk.sandbox.thread("C0LOBBY", ts)[1:]]
    assert thread == [f"This is ticket #{ticket.id} of Support now: answers come in this thread.", "Pull the plug."]
    assert f"ticket #{ticket.id} already" in desk.shortcut(ts, channel="C0LOBBY")
    assert f"ticket #{ticket.id} already" in desk.shortcut(desk.thread(), channel="C0SUPPORT")
    assert len(desk.tickets()) == 1


def test_a_message_in_a_thread_is_answered_in_that_thread(desk: Desk) -> None:
    top = desk.sandbox.say("U0ADA", "C0CLIENTS", "Good morning")
    ts = desk.sandbox.say("U0CLEO", "C0CLIENTS", "It burns", thread_ts=top)
    desk.shortcut(ts)
    desk.say("Pull the plug.", thread=desk.thread())
    desk.work()
    assert str(desk.sandbox.thread("C0CLIENTS", top)[-1]["text"]) == "Pull the plug."


def test_what_no_client_wrote_and_what_no_agent_asked_for_opens_nothing(desk: Desk) -> None:
    desk.sandbox.add_channel("C0ELSE", "else", ["U0CLEO", "U0ADA", "U0ROBOT"])
    by_client, by_agent, by_app = (desk.sandbox.say(user, "C0ELSE", "Hello") for user in ("U0CLEO", "U0BEN", "U0ROBOT"))
    for user in ("U0EVE", "U0CLEO", "U0FAR", "U0GONE", "U0ROBOT"):
        assert "Nothing was changed: your account is" in desk.shortcut(by_client, user=user, channel="C0ELSE")
    assert "an agent wrote" in desk.shortcut(by_agent, channel="C0ELSE")
    assert "no person wrote" in desk.shortcut(by_app, channel="C0ELSE")
    desk.scalars("DELETE FROM user_departments WHERE user_id = 1 RETURNING user_id")
    assert "none of your departments" in desk.shortcut(by_client, channel="C0ELSE")
    assert desk.tickets() == []


def test_a_message_with_files_waits_for_the_department_to_be_chosen(desk: Desk) -> None:
    desk.sandbox.add_channel("C0ELSE", "else", ["U0CLEO", "U0BEN"])
    ts = desk.sandbox.say("U0CLEO", "C0ELSE", "Invoice", files=[file("bill.txt", b"7", "text/plain")])
    desk.shortcut(ts, user="U0BEN", channel="C0ELSE")
    assert desk.tickets() == []
    desk.submit({"choice": {"resume": f"{desk.form()}:2"}}, user="U0BEN")
    desk.work()
    assert desk.ticket().department_id == 2
    assert desk.scalars("SELECT name FROM attachments") == ["bill.txt"]
