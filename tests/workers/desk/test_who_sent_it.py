"""What the mail server in front says of a sender: what the agents see of it, and what a forger gets."""

import json

import pytest

from channels.base import ExternalId
from models.suppressions import SuppressionReason, suppress
from tests.at_length import times
from tests.desk import Desk

VERDICT = "Authentication-Results"
SERVER = "mx.desk.example"


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "TRUSTED_AUTHSERV_ID": SERVER}


def says(result: str) -> dict[str, str]:
    return {VERDICT: f"{SERVER}; dmarc={result} header.from=client.example"}


@pytest.fixture
def answered(desk: Desk) -> dict[str, str]:
    """Return the headers of an agent's answer that the client has."""
    desk.mail(headers=says("pass"))
    desk.work()
    desk.say("Pull the plug.", thread=desk.thread())
    desk.work()
    headers: dict[str, str] = desk.mailbox()[-1]["headers"]
    return headers


def card(desk: Desk) -> str:
    """Return what the newest card shows."""
    shown = [
        each for each in desk.effects("slack") if each["kind"] in {"post", "update"} and "priority" in str(each).lower()
    ]
    return json.dumps(shown[-1])


@pytest.mark.parametrize("result", ["pass", "fail", "none"])
def test_what_the_server_says_is_kept_with_the_message(desk: Desk, result: str) -> None:
    desk.mail(headers=says(result))
    desk.mail("nobody checked this one", sender="dan@client.example")
    desk.work()
    assert desk.scalars("SELECT authenticated FROM message_sources ORDER BY message_id") == [result, ""]


def test_a_forged_header_of_another_server_is_no_verdict(desk: Desk) -> None:
    desk.mail(headers={VERDICT: "mx.elsewhere.example; dmarc=pass header.from=client.example"})
    desk.work()
    assert desk.scalars("SELECT authenticated FROM message_sources") == [""]


def test_a_failure_is_shown_on_the_card_and_in_the_thread(desk: Desk) -> None:
    desk.mail(headers=says("fail"))
    desk.work()
    assert "failed authentication" in card(desk)
    assert "failed authentication" in desk.messages()[-1].body
    assert "failed authentication" in str(desk.effects("slack", "post")[-1])


@pytest.mark.parametrize("result", ["pass", "none", "temperror"])
def test_whatever_is_no_failure_is_no_warning(desk: Desk, result: str) -> None:
    desk.mail(headers=says(result))
    desk.work()
    assert "authentication" not in card(desk)
    assert len(desk.messages()) == 1


def test_a_forger_joins_by_no_tag_and_no_bare_reference(desk: Desk) -> None:
    first = desk.mail(headers=says("pass"))
    desk.work()
    ticket = desk.ticket()
    desk.mail("by tag", subject=f"Re: [#{ticket.id}]", headers=says("fail"))
    desk.mail("by reference", headers=says("fail") | {"In-Reply-To": first})
    desk.work()
    assert desk.bodies(ticket.id) == ["It burns."]
    assert len(desk.tickets()) == 3
    linked = desk.scalars("SELECT ticket_id FROM ticket_links WHERE linked_ticket_id = :id", id=ticket.id)
    assert linked == [desk.tickets()[-1].id]


@pytest.mark.parametrize("result", ["pass", "none", ""])
def test_who_did_not_fail_joins_as_ever(desk: Desk, result: str) -> None:
    first = desk.mail(headers=says("pass"))
    desk.work()
    desk.mail("And it smells.", headers={"In-Reply-To": first} | (says(result) if result else {}))
    desk.work()
    assert desk.rules() == ["new_ticket", "reference"]


def test_the_token_lets_its_client_in_whatever_a_forwarder_broke(desk: Desk, answered: dict[str, str]) -> None:
    desk.mail("Done.", headers=says("fail") | {"In-Reply-To": answered["Message-ID"]})
    desk.work()
    assert desk.rules() == ["new_ticket", "reply_token"]
    assert "failed authentication" in card(desk)


def test_reply_tos_are_shown_and_never_the_sender_nor_the_recipient(desk: Desk) -> None:
    wanted = ["ada@desk.example", "dan@client.example", "eve@elsewhere.example", "Ben Agent <ben@desk.example>"]
    desk.mail("known", sender="dan@client.example")
    for number in range(times(100, 20)):
        desk.mail(f"mail {number}", subject=f"matter {number}", headers={"Reply-To": wanted[number % len(wanted)]})
    desk.work()
    senders = desk.scalars("SELECT DISTINCT sender FROM message_sources WHERE reply_to <> ''")
    assert senders == ["cleo@client.example"]
    assert desk.count("clients") == 2
    assert "asks for answers to ben@desk.example" in card(desk)
    desk.say("Pull the plug.", thread=desk.thread(desk.tickets()[-1].id))
    desk.work()
    assert [each["to"] for each in desk.effects("mailbox")] == [["cleo@client.example"]]


def test_a_reply_to_that_is_the_sender_is_no_warning(desk: Desk) -> None:
    desk.mail(headers={"Reply-To": "Cleo at work <CLEO@client.example>"})
    desk.work()
    assert "asks for answers" not in card(desk)


def test_a_warning_goes_from_the_card_with_the_next_honest_mail(desk: Desk) -> None:
    first = desk.mail(headers=says("fail"))
    desk.work()
    assert "failed authentication" in card(desk)
    desk.mail("Me.", headers={"In-Reply-To": first, **says("pass")})
    desk.work()
    assert "failed authentication" not in card(desk)


def test_who_is_known_to_forge_does_not_lift_a_bounce(desk: Desk) -> None:
    desk.mail()
    desk.work()
    with desk.session() as session:
        suppress(session, ExternalId(type="email", value="cleo@client.example"), SuppressionReason.BOUNCED)
    desk.mail(headers=says("fail"))
    desk.work()
    assert desk.count("suppressions") == 1
    desk.mail()
    desk.work()
    assert desk.count("suppressions") == 0
