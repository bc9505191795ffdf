from email.utils import make_msgid
from itertools import product

import pytest

from channels.email import tokens
from tests.desk import Desk

STRANGER = "Mallory <mallory@elsewhere.example>"
SECRET = b"0f1e2d3c4b5a69788796a5b4c3d2e1f0"


@pytest.fixture
def answered(desk: Desk) -> dict[str, str]:
    """Return the headers of an agent's answer that the client has."""
    desk.mail()
    desk.work()
    desk.say("Pull the plug.", thread=desk.thread())
    desk.work()
    headers: dict[str, str] = desk.mailbox()[-1]["headers"]
    return headers


def test_a_reply_to_our_message_id_is_threaded_by_its_token(desk: Desk, answered: dict[str, str]) -> None:
    desk.mail("Thanks.", headers={"In-Reply-To": answered["Message-ID"]})
    desk.work()
    assert desk.rules() == ["new_ticket", "reply_token"]


def test_a_reply_to_the_clients_own_first_mail_is_threaded_by_reference(desk: Desk) -> None:
    first = desk.mail()
    desk.work()
    desk.mail("And it smells.", headers={"References": f"<other@x.example> {first}"})
    desk.work()
    assert desk.rules() == ["new_ticket", "reference"]


def test_a_subject_tag_leads_the_tickets_own_client_back(desk: Desk) -> None:
    desk.mail()
    desk.work()
    desk.mail("More.", subject=f"Fwd: printer [#{desk.ticket().id}]")
    desk.work()
    assert desk.rules() == ["new_ticket", "subject_tag"]


def test_without_any_reference_a_mail_opens_a_ticket_of_its_own(desk: Desk) -> None:
    desk.mail()
    desk.mail("Something else", subject="Monitor")
    desk.work()
    assert len(desk.tickets()) == 2


def test_texts_of_one_number_go_on_in_the_open_conversation(desk: Desk) -> None:
    desk.text("one")
    desk.text("two")
    desk.work()
    assert desk.bodies() == ["one", "two"]
    assert desk.rules() == ["new_ticket", "open_conversation"]


def test_texts_to_another_number_of_ours_are_another_conversation(desk: Desk) -> None:
    desk.text("by sms")
    desk.text("by whatsapp", sender=f"whatsapp:{desk.phone}", to="whatsapp:+15550100002")
    desk.work()
    assert len(desk.tickets()) == 2
    assert desk.count("clients") == 1


def test_a_quoted_whatsapp_answer_leads_to_its_ticket_past_a_newer_one(desk: Desk) -> None:
    sender, to = f"whatsapp:{desk.phone}", "whatsapp:+15550100002"
    desk.text("first matter", sender=sender, to=to)
    desk.work()
    first = desk.ticket()
    desk.say("an answer", thread=desk.thread())
    desk.work()
    (sent,) = desk.effects("twilio", "message")
    _close(desk, first.id, days_ago=30)
    desk.text("second matter", sender=sender, to=to)
    desk.work()
    desk.press("reopen", first.id)
    desk.text("about the first", sender=sender, to=to, OriginalRepliedMessageSid=str(sent["sid"]))
    desk.work()
    assert desk.bodies(first.id)[-1] == "about the first"
    assert desk.rules()[-1] == "reference"


@pytest.mark.parametrize("days", [1, 13])
def test_an_answer_within_the_window_reopens_a_closed_ticket(desk: Desk, days: int) -> None:
    first = desk.mail()
    desk.work()
    _close(desk, desk.ticket().id, days_ago=days)
    desk.mail("Still burning.", headers={"In-Reply-To": first})
    desk.work()
    assert desk.ticket().status == "waiting_for_agent"
    assert desk.ticket().closed_at is None
    assert desk.in_thread()[-2:] == ["Still burning.", "Status closed → waiting for agent: the client wrote again."]


def test_an_answer_after_the_window_opens_a_ticket_linked_to_the_old_one(desk: Desk) -> None:
    first = desk.mail()
    desk.work()
    _close(desk, desk.ticket().id, days_ago=15)
    desk.mail("Burning again.", headers={"In-Reply-To": first})
    desk.work()
    old, new = desk.tickets()
    assert old.status == "closed"
    assert desk.scalars("SELECT linked_ticket_id FROM ticket_links WHERE ticket_id = :id", id=new.id) == [old.id]


def test_a_stranger_never_joins_whatever_they_carry(desk: Desk, answered: dict[str, str]) -> None:
    """Every way to point at a ticket, alone and together, genuine; by a stranger and by another known client."""
    ticket = desk.ticket()
    before = desk.bodies(ticket.id)
    desk.mail("I am known too", sender="Dan <dan@client.example>", subject="Other")
    desk.work()
    token = answered["Reply-To"].strip("<>")
    ways = product((False, True), repeat=4)
    for number, (reply_to, in_reply_to, references, tag) in enumerate(ways):
        headers = {"In-Reply-To": answered["Message-ID"]} if in_reply_to else {}
        headers |= {"References": answered["Message-ID"]} if references else {}
        for sender in (f"Mallory <mallory{number}@elsewhere.example>", "Dan <dan@client.example>"):
            desk.mail(
                f"let me in {number} {sender}",
                sender=sender,
                to=token if reply_to else "support@desk.example",
                subject=f"Re: [#{ticket.id}]" if tag else f"Hi {number}",
                headers=headers,
            )
    desk.work()
    assert desk.bodies(ticket.id) == before


def test_guessed_and_altered_tokens_lead_nowhere(desk: Desk) -> None:
    desk.mail()
    desk.work()
    ticket = desk.ticket()
    token = tokens.mint(SECRET, ticket.id, ticket.client_id)
    number, mac = token.split(".")
    altered = [f"{number}.{mac[:at]}{'a' if mac[at] != 'a' else 'b'}{mac[at + 1 :]}" for at in range(len(mac))]
    for other in (*altered, tokens.mint(b"another secret of some length", ticket.id, ticket.client_id)):
        desk.mail(f"let me in {other}", to=f"support+t{other}@desk.example", subject="Hi")
    desk.work()
    assert len(desk.bodies(ticket.id)) == 1
    assert "reply_token" not in desk.rules()


def test_a_genuine_token_of_another_client_links_and_tells_both_desks(desk: Desk, answered: dict[str, str]) -> None:
    desk.mail("Let me in.", sender=STRANGER, headers={"In-Reply-To": answered["Message-ID"]})
    desk.work()
    old, new = desk.tickets()
    assert f"#{new.id}" in desk.messages(old.id)[-1].body
    assert f"#{old.id}" in desk.messages(new.id)[-1].body


def test_a_reply_goes_to_the_tickets_client_and_never_to_reply_to_or_cc(desk: Desk) -> None:
    desk.mail(headers={"Reply-To": "ada@desk.example", "Cc": "eve@elsewhere.example"})
    desk.work()
    desk.say("Pull the plug.", thread=desk.thread())
    desk.work()
    (mail,) = desk.effects("mailbox")
    assert mail["to"] == ["cleo@client.example"]


def test_two_mails_under_one_message_id_are_both_recorded(desk: Desk) -> None:
    name = make_msgid()
    desk.mail("one body", headers={"Message-ID": name})
    desk.mail("another body", headers={"Message-ID": name})
    desk.work()
    assert desk.count("messages") == 2


def _close(desk: Desk, ticket_id: int, *, days_ago: int) -> None:
    desk.scalars(
        "UPDATE tickets SET status = 'closed', closed_at = timezone('utc', now()) - make_interval(days => :days) "
        "WHERE id = :id RETURNING id",
        id=ticket_id,
        days=days_ago,
    )
