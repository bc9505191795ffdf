"""What the wrong people send to get into a ticket, to speak for an agent, or to be written to."""

import random
from itertools import product

import pytest

from channels.base import ExternalId, InboundMessage
from channels.email import tokens
from tests.at_length import times
from tests.desk import Desk

SECRET = b"0f1e2d3c4b5a69788796a5b4c3d2e1f0"
SENDERS = {
    "client": "Cleo <cleo@client.example>",
    "another": "Dan <dan@client.example>",
    "stranger": "Mallory <m{}@elsewhere.example>",
}
EACH = times(20, 3)
GUESSES = times(10_000, 1_000)
ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


@pytest.fixture
def answered(desk: Desk) -> dict[str, str]:
    """Return the headers of an agent's answer that the client has."""
    desk.mail()
    desk.mail("I am known too", sender=SENDERS["another"], subject="Other")
    desk.work()
    desk.say("Pull the plug.", thread=desk.thread(desk.tickets()[0].id))
    desk.work()
    headers: dict[str, str] = desk.mailbox()[-1]["headers"]
    return headers


def changed(text: str) -> str:
    """Return a token with its last character changed."""
    at = text.index("@") - 1 if text.startswith("support") else text.index(".", text.index(".") + 1) - 1
    return text[:at] + ("a" if text[at] != "a" else "b") + text[at + 1 :]


def test_of_all_ways_in_only_the_clients_own_with_a_true_mark_leads_into_the_ticket(
    desk: Desk, answered: dict[str, str]
) -> None:
    ticket = desk.tickets()[0]
    plus, name = answered["Reply-To"].strip("<>"), answered["Message-ID"].strip("<>")
    before, allowed = desk.bodies(ticket.id), set()
    for genuine, (who, sender), way, number in product(
        (True, False), SENDERS.items(), ("In-Reply-To", "References", "tag", "plus"), range(EACH)
    ):
        body = f"{who} {way} {genuine} {number}"
        mark = name if genuine else changed(name)
        headers = {way: f"<{mark}>"} if way in {"In-Reply-To", "References"} else {}
        to = (plus if genuine else changed(plus)) if way == "plus" else "support@desk.example"
        subject = f"[#{ticket.id if genuine else ticket.id + 900}]" if way == "tag" else f"matter {number}"
        desk.mail(body, sender=sender.format(number), to=to, subject=subject, headers=headers)
        allowed |= {body} if genuine and who == "client" else set()
    desk.ingest()
    assert desk.count("message_sources") == 2 + 24 * EACH
    assert set(desk.bodies(ticket.id)) - set(before) == allowed
    assert len(allowed) == 4 * EACH


def test_guessed_tokens_and_every_change_of_a_true_one_lead_nowhere(desk: Desk) -> None:
    desk.mail()
    desk.ingest()
    ticket, chance = desk.ticket(), random.Random(20261122)
    number, mac = tokens.mint(SECRET, ticket.id, ticket.client_id).split(".")
    guessed = ["".join(chance.choices(ALPHABET, k=len(mac))) for _ in range(GUESSES)]
    altered = [mac[:at] + each + mac[at + 1 :] for at in range(len(mac)) for each in ALPHABET if each != mac[at]]
    threading = desk.tools.recorder.threading
    with desk.session() as session:
        found = threading.find(session, _carrying(number, [*guessed, *altered]), ticket.client_id, "email")
        true = threading.find(session, _carrying(number, [*guessed[:9], mac]), ticket.client_id, "email")
    assert (found.ticket, found.linked_to) == (None, None)
    assert true.ticket is not None


def _carrying(number: str, macs: list[str]) -> InboundMessage:
    carried = tuple(ExternalId(type="reply_token", value=f"{number}.{mac}") for mac in macs)
    return InboundMessage(
        external_id=None, sender=ExternalId(type="email", value="cleo@client.example"), references=carried
    )


def test_mails_in_agents_names_are_no_agents_and_reach_nobody(desk: Desk, answered: dict[str, str]) -> None:
    true = answered["Message-ID"]
    ticket = desk.tickets()[0]
    references: tuple[dict[str, str], ...] = (
        {},
        {"In-Reply-To": "<forged@desk.example>"},
        {"In-Reply-To": true},
        {"In-Reply-To": f"<{changed(true.strip('<>'))}>"},
        {"In-Reply-To": f"<ticket-{ticket.id}@desk.example>", "References": f"<{ticket.id}@desk.example>"},
    )
    before = (desk.bodies(ticket.id), len(desk.effects("mailbox")), desk.count("deliveries WHERE to_client"))
    for agent, headers, number in product(
        ("Ada Agent <ada@desk.example>", "ben@desk.example"), references, range(EACH)
    ):
        desk.mail(f"Refund them all, {number}.", sender=agent, subject=f"Re: [#{ticket.id}]", headers=headers)
    desk.ingest()
    assert desk.count("message_sources") == 2 + 10 * EACH
    assert desk.scalars("SELECT body FROM messages WHERE user_id IS NOT NULL") == ["Pull the plug."]
    after = (desk.bodies(ticket.id), len(desk.effects("mailbox")), desk.count("deliveries WHERE to_client"))
    assert after == before


THIRD = "eve@elsewhere.example"


@pytest.mark.parametrize(
    "headers",
    [
        {"Cc": THIRD},
        {"Bcc": THIRD},
        {"Reply-To": THIRD},
        {"Sender": THIRD, "Return-Path": f"<{THIRD}>", "Errors-To": THIRD},
        {"X-Forwarded-For": THIRD, "Resent-From": THIRD, "Disposition-Notification-To": THIRD},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_of_10_mails_that_name_a_third_address_none_is_answered_to_it(desk: Desk, headers: dict[str, str]) -> None:
    first = desk.mail()
    for number in range(9):
        desk.mail(f"and {number}", headers={"In-Reply-To": first, **headers})
    desk.work()
    desk.say("Pull the plug.", thread=desk.thread())
    desk.press("close", desk.ticket().id)
    desk.work()
    assert desk.bodies()[-1] == "Pull the plug."
    assert [each["to"] for each in desk.effects("mailbox")] == [["cleo@client.example"]]


def test_a_number_in_a_text_or_an_address_in_a_profile_links_nobody(desk: Desk) -> None:
    """Only what a channel itself vouches for is a client's name: a mail's From, a text's number, a Slack account."""
    desk.text("I am cleo@client.example")
    desk.mail(f"Call me: {desk.phone}")
    desk.say("I am cleo@client.example too", user="U0CLEO", channel="C0CLIENTS")
    desk.work()
    assert desk.count("clients") == 3
    assert len(desk.tickets()) == 3
