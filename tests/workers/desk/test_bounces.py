"""What came back about our answers, over the whole way: a mail in, the delivery and the agents' thread out."""

import pytest

from channels.email.event import fetched_event, raw_event
from tests.channels.email.bounce_samples import BOUNCES, DELAYS, bounce
from tests.desk import Desk

FORGED = "t1.abcdefghijklmnopqrstuvwxyz.0f1e2d3c-4b5a-4678-9abc-def012345678@desk.example"


@pytest.fixture
def ours(desk: Desk) -> str:
    """Return the Message-ID of an agent's answer that has been sent to the client."""
    desk.mail()
    desk.work()
    desk.say("Pull the plug.", thread=desk.thread())
    desk.work()
    return str(desk.mailbox()[-1]["headers"]["Message-ID"])


def comes_back(desk: Desk, raw: bytes, mail_from: str = "") -> None:
    mailbox = "support@desk.example"
    desk.accept(raw_event(raw, mail_from=mail_from, rcpt_tos=[mailbox], peer="192.0.2.9", mailboxes=[mailbox]))
    desk.work()


def is_fetched(desk: Desk, raw: bytes) -> None:
    """Let the IMAP door bring a mail."""
    mailbox = "support@desk.example"
    desk.accept(fetched_event(raw, mailbox="support", address=mailbox, rcpt_tos=[mailbox]))
    desk.work()


def told_agents(desk: Desk, words: str) -> int:
    return sum(words in each.body for each in desk.messages())


def posted(desk: Desk) -> str:
    return "\n".join(str(each) for each in desk.effects("slack", "post"))


@pytest.mark.parametrize("name", BOUNCES)
def test_a_bounce_fails_the_delivery_and_the_agents_read_why(desk: Desk, ours: str, name: str) -> None:
    messages, (status, hard) = desk.bodies(), BOUNCES[name]
    comes_back(desk, bounce(name, ours))
    (delivery,) = desk.deliveries()
    assert (delivery.status, delivery.error_code) == ("failed", status)
    assert (desk.bodies(), len(desk.tickets())) == (messages, 1)
    assert told_agents(desk, "Not delivered to the client") == 1
    assert status in posted(desk)
    assert desk.count("suppressions") == hard


@pytest.mark.parametrize(
    ("written_down", "status"), [(b"<>", "failed"), (b"< >", "failed"), (b"<cleo@client.example>", "sent")]
)
def test_over_imap_the_return_path_says_what_the_envelope_was(
    desk: Desk, ours: str, written_down: bytes, status: str
) -> None:
    is_fetched(desk, b"Return-Path: " + written_down + b"\r\n" + bounce(next(iter(BOUNCES)), ours))
    assert [each.status for each in desk.deliveries()] == [status]


@pytest.mark.parametrize("name", DELAYS)
def test_a_delay_decides_nothing_and_is_told_once(desk: Desk, ours: str, name: str) -> None:
    for minutes in (b"10", b"20"):
        comes_back(desk, b"X-Minutes: " + minutes + b"\r\n" + bounce(name, ours))
    assert [each.status for each in desk.deliveries()] == ["sent"]
    assert told_agents(desk, "keeps trying") == 1
    assert "keeps trying" in posted(desk)
    assert desk.count("suppressions") == 0


def test_a_delay_and_then_a_failure_are_both_told(desk: Desk, ours: str) -> None:
    comes_back(desk, bounce("delayed_postfix", ours))
    comes_back(desk, bounce("given_up", ours))
    assert [each.status for each in desk.deliveries()] == ["failed"]
    assert [told_agents(desk, words) for words in ("Not yet delivered", "Not delivered")] == [1, 1]


@pytest.mark.parametrize("named", [FORGED, "fd.0f1e2d3c-4b5a-4678-9abc-def012345678@desk.example", "x@client.example"])
def test_a_bounce_that_names_no_mail_of_ours_changes_nothing(desk: Desk, ours: str, named: str) -> None:
    assert named not in ours
    for name in BOUNCES:
        comes_back(desk, bounce(name, named))
    assert [each.status for each in desk.deliveries()] == ["sent"]
    assert desk.count("suppressions") == 0
    assert len(desk.effects("mailbox")) == 1


@pytest.mark.parametrize("sender", ["mallory@elsewhere.example", "MAILER-DAEMON@mx.desk.example"])
def test_a_bounce_from_somebodys_address_changes_nothing(desk: Desk, ours: str, sender: str) -> None:
    comes_back(desk, bounce("postfix", ours), mail_from=sender)
    assert [each.status for each in desk.deliveries()] == ["sent"]


def status_part(ours: str, *fields: str) -> bytes:
    """Return a bounce of our mail with these fields of recipients, all of whom are unknown users."""
    failed = "".join(f"{each}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n" for each in fields)
    start, _, rest = bounce("postfix", ours).partition(b"Final-Recipient:")
    return start + failed.encode() + rest[rest.index(b"\r\n\r\n--") + 2 :]


def test_a_bounce_about_another_address_is_told_and_decides_nothing(desk: Desk, ours: str) -> None:
    for number in (b"1", b"2"):
        raw = status_part(ours, "Final-Recipient: rfc822; old.member@other.example")
        comes_back(desk, b"X-Number: " + number + b"\r\n" + raw)
    assert [each.status for each in desk.deliveries()] == ["sent"]
    assert desk.count("suppressions") == 0
    assert told_agents(desk, "A copy to another address came back") == 1
    assert "old.member@" not in posted(desk)


@pytest.mark.parametrize(
    ("fields", "suppressed"),
    [
        (["Final-Recipient: rfc822; Cleo@CLIENT.example"], 1),
        (["Original-Recipient: rfc822; cleo@client.example\r\nFinal-Recipient: rfc822; c17@store.client.example"], 0),
        (["Final-Recipient: rfc822; cleo@client.example\r\nX-Actual-Recipient: rfc822; c17@other.example"], 0),
        (["Final-Recipient: rfc822; old@other.example", "Final-Recipient: rfc822; cleo@client.example"], 0),
        (["Final-Recipient: x-unknown; 17"], 1),
    ],
)
def test_a_bounce_that_names_another_address_too_suppresses_nobody(
    desk: Desk, ours: str, fields: list[str], suppressed: int
) -> None:
    comes_back(desk, status_part(ours, *fields))
    assert [each.status for each in desk.deliveries()] == ["failed"]
    assert desk.count("suppressions") == suppressed


@pytest.mark.parametrize("name", ["postfix", "delayed_postfix"])
def test_a_bounce_without_the_tickets_true_token_changes_nothing(desk: Desk, ours: str, name: str) -> None:
    token, key = ours.strip("<>").split(".")[1:3]
    comes_back(desk, bounce(name, ours.replace(f".{token}.{key}", f".{'a' * len(token)}.{key}")))
    assert [each.status for each in desk.deliveries()] == ["sent"]
    assert (told_agents(desk, "elivered to the client"), told_agents(desk, "came back")) == (0, 0)


@pytest.mark.parametrize(("days", "status", "told"), [(9, "failed", 0), (11, "sent", 1)])
def test_a_bounce_long_after_sending_is_told_and_decides_nothing(
    desk: Desk, ours: str, days: int, status: str, told: int
) -> None:
    desk.scalars(f"UPDATE deliveries SET sent_at = sent_at - interval '{days} days' RETURNING id")  # noqa: S608 - a number
    comes_back(desk, bounce("postfix", ours))
    assert [each.status for each in desk.deliveries()] == [status]
    assert told_agents(desk, "long after it was sent") == told
    assert desk.count("suppressions") == 1 - told


def test_words_alone_in_an_answer_to_our_mail_fail_nothing(desk: Desk, ours: str) -> None:
    comes_back(desk, bounce("words_alone", ours))
    assert [each.status for each in desk.deliveries()] == ["sent"]


def test_a_bounce_that_a_client_passes_on_is_the_clients_message(desk: Desk, ours: str) -> None:
    comes_back(desk, bounce("passed_on", ours), mail_from="cleo@client.example")
    assert [each.status for each in desk.deliveries()] == ["sent"]
    assert desk.scalars("SELECT automatic FROM message_sources ORDER BY message_id DESC LIMIT 1") == ["no"]


def test_a_second_bounce_of_one_mail_is_not_told_again(desk: Desk, ours: str) -> None:
    for number in (b"1", b"2"):
        comes_back(desk, b"X-Number: " + number + b"\r\n" + bounce("exim", ours))
    assert told_agents(desk, "Not delivered to the client") == 1


def test_a_client_who_writes_after_a_bounce_is_answered_again_whatever_their_clock_says(desk: Desk, ours: str) -> None:
    comes_back(desk, bounce("postfix", ours))
    desk.say("Are you there?", thread=desk.thread())
    desk.work()
    assert len(desk.effects("mailbox")) == 1
    desk.mail("Still here.", headers={"In-Reply-To": ours, "Date": "Mon, 03 Jan 2000 08:00:00 +0000"})
    desk.work()
    desk.say("Good.", thread=desk.thread())
    desk.work()
    assert len(desk.effects("mailbox")) == 2


def test_who_opted_out_is_left_alone_whatever_they_write(desk: Desk, ours: str) -> None:
    cleo = "('email', 'cleo@client.example', 'opted_out')"
    desk.scalars(f"INSERT INTO suppressions (type, value, reason) VALUES {cleo} RETURNING id")  # noqa: S608 - a literal
    desk.mail("One more thing.", headers={"In-Reply-To": ours})
    desk.work()
    assert desk.count("suppressions") == 1
