import json
from typing import Any

import argon2
import pytest
from click.testing import Result

from sandbox.faults import Fault
from tests.desk import Desk
from tests.workers.cli.conftest import Frontdesk


def said(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return str(result.stdout)


def objects(result: Result) -> list[dict[str, Any]]:
    """Return what `--json` printed: an object a line."""
    return [json.loads(line) for line in said(result).splitlines()]


def refused(result: Result, sentence: str) -> None:
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert sentence in result.stderr


@pytest.fixture
def ticket_id(desk: Desk) -> int:
    desk.mail("It burns.\n\nCleo", subject="Printer on fire", files=[("fire.png", b"png")])
    desk.work()
    return desk.ticket().id


# Tickets


def test_without_tickets_a_person_reads_when_there_will_be_some(frontdesk: Frontdesk, desk: Desk) -> None:
    assert said(frontdesk("tickets", "list")).startswith("no tickets")
    assert objects(frontdesk("tickets", "list", "--json")) == []
    assert desk.count("tickets") == 0


def test_tickets_are_listed_for_people_and_for_programs(frontdesk: Frontdesk, ticket_id: int) -> None:
    (row,) = objects(frontdesk("tickets", "list", "--json"))
    assert (row["id"], row["status"], row["title"]) == (ticket_id, "open", "Printer on fire")
    assert (row["client"], row["department"], row["priority"]) == ("Cleo", "Support", "medium")
    heading, line = said(frontdesk("tickets", "list")).splitlines()
    assert heading.split() == ["id", "status", "title", "client", "department", "priority", "updated"]
    assert "Printer on fire" in line


def test_closed_tickets_are_listed_when_asked_for(frontdesk: Frontdesk, ticket_id: int) -> None:
    frontdesk("tickets", "close", ticket_id, "--as", "ada@desk.example")
    assert objects(frontdesk("tickets", "list", "--json")) == []
    assert [row["status"] for row in objects(frontdesk("tickets", "list", "--json", "--all"))] == ["closed"]


def test_a_ticket_is_shown_with_what_was_said_and_where_it_came_from(frontdesk: Frontdesk, ticket_id: int) -> None:
    first = objects(frontdesk("tickets", "show", ticket_id, "--json"))[0]
    assert (first["from"], first["text"], first["files"]) == ("Cleo", "It burns.\n\nCleo", "fire.png (unscanned)")
    assert (first["channel"], first["threaded_by"]) == ("email", "new_ticket")
    assert said(frontdesk("tickets", "show", ticket_id)).startswith(f"#{ticket_id} Printer on fire · open · Cleo")


def test_a_note_is_shown_as_what_stays_inside(frontdesk: Frontdesk, ticket_id: int, desk: Desk) -> None:
    desk.say("note: third time this week", thread=desk.thread(ticket_id))
    desk.work()
    *_, note = objects(frontdesk("tickets", "show", ticket_id, "--json"))
    assert (note["from"], note["delivery"]) == ("Ada Agent", "stays inside")
    assert "third time this week" in note["text"]


def test_what_a_client_wrote_cannot_colour_the_operators_terminal(frontdesk: Frontdesk, desk: Desk) -> None:
    desk.mail("[red]not red[/red] \x1b[31mred\x1b[0m \x9b31m", subject="[link=http://evil.example]click[/link]")
    desk.work()
    shown = said(frontdesk("tickets", "show", desk.ticket().id)) + said(frontdesk("tickets", "list"))
    assert "[red]not red[/red]" in shown
    assert "[link=http://evil.example]click[/link]" in shown
    assert not {"\x1b[31m", "\x9b"} & {shown[index : index + 5] for index in range(len(shown))}
    assert "\x1b[31m" not in shown


def test_an_answer_reaches_the_client_and_the_agents(frontdesk: Frontdesk, ticket_id: int, desk: Desk) -> None:
    *_, text = said(frontdesk("tickets", "reply", ticket_id, "Pull the plug.", "--as", "ada@desk.example")).splitlines()
    assert text.startswith("message ")
    assert f"frontdesk tickets show {ticket_id}" in text
    desk.work()
    (mail,) = desk.effects("mailbox")
    assert mail["to"] == ["cleo@client.example"]
    assert any("Pull the plug." in str(post.get("text")) for post in desk.effects("slack", "post"))
    sent = [
        row for row in objects(frontdesk("tickets", "show", ticket_id, "--json")) if row["text"] == "Pull the plug."
    ]
    assert [(row["from"], row["delivery"]) for row in sent] == [("Ada Agent", "sent")]


@pytest.mark.parametrize(("flag", "status"), [((), "closed"), (("--unresolved",), "unresolved")])
def test_closing_says_how_it_ended(
    frontdesk: Frontdesk, ticket_id: int, desk: Desk, flag: tuple[str, ...], status: str
) -> None:
    assert said(frontdesk("tickets", "close", ticket_id, "--as", "ben@desk.example", *flag)) == (
        f"ticket {ticket_id} is {status}\n"
    )
    assert (desk.ticket().status, desk.ticket().closed_at is None) == (status, False)
    assert any("Ben Agent" in message.body for message in desk.messages() if message.is_system_message)


def test_closing_twice_adds_nothing(frontdesk: Frontdesk, ticket_id: int, desk: Desk) -> None:
    for _ in range(2):
        said(frontdesk("tickets", "close", ticket_id, "--as", "ada@desk.example"))
    assert len([each for each in desk.messages() if each.is_system_message]) == 1


def test_a_ticket_or_a_user_that_is_not_there_is_one_sentence(frontdesk: Frontdesk, ticket_id: int) -> None:
    for words in (("show", 99), ("reply", 99, "Hi", "--as", "ada@desk.example"), ("close", 99, "--as", "a@b.example")):
        refused(frontdesk("tickets", *words), "there is no ticket 99")
    refused(frontdesk("tickets", "reply", ticket_id, "Hi", "--as", "nobody@desk.example"), "there is no user nobody@")
    refused(frontdesk("clients", "duplicates", 99), "there is no client 99")


@pytest.mark.parametrize("empty", ["", " \n\t"])
def test_an_answer_without_words_is_not_sent(frontdesk: Frontdesk, ticket_id: int, desk: Desk, empty: str) -> None:
    refused(frontdesk("tickets", "reply", ticket_id, empty, "--as", "ada@desk.example"), "the text is empty")
    assert desk.deliveries() == []


@pytest.mark.parametrize("rows", ["tickets", "events", "deliveries"])
def test_a_list_of_fewer_than_one_is_a_usage_error(frontdesk: Frontdesk, rows: str) -> None:
    assert [frontdesk(rows, "list", "--limit", number).exit_code for number in (0, -1)] == [2, 2]


@pytest.mark.parametrize("number", ["0", "--", "-1", "one", "1.0", "0x1", "9" * 20])
def test_a_number_that_no_ticket_can_have_is_no_ticket(frontdesk: Frontdesk, desk: Desk, number: str) -> None:
    result = frontdesk("tickets", "show", number)
    assert result.exit_code in {1, 2}
    assert isinstance(result.exception, SystemExit)
    assert "Error: " in result.stderr
    assert desk.count("tickets") == 0


def test_the_original_of_a_mail_is_printed_whole(frontdesk: Frontdesk, desk: Desk) -> None:
    desk.mail("Still burning.\n\nOn Mon, 2 Nov 2026 at 17:20, Desk <a@desk.example> wrote:\n\n> Water?")
    desk.work()
    (message,) = desk.messages()
    assert message.body == "Still burning."
    assert "> Water?" in said(frontdesk("tickets", "original", message.id))
    refused(frontdesk("tickets", "original", message.id + 1), "no original is kept")


# Events


@pytest.fixture
def broken(desk: Desk) -> int:
    """An event that no parser can read."""
    desk.mail(sender="nobody, at all")
    desk.work()
    return int(str(desk.scalars("SELECT id FROM inbound_events")[0]))


def test_what_was_set_aside_is_listed_with_its_reason(frontdesk: Frontdesk, broken: int) -> None:
    (row,) = objects(frontdesk("events", "list", "--json"))
    assert (row["id"], row["channel"], row["status"]) == (broken, "email", "failed")
    assert row["reason"]
    assert row["reason"] in said(frontdesk("events", "list"))


def test_what_is_done_is_listed_when_asked_for(frontdesk: Frontdesk, ticket_id: int) -> None:
    assert ticket_id
    assert said(frontdesk("events", "list")) == "nothing is waiting or set aside\n"
    assert len(objects(frontdesk("events", "list", "--json", "--status", "processed"))) == 1


def test_an_event_is_printed_byte_for_byte(frontdesk: Frontdesk, broken: int, desk: Desk) -> None:
    (payload,) = desk.scalars("SELECT payload FROM inbound_events")
    assert isinstance(payload, bytes)
    assert frontdesk("events", "show", broken).stdout_bytes == payload


def test_an_event_that_is_not_there_is_one_sentence(frontdesk: Frontdesk, desk: Desk) -> None:
    refused(frontdesk("events", "show", 99), "there is no event 99")
    assert desk.count("inbound_events") == 0


def test_a_replayed_event_is_worked_through_again_and_adds_nothing_twice(
    frontdesk: Frontdesk, broken: int, desk: Desk
) -> None:
    desk.mail("Fine.")
    desk.work()
    text = said(frontdesk("events", "replay", broken, broken + 1, 99))
    assert text.splitlines() == [
        f"event {broken}: will be worked through again",
        f"event {broken + 1}: not replayed, it is neither failed nor ignored, nor is a file held back",
        "event 99: there is none",
    ]
    desk.work()
    assert desk.count("tickets") == 1
    assert desk.scalars("SELECT status FROM inbound_events ORDER BY id") == ["failed", "processed"]


# Deliveries


@pytest.fixture
def unconfirmed(frontdesk: Frontdesk, ticket_id: int, desk: Desk) -> int:
    """An answer after which the relay fell silent: it may have taken it or not."""
    desk.sandbox.fault(Fault(service="mailbox", kind="reset_after_data"))
    frontdesk("tickets", "reply", ticket_id, "Pull the plug.", "--as", "ada@desk.example")
    desk.work()
    (delivery,) = desk.deliveries()
    return delivery.id


def test_a_send_that_is_done_is_listed_when_asked_for(frontdesk: Frontdesk, ticket_id: int) -> None:
    assert said(frontdesk("deliveries", "list")) == "nothing is waiting or failed\n"
    sent = objects(frontdesk("deliveries", "list", "--json", "--status", "sent"))
    assert {row["ticket"] for row in sent} == {ticket_id}
    assert {row["purpose"] for row in sent} >= {"card", "message"}


def test_an_unconfirmed_send_is_listed_with_its_reason_and_sent_again_when_a_person_says_so(
    frontdesk: Frontdesk, unconfirmed: int, desk: Desk
) -> None:
    (row,) = objects(frontdesk("deliveries", "list", "--json"))
    assert (row["id"], row["status"], row["channel"], row["attempts"]) == (unconfirmed, "unconfirmed", "email", 1)
    assert "not known" in row["reason"]
    before = len(desk.effects("mailbox"))
    assert said(frontdesk("deliveries", "retry", unconfirmed)) == f"delivery {unconfirmed}: will be sent again\n"
    desk.work()
    assert len(desk.effects("mailbox")) == before + 1
    assert [(each.status, each.attempts) for each in desk.deliveries()] == [("sent", 2)]


def test_what_did_not_fail_is_not_sent_again(frontdesk: Frontdesk, ticket_id: int, desk: Desk) -> None:
    frontdesk("tickets", "reply", ticket_id, "Pull the plug.", "--as", "ada@desk.example")
    desk.work()
    (delivery,) = desk.deliveries()
    text = said(frontdesk("deliveries", "retry", delivery.id, 99))
    assert text == f"delivery {delivery.id}: neither failed nor unconfirmed\ndelivery 99: there is none\n"
    desk.work()
    assert len(desk.effects("mailbox")) == 1


# Users


def test_users_are_listed_without_their_passwords(frontdesk: Frontdesk, desk: Desk) -> None:
    assert desk.count("users") == 2
    rows = objects(frontdesk("users", "list", "--json"))
    assert [(row["name"], row["type"], row["password"]) for row in rows] == [
        ("Ada Agent", "agent", False),
        ("Ben Agent", "administrator", False),
    ]


def test_who_is_deactivated_acts_nowhere_although_slack_vouches_for_their_address(
    frontdesk: Frontdesk, desk: Desk
) -> None:
    frontdesk("users", "deactivate", "ada@desk.example", "Ben@desk.example")
    desk.text("Where is it?")
    desk.work()
    for user in ("U0ADA", "U0BEN"):
        desk.say("Here.", thread=desk.thread(), user=user)
        desk.work()
    assert desk.effects("twilio", "message") == []
    assert sum("is not an agent of this department" in each for each in desk.words()) == 2


def test_a_password_is_kept_as_an_argon2_hash_that_fits_it(frontdesk: Frontdesk, desk: Desk) -> None:
    result = frontdesk("users", "password", "Ada@desk.example", typed="correct horse\ncorrect horse\n")
    assert "the password is set" in said(result)
    assert "correct horse" not in result.output
    (stored,) = desk.scalars("SELECT password_hash FROM users WHERE password_hash IS NOT NULL")
    assert str(stored).startswith("$argon2id$")
    assert argon2.PasswordHasher().verify(str(stored), "correct horse")
    assert [row["password"] for row in objects(frontdesk("users", "list", "--json"))] == [True, False]


def test_a_password_typed_differently_the_second_time_is_not_set(frontdesk: Frontdesk, desk: Desk) -> None:
    assert frontdesk("users", "password", "ada@desk.example", typed="one\nother\n").exit_code == 1
    assert desk.scalars("SELECT count(password_hash) FROM users") == [0]


def test_a_password_for_nobody_is_one_sentence(frontdesk: Frontdesk, desk: Desk) -> None:
    result = frontdesk("users", "password", "nobody@desk.example", "--password", "correct horse")
    refused(result, "there is no user nobody@desk.example")
    assert desk.scalars("SELECT count(password_hash) FROM users") == [0]
